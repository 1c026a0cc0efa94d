import { CHAOS_NAMESPACE, type Group, LABELS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { type KubernetesObject, managedLabels } from './object.ts'

type PodSecurity = 'restricted' | 'privileged'

/** Pods of a group that ask for more than the restricted standard allows are refused by the API server. */
export function groupNamespace(group: Group): KubernetesObject {
  return namespace(group, managedLabels(group, 'namespace'), 'restricted')
}

/** node_exporter reads the host's files, which no stricter standard allows. */
export function sharedNamespace(): KubernetesObject {
  return namespace(SHARED_NAMESPACE, managedLabels(SHARED_GROUP, 'namespace'), 'privileged')
}

/** An agent enters the namespaces of its targets, which no stricter standard allows. */
export function chaosNamespace(): KubernetesObject {
  return namespace(CHAOS_NAMESPACE, managedLabels(SHARED_GROUP, 'namespace'), 'privileged')
}

function namespace(
  name: string,
  labels: Readonly<Record<string, string>>,
  podSecurity: PodSecurity,
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...labels,
        [LABELS.partOf]: LABELS.product,
        'pod-security.kubernetes.io/enforce': podSecurity,
        'pod-security.kubernetes.io/warn': podSecurity,
      },
    },
  }
}
