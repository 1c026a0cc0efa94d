import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1ResourceAttributes,
} from '@kubernetes/client-node'
import { SHARED_NAMESPACE } from '../../platform/topology.ts'
import { CHAOS_NAMESPACE } from '../../services/agent/protocol.ts'
import type { Action } from '../faults/fault.ts'
import { NAMESPACE, occupant } from './occupant.ts'
import type { ApiFaults } from './roles.ts'

const MERGE = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)

/** Faults in the API, and their undo, done with the rights of whoever runs the command. */
export function kubernetesApiFaults(config: KubeConfig, occupantImage: string): ApiFaults {
  const core = config.makeApiClient(CoreV1Api)
  const apps = config.makeApiClient(AppsV1Api)
  const batch = config.makeApiClient(BatchV1Api)
  const access = config.makeApiClient(AuthorizationV1Api)

  const setCordon = async (name: string, unschedulable: boolean) => {
    await core.patchNode({ name, body: { spec: { unschedulable: unschedulable || null } } }, MERGE)
  }
  const setReplicas = async ({ resource, name, replicas }: Scale) => {
    const request = { namespace: NAMESPACE, name, body: { spec: { replicas } } }
    if (resource === 'deployments') await apps.patchNamespacedDeploymentScale(request, MERGE)
    else await apps.patchNamespacedStatefulSetScale(request, MERGE)
  }

  return {
    async evict({ namespace, name, uid }) {
      try {
        await core.createNamespacedPodEviction({
          namespace,
          name,
          body: { metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } },
        })
        return true
      } catch (error) {
        if (isCode(error, 429)) return false
        // 409: another pod has the name by now; the one that was meant is gone.
        if (isCode(error, 404) || isCode(error, 409)) return true
        throw error
      }
    },
    async cordon(node) {
      await setCordon(node, true)
    },
    async scale(action) {
      await setReplicas(action)
    },
    async occupy(action) {
      const body = occupant(action, occupantImage)
      await unlessCode(409, apps.createNamespacedDeployment({ namespace: NAMESPACE, body }))
    },
    async undo(undo) {
      switch (undo.undo) {
        case 'uncordon':
          return await unlessCode(404, setCordon(undo.node, false))
        case 'scale':
          return await unlessCode(404, setReplicas(undo))
        case 'delete-deployment':
          return await unlessCode(
            404,
            apps.deleteNamespacedDeployment({
              namespace: NAMESPACE,
              name: undo.name,
              propagationPolicy: 'Background',
            }),
          )
        case 'delete-load':
          return await unlessCode(
            404,
            batch.deleteNamespacedJob({
              namespace: SHARED_NAMESPACE,
              name: undo.job,
              propagationPolicy: 'Background',
            }),
          )
      }
    },
    async forbidden(actions) {
      const needed = [...ALWAYS, ...actions.flatMap(rightsFor)]
      const asked = new Map(needed.map(right => [JSON.stringify(right), right]))
      const answers = await Promise.all(
        [...asked.values()].map(async right => {
          const { status } = await access.createSelfSubjectAccessReview({
            body: { spec: { resourceAttributes: right } },
          })
          return status?.allowed === true ? [] : [describe(right)]
        }),
      )
      return answers.flat()
    },
  }
}

type Scale = Pick<Extract<Action, { readonly action: 'scale' }>, 'resource' | 'name' | 'replicas'>

/** What every run does, faults or none. */
const ALWAYS: readonly V1ResourceAttributes[] = [
  { verb: 'list', resource: 'nodes' },
  { verb: 'list', resource: 'pods', namespace: NAMESPACE },
  { verb: 'create', group: 'batch', resource: 'jobs', namespace: SHARED_NAMESPACE },
  { verb: 'create', resource: 'pods', subresource: 'exec', namespace: SHARED_NAMESPACE },
  { verb: 'create', resource: 'pods', subresource: 'exec', namespace: CHAOS_NAMESPACE },
  { verb: 'create', group: 'coordination.k8s.io', resource: 'leases', namespace: CHAOS_NAMESPACE },
]

/** What an action asks of the API server. Pure. */
export function rightsFor(action: Action): readonly V1ResourceAttributes[] {
  switch (action.action) {
    case 'delete-pod':
      return [{ verb: 'delete', resource: 'pods', namespace: NAMESPACE }]
    case 'evict-pod':
      return [{ verb: 'create', resource: 'pods', subresource: 'eviction', namespace: NAMESPACE }]
    case 'cordon':
      return [{ verb: 'patch', resource: 'nodes' }]
    case 'scale':
      return [
        {
          verb: 'patch',
          group: 'apps',
          resource: action.resource,
          subresource: 'scale',
          namespace: NAMESPACE,
        },
      ]
    case 'occupy':
      return [
        { verb: 'create', group: 'apps', resource: 'deployments', namespace: NAMESPACE },
        { verb: 'delete', group: 'apps', resource: 'deployments', namespace: NAMESPACE },
      ]
    case 'power-off':
    case 'power-on':
    case 'agent-begin':
    case 'agent-end':
    case 'surge':
    case 'api-undo':
      return []
  }
}

function describe({ verb, resource, subresource, namespace }: V1ResourceAttributes): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`
  return `may not ${verb} ${what}${namespace === undefined ? '' : ` in namespace ${namespace}`}`
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code
}

/** Waits for `work`; an answer with `code` means that it is so already. */
async function unlessCode(code: number, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isCode(error, code)) throw error
  }
}
