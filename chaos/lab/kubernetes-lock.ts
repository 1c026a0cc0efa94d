import {
  ApiException,
  CoordinationV1Api,
  type KubeConfig,
  type V1Lease,
  V1MicroTime,
} from '@kubernetes/client-node'
import { MachineryError, UserError } from '../../platform/errors.ts'
import { LABELS, SHARED_NAMESPACE } from '../../platform/topology.ts'
import type { Clock, RunLock } from './roles.ts'

/** Of the Lease in the shared namespace. */
export const LOCK_NAME = 'divergence-run'
const LEASE_SECONDS = 15
const RENEW_EVERY_MS = 4_000
/** Tells who holds the lease, so that on the same machine a dead holder is known at once. */
const PROCESS_ANNOTATION = 'divergence/process'

/** Who asks: this machine and process, and whether a process of this machine is alive. */
export type Holder = {
  readonly host: string
  readonly pid: number
  readonly isAlive: (pid: number) => boolean
}

/** What the lock asks of the API server: one Lease, replaced only by whoever has read its last version. */
export type LeaseApi = Pick<
  CoordinationV1Api,
  'createNamespacedLease' | 'readNamespacedLease' | 'replaceNamespacedLease'
>

/**
 * A Kubernetes Lease: one run at a time on a cluster, whoever starts it and from wherever. A holder that was killed
 * stops renewing it, and the next run takes it over.
 */
export function kubernetesLock(config: KubeConfig, clock: Clock, self: Holder): RunLock {
  return lockOf(config.makeApiClient(CoordinationV1Api), clock, self)
}

export function lockOf(api: LeaseApi, clock: Clock, self: Holder): RunLock {
  const at = { namespace: SHARED_NAMESPACE, name: LOCK_NAME }
  const read = async (): Promise<V1Lease | null> => {
    try {
      return await api.readNamespacedLease(at)
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return null
      throw error
    }
  }
  const write = async (runId: string | null, previous: V1Lease | null): Promise<V1Lease> => {
    const body: V1Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...at,
        labels: { [LABELS.partOf]: LABELS.product },
        annotations: { [PROCESS_ANNOTATION]: processOf(self) },
        ...(previous?.metadata?.resourceVersion === undefined
          ? {}
          : { resourceVersion: previous.metadata.resourceVersion }),
      },
      spec: {
        ...(runId === null ? {} : { holderIdentity: runId }),
        leaseDurationSeconds: LEASE_SECONDS,
        renewTime: new V1MicroTime(clock.nowMs()),
      },
    }
    return previous === null
      ? await api.createNamespacedLease({ namespace: at.namespace, body })
      : await api.replaceNamespacedLease({ ...at, body })
  }
  const holder = (lease: V1Lease | null) => holderOf(lease, clock.nowMs(), self)

  return {
    async holder() {
      return holder(await read())
    },
    async acquire(runId, signal) {
      const previous = await read()
      const other = holder(previous)
      if (other !== null) throw taken(other)
      signal.throwIfAborted()
      let lease: V1Lease | null = await write(runId, previous).catch(error => {
        // Somebody else was quicker by a moment.
        if (error instanceof ApiException && error.code === 409) throw taken('another run')
        throw error
      })
      const over = new AbortController()
      const lost = new AbortController()
      const renew = async () => {
        try {
          lease = await write(runId, lease)
        } catch {
          // A renewal that fails is tried again; the lease outlives three of them.
          lease = await read().catch(() => lease)
          // Who slept for longer than the lease wakes up to a successor, whose lock this is now.
          if (lease !== null && !isHeldBy(lease, runId, self)) lost.abort(lostLock(runId, lease))
        }
      }
      const renewing = (async () => {
        while (!over.signal.aborted && !lost.signal.aborted) {
          await clock.sleep(RENEW_EVERY_MS, over.signal).catch(() => undefined)
          if (!over.signal.aborted) await renew()
        }
      })()
      return {
        lost: lost.signal,
        async release() {
          over.abort()
          await renewing
          const last = await read()
          if (last === null || !isHeldBy(last, runId, self)) return
          await write(null, last).catch(error => {
            throw new MachineryError(
              `Cannot give back the lock of run ${runId}: ${(error as Error).message}`,
              `It ends by itself after ${LEASE_SECONDS} s.`,
              { cause: error },
            )
          })
        },
      }
    },
  }
}

/** The run that holds the lease and lives; null when nobody does. Pure. */
export function holderOf(lease: V1Lease | null, nowMs: number, self: Holder): string | null {
  const runId = lease?.spec?.holderIdentity
  if (lease === null || runId === undefined || runId === '') return null
  // The client's types promise a date; what it reads is the text of one.
  const renewedMs = new Date(lease.spec?.renewTime ?? 0).getTime()
  if (nowMs - renewedMs > (lease.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1000) return null
  const [host, pid] = (lease.metadata?.annotations?.[PROCESS_ANNOTATION] ?? '').split('/')
  const isOurs = host === self.host && Number(pid) === self.pid
  if (host === self.host && !isOurs && !self.isAlive(Number(pid))) return null
  return runId
}

function isHeldBy({ metadata, spec }: V1Lease, runId: string, self: Holder): boolean {
  return spec?.holderIdentity === runId && metadata?.annotations?.[PROCESS_ANNOTATION] === processOf(self)
}

function processOf({ host, pid }: Holder): string {
  return `${host}/${pid}`
}

function lostLock(runId: string, { spec }: V1Lease): MachineryError {
  const successor = spec?.holderIdentity
  return new MachineryError(
    `Cannot go on with ${runId}: it did not renew its lock for ${LEASE_SECONDS} s, and ${successor ? `${successor} has taken it over` : 'another run has had it since'}`,
    'A machine with less to do helps; run it again once the other has ended.',
  )
}

function taken(runId: string): UserError {
  return new UserError(
    'RUN_IN_PROGRESS',
    `Cannot start a run: ${runId} is in progress on this cluster`,
    'Wait until it has ended, or stop it with Ctrl-C where it was started.',
  )
}
