import { ApiException, CoreV1Api, type KubeConfig, type V1Node, type V1Pod } from '@kubernetes/client-node'
import { CHAOS_NAMESPACE, GROUPS, LABELS, labZoneOf } from '../../platform/topology.ts'
import { HALT_NAME } from '../agent/protocol.ts'
import type { NodeState, PodState } from './contract.ts'

/** The API server answers such questions in milliseconds; a page does not wait longer. */
const ANSWER_WITHIN_MS = 4_000

/** Label by which Patroni says which member takes writes, and its value. */
const ROLE_LABEL = 'role'
const PRIMARY_ROLES: ReadonlySet<string> = new Set(['primary', 'master'])

export type LabPod = PodState & { readonly group: string; readonly service: string }

/** What oncall asks of the cluster it runs in, and the one thing it does to it. */
export interface Lab {
  /** Of both groups; none that is being deleted or has finished. */
  pods(): Promise<readonly LabPod[]>
  nodes(): Promise<readonly NodeState[]>
  /** Why everything is halted, or null. */
  halted(): Promise<string | null>
  halt(reason: string): Promise<void>
  release(): Promise<void>
}

export function kubernetesLab(config: KubeConfig): Lab {
  const core = config.makeApiClient(CoreV1Api)
  const at = { namespace: CHAOS_NAMESPACE, name: HALT_NAME }
  return {
    async pods() {
      const lists = await Promise.all(
        GROUPS.map(namespace => inTime(core.listNamespacedPod({ namespace, resourceVersion: '0' }))),
      )
      return lists.flatMap(({ items }) => items.filter(isAlive).map(podOf))
    },
    async nodes() {
      const { items } = await inTime(core.listNode({ resourceVersion: '0' }))
      return items.map(nodeOf)
    },
    async halted() {
      try {
        const { data } = await inTime(core.readNamespacedConfigMap(at))
        return data?.reason ?? 'no reason given'
      } catch (error) {
        if (isCode(error, 404)) return null
        throw error
      }
    },
    async halt(reason) {
      const body = {
        metadata: { ...at, labels: { [LABELS.partOf]: LABELS.product } },
        data: { reason },
      }
      try {
        await inTime(core.createNamespacedConfigMap({ namespace: at.namespace, body }))
      } catch (error) {
        // It is on already; who was first gave the reason.
        if (!isCode(error, 409)) throw error
      }
    },
    async release() {
      try {
        await inTime(core.deleteNamespacedConfigMap(at))
      } catch (error) {
        if (!isCode(error, 404)) throw error
      }
    },
  }
}

function isAlive({ metadata, status }: V1Pod): boolean {
  const phase = status?.phase
  return metadata?.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed'
}

function podOf({ metadata, spec, status }: V1Pod): LabPod {
  const labels = metadata?.labels ?? {}
  return {
    name: metadata?.name ?? '',
    group: labels[LABELS.group] ?? '',
    service: labels[LABELS.service] ?? '',
    node: spec?.nodeName ?? null,
    phase: status?.phase ?? 'Unknown',
    ready: isTrue(status?.conditions, 'Ready'),
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    primary: PRIMARY_ROLES.has(labels[ROLE_LABEL] ?? ''),
  }
}

function nodeOf({ metadata, spec, status }: V1Node): NodeState {
  const labels = metadata?.labels ?? {}
  return {
    name: metadata?.name ?? '',
    group: labels[LABELS.group] ?? '',
    zone: labZoneOf(labels),
    ready: isTrue(status?.conditions, 'Ready'),
    cordoned: spec?.unschedulable === true,
  }
}

function isTrue(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
): boolean {
  return conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`the API server did not answer within ${ANSWER_WITHIN_MS} ms`)),
    ANSWER_WITHIN_MS,
  )
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
