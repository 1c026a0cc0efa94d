import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { SHARED_NAMESPACE } from '../../platform/topology.ts'
import type { Action } from '../faults/fault.ts'
import { NAMESPACE, occupant } from './occupant.ts'
import { describeRight, rightsOf } from './rights.ts'
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
      const answers = await Promise.all(
        rightsOf(actions).map(async right => {
          const { status } = await access.createSelfSubjectAccessReview({
            body: { spec: { resourceAttributes: right } },
          })
          return status?.allowed === true ? [] : [describeRight(right)]
        }),
      )
      return answers.flat()
    },
  }
}

type Scale = Pick<Extract<Action, { readonly action: 'scale' }>, 'resource' | 'name' | 'replicas'>

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
