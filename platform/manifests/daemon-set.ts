import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'
import { SHARED_GROUP } from '../topology.ts'
import { type KubernetesObject, metadata, ownLabels, selectorLabels } from './object.ts'

/** What one DaemonSet has that another has not. How confined its pods are is said by each: they are there for the node. */
export type DaemonSetParts = {
  /** Of the pods: a change rolls them. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly pod: Omit<V1PodSpec, 'containers' | 'volumes'>
  /** The only container; it has the name of the service. */
  readonly container: Omit<V1Container, 'name'>
  readonly volumes: readonly V1Volume[]
}

/** The DaemonSet of a shared service. All its pods go at once for new ones: no node waits for another. */
export function daemonSet(
  namespace: string,
  service: string,
  { annotations, pod, container, volumes }: DaemonSetParts,
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: metadata(SHARED_GROUP, namespace, service),
    spec: {
      selector: { matchLabels: selectorLabels(SHARED_GROUP, service) },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
      template: {
        metadata: { labels: ownLabels(SHARED_GROUP, service), ...(annotations ? { annotations } : {}) },
        spec: { ...pod, containers: [{ name: service, ...container }], volumes },
      },
    },
  }
}
