import type { V1ResourceAttributes } from '@kubernetes/client-node'
import { GROUPS, SHARED_NAMESPACE } from '../../platform/topology.ts'
import { type ApiUndo, CHAOS_NAMESPACE, HALT_NAME } from '../../services/agent/protocol.ts'
import type { Action } from '../faults/fault.ts'
import { LOCK_NAME } from './kubernetes-lock.ts'
import { NAMESPACE } from './occupant.ts'

const LEASES = { group: 'coordination.k8s.io', resource: 'leases' } as const
const JOBS = { group: 'batch', resource: 'jobs' } as const
const DEPLOYMENTS = { group: 'apps', resource: 'deployments' } as const
const EXEC = { verb: 'create', resource: 'pods', subresource: 'exec' } as const

/**
 * What every run does, faults or none. Not that it is followed in the console and that a pod's log explains an error:
 * a run that may not do these is as good.
 */
const ALWAYS: readonly V1ResourceAttributes[] = [
  // The lab is looked at and followed, and each target is read once more before it is hit.
  ...verbs({ resource: 'nodes' }, 'list', 'watch', 'get'),
  ...GROUPS.flatMap(namespace => [
    ...verbs({ resource: 'pods', namespace }, 'list', 'watch'),
    ...verbs({ resource: 'services', namespace }, 'list'),
    ...verbs({ ...DEPLOYMENTS, namespace }, 'list'),
    ...verbs({ group: 'apps', resource: 'statefulsets', namespace }, 'list'),
    ...verbs({ group: 'policy', resource: 'poddisruptionbudgets', namespace }, 'list'),
    // The databases have no way in but their own pods.
    { ...EXEC, namespace },
  ]),
  ...verbs({ resource: 'pods', namespace: NAMESPACE }, 'get'),
  // The load, which also ends when its promise is kept by another run.
  ...verbs({ ...JOBS, namespace: SHARED_NAMESPACE }, 'list', 'create', 'delete', 'deletecollection'),
  ...verbs({ resource: 'pods', namespace: SHARED_NAMESPACE }, 'list', 'get'),
  { ...EXEC, namespace: SHARED_NAMESPACE },
  // The lock.
  ...verbs({ ...LEASES, namespace: SHARED_NAMESPACE }, 'create'),
  ...verbs({ ...LEASES, namespace: SHARED_NAMESPACE, name: LOCK_NAME }, 'get', 'update'),
  // The agents, the promises, and the switch that ends everything.
  ...verbs({ resource: 'pods', namespace: CHAOS_NAMESPACE }, 'list'),
  { ...EXEC, namespace: CHAOS_NAMESPACE },
  ...verbs({ ...LEASES, namespace: CHAOS_NAMESPACE }, 'list', 'create', 'patch', 'delete'),
  ...verbs({ resource: 'configmaps', namespace: CHAOS_NAMESPACE, name: HALT_NAME }, 'get'),
]

/** Everything that a run with these actions asks of the API server, each once. Pure. */
export function rightsOf(actions: readonly Action[]): readonly V1ResourceAttributes[] {
  const needed = [...ALWAYS, ...actions.flatMap(rightsFor)]
  return [...new Map(needed.map(right => [JSON.stringify(right), right])).values()]
}

function rightsFor(action: Action): readonly V1ResourceAttributes[] {
  switch (action.action) {
    case 'delete-pod':
      return verbs({ resource: 'pods', namespace: NAMESPACE }, 'delete')
    case 'evict-pod':
      return verbs({ resource: 'pods', subresource: 'eviction', namespace: NAMESPACE }, 'create')
    case 'cordon':
      return verbs({ resource: 'nodes' }, 'patch')
    case 'scale':
      return [scaling(action.resource)]
    case 'occupy':
      return verbs({ ...DEPLOYMENTS, namespace: NAMESPACE }, 'create')
    case 'api-undo':
      return rightsToUndo(action.undo)
    case 'power-off':
    case 'power-on':
    case 'agent-begin':
    case 'agent-end':
    case 'surge':
      return []
  }
}

function rightsToUndo(undo: ApiUndo): readonly V1ResourceAttributes[] {
  switch (undo.undo) {
    case 'uncordon':
      return verbs({ resource: 'nodes' }, 'patch')
    case 'scale':
      return [scaling(undo.resource)]
    case 'delete-deployment':
      return verbs({ ...DEPLOYMENTS, namespace: NAMESPACE }, 'delete')
    case 'delete-load':
      return verbs({ ...JOBS, namespace: SHARED_NAMESPACE }, 'delete')
  }
}

function scaling(resource: string): V1ResourceAttributes {
  return { verb: 'patch', group: 'apps', resource, subresource: 'scale', namespace: NAMESPACE }
}

function verbs(of: V1ResourceAttributes, ...each: readonly string[]): readonly V1ResourceAttributes[] {
  return each.map(verb => ({ ...of, verb }))
}

/** What it means not to have a right. Pure. */
export function describeRight({
  verb,
  resource,
  subresource,
  namespace,
  name,
}: V1ResourceAttributes): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`
  const named = name === undefined ? what : `${what} '${name}'`
  return `may not ${verb} ${named}${namespace === undefined ? '' : ` in namespace ${namespace}`}`
}
