import { PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import type { RenderInput } from './input.ts'
import { type KubernetesObject, metadata, ownLabels, selectorLabels } from './object.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  httpProbes,
  imageReference,
  outsideTheGroups,
  resourceRequirements,
} from './pod.ts'

const SERVICE = 'object-state'

/**
 * Tells Prometheus what Kubernetes knows of pods, nodes and workloads, under the names of kube-state-metrics, and where
 * the pods and nodes are that it scrapes.
 */
export function objectState(input: RenderInput): readonly KubernetesObject[] {
  const labels = ownLabels(SHARED_GROUP, SERVICE)
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
      spec: {
        selector: selectorLabels(SHARED_GROUP, SERVICE),
        ports: [{ name: 'metrics', port: PORTS.objectState, protocol: 'TCP' }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
      spec: {
        replicas: 1,
        revisionHistoryLimit: 2,
        selector: { matchLabels: selectorLabels(SHARED_GROUP, SERVICE) },
        // Two at once would count everything twice.
        strategy: { type: 'Recreate' },
        template: {
          metadata: { labels },
          spec: {
            ...basePod(),
            ...outsideTheGroups(),
            serviceAccountName: SERVICE,
            automountServiceAccountToken: true,
            containers: [
              {
                name: SERVICE,
                image: imageReference(input.images, 'services'),
                workingDir: '/app',
                command: ['node', 'services/object-state/main.ts'],
                ...CONTAINER_DEFAULTS,
                resources: resourceRequirements(input.topology.shared[SERVICE]),
                ports: [{ name: 'metrics', containerPort: PORTS.objectState }],
                ...httpProbes({
                  port: PORTS.objectState,
                  readyPath: '/readyz',
                  alivePath: '/healthz',
                  startSeconds: 60,
                }),
              },
            ],
          },
        },
      },
    },
  ]
}
