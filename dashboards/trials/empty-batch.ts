import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Job } from '@kubernetes/client-node'
import type { ApiServer, LiveObject } from '../../platform/api-server.ts'
import type { KubernetesObject } from '../../platform/manifests/object.ts'
import { ownLabels } from '../../platform/manifests/object.ts'

const NAMESPACE = 'experiment'
const FAILING = 'ingest-trial-empty'
const REPAIRING = 'ingest-trial-again'
const NO_FOLDER = 'file:///corpus/there-is-no-such-folder'

const LOOK_EVERY_MS = 2_000
const REPAIR_WITHIN_MS = 300_000
/** A pod that does not stop by itself is killed after half a minute. */
const FORGET_WITHIN_MS = 120_000

type Api = Pick<ApiServer, 'create' | 'list' | 'read' | 'remove'>

/** Time, so that tests need none. */
export type Clock = { readonly nowMs: () => number; readonly sleep: (durationMs: number) => Promise<unknown> }

const REAL_CLOCK: Clock = { nowMs: () => performance.now(), sleep: durationMs => sleep(durationMs) }

/**
 * Begins a batch of the experimental group whose folder does not exist.
 *
 * @throws Error when an earlier one does not go away, or somebody makes one as well
 */
export async function beginEmptyBatch(api: Api, clock = REAL_CLOCK): Promise<void> {
  await forget(api, clock)
  await make(api, batchLike(await lastBatch(api), FAILING, NO_FOLDER))
}

/**
 * Loads the songs that are there once more, which changes nothing but that the last batch is a good one again; then
 * takes both jobs away.
 *
 * @throws Error when it fails, or does not succeed in time; its job stays, to be looked at
 */
export async function repairBatch(api: Api, clock = REAL_CLOCK): Promise<void> {
  // An earlier one that succeeded repairs nothing now.
  await forget(api, clock)
  await make(api, batchLike(await lastBatch(api), REPAIRING))
  const isRepaired = async () => {
    const job = (await api.read(jobOf(REPAIRING))) as V1Job | undefined
    if (job === undefined) throw new Error(`Cannot repair the last batch: somebody removed ${REPAIRING}`)
    if ((job.status?.failed ?? 0) > 0) {
      throw new Error(
        `Cannot repair the last batch: ${REPAIRING} failed; see kubectl -n ${NAMESPACE} logs job/${REPAIRING}`,
      )
    }
    return (job.status?.succeeded ?? 0) > 0
  }
  const late = `Cannot repair the last batch: ${REPAIRING} has not succeeded within ${REPAIR_WITHIN_MS / 1000} s`
  await until(isRepaired, REPAIR_WITHIN_MS, late, clock)
  await forget(api, clock)
}

async function make(api: Api, job: KubernetesObject): Promise<void> {
  if ((await api.create(job)) !== undefined) return
  throw new Error(`Cannot make job ${job.metadata.name}: somebody else has made one meanwhile`)
}

async function forget(api: Api, clock: Clock): Promise<void> {
  for (const name of [FAILING, REPAIRING]) {
    await api.remove(jobOf(name))
    const isGone = async () => (await api.read(jobOf(name))) === undefined
    const late = `Cannot remove job ${name}: it is still there after ${FORGET_WITHIN_MS / 1000} s`
    await until(isGone, FORGET_WITHIN_MS, late, clock)
  }
}

/** @throws Error with `late` when it is not so in time */
async function until(
  isSo: () => Promise<boolean>,
  withinMs: number,
  late: string,
  clock: Clock,
): Promise<void> {
  const giveUpMs = clock.nowMs() + withinMs
  while (!(await isSo())) {
    if (clock.nowMs() >= giveUpMs) throw new Error(late)
    await clock.sleep(LOOK_EVERY_MS)
  }
}

const jobOf = (name: string) => ({ kind: 'Job', name, namespace: NAMESPACE })

/** The last job by which the lab was filled. */
async function lastBatch(api: Api): Promise<LiveObject> {
  const jobs = await api.list('Job', { namespace: NAMESPACE, labels: ownLabels('experiment', 'ingest') })
  const madeAt = ({ metadata }: LiveObject) => metadata.creationTimestamp ?? ''
  const job = jobs
    .filter(({ metadata }) => !metadata.name.startsWith('ingest-trial-'))
    .sort((one, other) => madeAt(one).localeCompare(madeAt(other)))
    .at(-1)
  if (job === undefined) throw new Error('Cannot ingest again: the experiment group was never filled')
  return job
}

/**
 * The same work under another name, as a job that has not been made yet.
 *
 * @param input folder of the songs, as URI; absent: the same
 */
export function batchLike(job: LiveObject, name: string, input?: string): KubernetesObject {
  const labels = ownLabels('experiment', 'ingest')
  const pod = (job as unknown as Pick<V1Job, 'spec'>).spec?.template.spec
  if (pod === undefined) throw new Error(`Cannot copy job ${job.metadata.name}: it makes no pod`)
  const containers = pod.containers.map(container => ({
    ...container,
    env: (container.env ?? []).map(variable =>
      variable.name === 'INGEST_INPUT' && input !== undefined ? { ...variable, value: input } : variable,
    ),
  }))
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    // Not one of those that `up` rendered, so that it does not take them for its own.
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: 600,
      template: { metadata: { labels }, spec: { ...pod, containers } },
    },
  }
}
