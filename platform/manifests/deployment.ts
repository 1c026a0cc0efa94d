import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'
import type { Resources } from '../topology.ts'
import { type KubernetesObject, metadata, type Owner, ownLabels, selectorLabels } from './object.ts'
import { basePod, CONTAINER_DEFAULTS, resourceRequirements } from './pod.ts'

/** What one Deployment has that another has not; everything else is the same for all. */
export type DeploymentParts = {
  readonly replicas: number
  /**
   * `surge`: a new pod is ready before an old one goes. `recreate`: the old one goes first, for what must not be there
   * twice.
   */
  readonly update: 'surge' | 'recreate'
  /** Of the pods: a change rolls them. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Where the pods run, how they find others, whether they may speak to the API server. */
  readonly pod: Pick<
    V1PodSpec,
    | 'affinity'
    | 'automountServiceAccountToken'
    | 'dnsConfig'
    | 'nodeSelector'
    | 'tolerations'
    | 'topologySpreadConstraints'
  >
  /** How long a pod may take to stop, seconds; 30 if not said. */
  readonly stopSeconds?: number
  readonly volumes?: readonly V1Volume[]
  readonly program: Required<Pick<V1Container, 'image' | 'command'>> & Pick<V1Container, 'workingDir'>
  readonly resources: Resources
  /** Environment, ports, probes, mounts of the only container. */
  readonly container: Pick<
    V1Container,
    'env' | 'lifecycle' | 'livenessProbe' | 'ports' | 'readinessProbe' | 'startupProbe' | 'volumeMounts'
  >
}

const STRATEGIES = {
  surge: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  recreate: { type: 'Recreate' },
} as const

/** The Deployment of `service`: one confined container a pod, under the service's own name and account. */
export function deployment(
  owner: Owner,
  namespace: string,
  service: string,
  parts: DeploymentParts,
): KubernetesObject {
  const { replicas, update, annotations, pod, stopSeconds, volumes, program, resources, container } = parts
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(owner, namespace, service),
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      selector: { matchLabels: selectorLabels(owner, service) },
      strategy: STRATEGIES[update],
      template: {
        metadata: { labels: ownLabels(owner, service), ...(annotations ? { annotations } : {}) },
        spec: {
          ...basePod(),
          ...pod,
          serviceAccountName: service,
          ...(stopSeconds === undefined ? {} : { terminationGracePeriodSeconds: stopSeconds }),
          containers: [
            {
              name: service,
              ...program,
              ...CONTAINER_DEFAULTS,
              resources: resourceRequirements(resources),
              ...container,
            },
          ],
          ...(volumes ? { volumes } : {}),
        },
      },
    },
  }
}
