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

const LEASE_NAME = 'divergence-run'
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

/**
 * A Kubernetes Lease: one run at a time on a cluster, whoever starts it and from wherever. A holder that was killed
 * stops renewing it, and the next run takes it over.
 */
export function kubernetesLock(config: KubeConfig, clock: Clock, self: Holder): RunLock {
  const api = config.makeApiClient(CoordinationV1Api)
  const at = { namespace: SHARED_NAMESPACE, name: LEASE_NAME }
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
        annotations: { [PROCESS_ANNOTATION]: `${self.host}/${self.pid}` },
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
      let lease = await write(runId, previous).catch(error => {
        // Somebody else was quicker by a moment.
        if (error instanceof ApiException && error.code === 409) throw taken('another run')
        throw error
      })
      const over = new AbortController()
      const renewing = (async () => {
        while (!over.signal.aborted) {
          await clock.sleep(RENEW_EVERY_MS, over.signal).catch(() => undefined)
          if (over.signal.aborted) return
          // A renewal that fails is tried again; the lease outlives three of them.
          lease = await write(runId, lease).catch(async () => (await read().catch(() => null)) ?? lease)
        }
      })()
      return {
        async release() {
          over.abort()
          await renewing
          await write(null, await read()).catch(error => {
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

function taken(runId: string): UserError {
  return new UserError(
    'RUN_IN_PROGRESS',
    `Cannot start a run: ${runId} is in progress on this cluster`,
    'Wait until it has ended, or stop it with Ctrl-C where it was started.',
  )
}
