import type { Group, ServiceSpec } from '../topology.ts'
import { type KubernetesObject, metadata, selectorLabels } from './object.ts'

/** At most one pod of the service is taken away on purpose at a time, be it by a drain or by an eviction. */
export function disruptionBudget(group: Group, spec: ServiceSpec): KubernetesObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(group, group, spec.service),
    spec: {
      maxUnavailable: 1,
      // A pod that is not ready holds no quorum: without this a broken pod could not be drained away.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorLabels(group, spec.service) },
    },
  }
}
