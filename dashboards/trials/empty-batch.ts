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

type Api = Pick<ApiServer, 'create' | 'list' | 'read' | 'remove'>

/** Begins a batch of the experimental group whose folder does not exist. */
export async function beginEmptyBatch(api: Api): Promise<void> {
  await forget(api)
  await api.create(batchLike(await lastBatch(api), FAILING, NO_FOLDER))
}

/**
 * Loads the songs that are there once more, which changes nothing but that the last batch is a good one again; then
 * takes both jobs away.
 *
 * @throws Error when it does not succeed in time
 */
export async function repairBatch(api: Api): Promise<void> {
  await api.create(batchLike(await lastBatch(api), REPAIRING))
  const giveUpMs = Date.now() + REPAIR_WITHIN_MS
  for (;;) {
    const job = (await api.read({ kind: 'Job', name: REPAIRING, namespace: NAMESPACE })) as V1Job | undefined
    if ((job?.status?.succeeded ?? 0) > 0) break
    if (Date.now() > giveUpMs) {
      throw new Error(`Cannot repair the last batch: ${REPAIRING} has not succeeded within 5 min`)
    }
    await sleep(LOOK_EVERY_MS)
  }
  await forget(api)
}

async function forget(api: Api): Promise<void> {
  for (const name of [FAILING, REPAIRING]) {
    const job = { kind: 'Job', name, namespace: NAMESPACE }
    await api.remove(job)
    while ((await api.read(job)) !== undefined) await sleep(LOOK_EVERY_MS)
  }
}

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
