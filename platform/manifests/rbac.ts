import {
  CHAOS_NAMESPACE,
  GROUPS,
  type Group,
  HALT_NAME,
  LABELS,
  SHARED_GROUP,
  SHARED_NAMESPACE,
} from '../topology.ts'
import { type KubernetesObject, type Metadata, managedLabels, metadata, type Owner } from './object.ts'

/*
 * Every service has an account of its own. Only those that speak to the API server are given its token and the few
 * verbs below; the others could do nothing with one.
 */

type Rule =
  | {
      readonly apiGroups: readonly string[]
      readonly resources: readonly string[]
      readonly resourceNames?: readonly string[]
      readonly verbs: readonly string[]
    }
  | { readonly nonResourceURLs: readonly string[]; readonly verbs: readonly string[] }

const READ = ['get', 'list', 'watch']

export function groupAccounts(group: Group): readonly KubernetesObject[] {
  return [
    ...['edge', 'gateway', 'recommender', 'database', 'migrate', 'ingest'].map(service =>
      serviceAccount(group, group, service),
    ),
    ...namespacedRole(group, group, 'database', PATRONI_RULES),
    ...namespacedRole(group, group, 'ingest', SPARK_DRIVER_RULES),
  ]
}

export function sharedAccounts(): readonly KubernetesObject[] {
  return [
    ...['prometheus', 'alertmanager', 'blackbox', 'node-exporter', 'object-state', 'zipkin'].map(service =>
      serviceAccount(SHARED_GROUP, SHARED_NAMESPACE, service),
    ),
    ...['oncall', 'oncall-database'].map(service => serviceAccount(SHARED_GROUP, SHARED_NAMESPACE, service)),
    ...clusterWideRole('oncall', [{ apiGroups: [''], resources: ['nodes'], verbs: READ }]),
    ...[...GROUPS, SHARED_NAMESPACE, CHAOS_NAMESPACE].flatMap(namespace =>
      namespacedRole(
        SHARED_GROUP,
        namespace,
        'oncall',
        namespace === CHAOS_NAMESPACE ? [LOOK_AT_PODS, ...HALT_RULES] : [LOOK_AT_PODS],
        SHARED_NAMESPACE,
      ),
    ),
    // Targets are told by object-state; of the API it needs the kubelets' consent, and what the API server tells of itself.
    ...clusterWideRole('prometheus', [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ]),
    ...clusterWideRole('object-state', [{ apiGroups: [''], resources: ['nodes'], verbs: LIST_AND_WATCH }]),
    ...[...GROUPS, SHARED_NAMESPACE].flatMap(namespace =>
      namespacedRole(SHARED_GROUP, namespace, 'object-state', OBJECT_STATE_RULES, SHARED_NAMESPACE),
    ),
  ]
}

/** Leader, configuration and synchronous standby are kept in the annotations of Endpoints, members in those of pods. */
const PATRONI_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['endpoints'], verbs: [...READ, 'create', 'patch', 'update', 'delete'] },
  { apiGroups: [''], resources: ['endpoints/restricted'], verbs: ['create'] },
  { apiGroups: [''], resources: ['pods'], verbs: [...READ, 'patch', 'update'] },
]

/** The driver makes its executors and the ConfigMap they start from, and takes both away again. */
const SPARK_DRIVER_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: [...READ, 'create', 'patch', 'delete', 'deletecollection'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    verbs: [...READ, 'create', 'update', 'delete', 'deletecollection'],
  },
  {
    apiGroups: [''],
    resources: ['services', 'persistentvolumeclaims'],
    verbs: [...READ, 'deletecollection'],
  },
]

const LOOK_AT_PODS: Rule = { apiGroups: [''], resources: ['pods'], verbs: READ }

/** It stops everything and lets it go on again. What a `create` makes cannot be limited to a name. */
const HALT_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: [HALT_NAME], verbs: ['get', 'delete'] },
]

const LIST_AND_WATCH = ['list', 'watch']

const OBJECT_STATE_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: LIST_AND_WATCH },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: LIST_AND_WATCH },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: LIST_AND_WATCH },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: LIST_AND_WATCH },
]

export function serviceAccount(owner: Owner, namespace: string, service: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(owner, namespace, service),
    automountServiceAccountToken: false,
  }
}

export function namespacedRole(
  owner: Owner,
  namespace: string,
  service: string,
  rules: readonly Rule[],
  accountNamespace: string = namespace,
): readonly KubernetesObject[] {
  const head = metadata(owner, namespace, service)
  return [
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: head, rules },
    binding('RoleBinding', 'Role', head, service, accountNamespace),
  ]
}

export function clusterWideRole(
  service: string,
  rules: readonly Rule[],
  accountNamespace: string = SHARED_NAMESPACE,
): readonly KubernetesObject[] {
  const head = { name: `${LABELS.product}-${service}`, labels: managedLabels(SHARED_GROUP, service) }
  return [
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: head, rules },
    binding('ClusterRoleBinding', 'ClusterRole', head, service, accountNamespace),
  ]
}

const RBAC = 'rbac.authorization.k8s.io'

function binding(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  roleKind: 'Role' | 'ClusterRole',
  head: Metadata,
  account: string,
  accountNamespace: string,
): KubernetesObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: head,
    roleRef: { apiGroup: RBAC, kind: roleKind, name: head.name },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: accountNamespace }],
  }
}
