import {
  ApiException,
  CoordinationV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Lease,
  V1MicroTime,
} from '@kubernetes/client-node'
import { RUN_LABEL } from '../../load/job.ts'
import { MachineryError } from '../../platform/errors.ts'
import { LABELS } from '../../platform/topology.ts'
import {
  type ApiUndo,
  CHAOS_NAMESPACE,
  DEFAULT_LEASE_SECONDS,
  HEARTBEAT_SECONDS,
  LEASE_LABEL,
  LEASE_UNDO_ANNOTATION,
} from '../../services/agent/protocol.ts'
import { within } from '../waiting.ts'
import type { ApiLease, ApiLeases, Clock } from './roles.ts'

const MERGE = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)

/** Two of them fit into a lease. */
const RENEW_WITHIN_MS = 3_000

/** Kubernetes Leases in the namespace of the agents, which look at all of them and undo what has run out. */
export function kubernetesLeases(config: KubeConfig, clock: Clock): ApiLeases {
  const api = config.makeApiClient(CoordinationV1Api)
  const namespace = CHAOS_NAMESPACE

  const remove = async (name: string) => {
    try {
      await api.deleteNamespacedLease({ namespace, name })
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
  const renew = async (name: string) => {
    const spec = { renewTime: new V1MicroTime(clock.nowMs()) }
    await api.patchNamespacedLease({ namespace, name, body: { spec } }, MERGE)
  }

  return {
    async take(lease) {
      await api.createNamespacedLease({ namespace, body: leaseObject(lease, clock.nowMs()) })
      const over = new AbortController()
      const lost = new AbortController()
      const renewing = (async () => {
        let renewedMs = clock.nowMs()
        while (!over.signal.aborted && !lost.signal.aborted) {
          await clock.sleep(HEARTBEAT_SECONDS * 1000, over.signal).catch(() => undefined)
          if (over.signal.aborted) return
          try {
            // A request that hangs must not keep the next one from being in time.
            await within(renew(lease.name), AbortSignal.timeout(RENEW_WITHIN_MS))
            renewedMs = clock.nowMs()
          } catch (error) {
            const isLate = clock.nowMs() - renewedMs > DEFAULT_LEASE_SECONDS * 1000
            if (isGone(error) || isLate) lost.abort(lostLease(lease.name, error))
          }
        }
      })()
      return {
        lost: lost.signal,
        async release() {
          over.abort()
          await renewing
          await remove(lease.name)
        },
      }
    },
    async list() {
      const { items } = await api.listNamespacedLease({ namespace, labelSelector: LEASE_LABEL })
      return items.map(item => leaseOf(item, clock.nowMs()))
    },
    remove,
  }
}

/** A promise as it stands in the API. Pure. */
export function leaseObject(
  { name, runId, undo }: { readonly name: string; readonly runId: string; readonly undo: readonly ApiUndo[] },
  nowMs: number,
): V1Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: CHAOS_NAMESPACE,
      labels: { [LABELS.partOf]: LABELS.product, [LEASE_LABEL]: 'true', [RUN_LABEL]: runId },
      annotations: { [LEASE_UNDO_ANNOTATION]: JSON.stringify(undo) },
    },
    spec: {
      holderIdentity: runId,
      leaseDurationSeconds: DEFAULT_LEASE_SECONDS,
      acquireTime: new V1MicroTime(nowMs),
      renewTime: new V1MicroTime(nowMs),
    },
  }
}

/**
 * Reads a promise back. Pure.
 *
 * @throws MachineryError when its undo cannot be read: nobody could keep it
 */
export function leaseOf(lease: V1Lease, nowMs: number): ApiLease {
  const name = lease.metadata?.name ?? ''
  // The client's types promise a date; what it reads is the text of one.
  const renewedMs = new Date(lease.spec?.renewTime ?? 0).getTime()
  const lengthMs = (lease.spec?.leaseDurationSeconds ?? DEFAULT_LEASE_SECONDS) * 1000
  return {
    name,
    runId: lease.spec?.holderIdentity ?? '',
    undo: undoOf(name, lease.metadata?.annotations?.[LEASE_UNDO_ANNOTATION] ?? ''),
    expired: nowMs - renewedMs > lengthMs,
  }
}

function undoOf(name: string, text: string): readonly ApiUndo[] {
  try {
    const undo = JSON.parse(text) as ApiUndo[]
    if (Array.isArray(undo)) return undo
  } catch {
    // Told below, as for everything else that is no list.
  }
  throw new MachineryError(
    `Cannot read the lease ${CHAOS_NAMESPACE}/${name}: its annotation ${LEASE_UNDO_ANNOTATION} is '${text.slice(0, 80)}'`,
    `Undo by hand what it stands for, then: kubectl -n ${CHAOS_NAMESPACE} delete lease ${name}`,
  )
}

function lostLease(name: string, cause: unknown): MachineryError {
  return new MachineryError(
    `The lease ${name} ran out: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`,
    'An agent has undone what it stood for; run it again.',
    { cause },
  )
}

function isGone(error: unknown): boolean {
  return error instanceof ApiException && error.code === 404
}
