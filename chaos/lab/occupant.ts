import type { V1Deployment } from '@kubernetes/client-node'
import { type Group, LABELS, OCCUPANT_SERVICE } from '../../platform/topology.ts'
import type { Action } from '../faults/fault.ts'

/** Namespace of the only group that may be attacked. */
export const NAMESPACE = 'experiment' satisfies Group

const NON_ROOT_USER = 65532

/** Pods that do nothing and ask for much, on the experimental group's nodes only. */
export function occupant(
  action: Extract<Action, { readonly action: 'occupy' }>,
  image: string,
): V1Deployment {
  const labels = {
    [LABELS.partOf]: LABELS.product,
    [LABELS.group]: NAMESPACE,
    [LABELS.service]: OCCUPANT_SERVICE,
    occupant: action.name,
  }
  const requests = { cpu: String(action.cpuRequest), memory: `${action.memoryRequestMiB}Mi` }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: action.name, namespace: NAMESPACE, labels },
    spec: {
      replicas: action.pods,
      selector: { matchLabels: { occupant: action.name } },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { [LABELS.group]: NAMESPACE },
          tolerations: [{ key: LABELS.group, operator: 'Equal', value: NAMESPACE, effect: 'NoSchedule' }],
          // The classes come with the agents.
          priorityClassName: `${LABELS.product}-${action.priority}`,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          // What takes up room has nothing to finish.
          terminationGracePeriodSeconds: 0,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: NON_ROOT_USER,
            runAsGroup: NON_ROOT_USER,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: OCCUPANT_SERVICE,
              image,
              command: ['sleep', 'infinity'],
              resources: { requests },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    },
  }
}
