import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiServer, describeReference, type LiveObject, referenceOf } from './api-server.ts'
import type { Progress } from './cluster/cluster.ts'
import { MachineryError } from './errors.ts'
import type { KubernetesObject } from './manifests/object.ts'
import {
  isWaited,
  type Readiness,
  readiness,
  restartCount,
  type WaitedKind,
  whyNotReady,
} from './readiness.ts'
import { LABELS } from './topology.ts'

/** How often the cluster is asked, milliseconds. */
const POLL_MS = 400

/**
 * A container that ended so often while it was waited for will not come up by itself: 70 s, with the pauses that the
 * kubelet makes. What it did before does not count: every outage of its node is one more restart.
 */
const HOPELESS_RESTARTS = 4

/** Lines of a log that are shown with a failure. */
const LOG_LINES = 25

/** Label by which Kubernetes marks the pods of a Job. */
const JOB_LABEL = 'batch.kubernetes.io/job-name'

/** Time, so that tests need none. */
export type WaitClock = {
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<unknown>
}

export const REAL_CLOCK: WaitClock = {
  nowMs: () => performance.now(),
  sleep: (durationMs, signal) => sleep(durationMs, undefined, { signal }),
}

export type WaitOptions = {
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly clock: WaitClock
  /** Seconds until waiting is given up; > 0. */
  readonly limitSeconds: number
}

/** Workloads that progress names: a line should fit where people read it. */
const MOST_TOLD = 3

type Waiting = { readonly object: LiveObject | undefined; readonly name: string; readonly verdict: Readiness }

/**
 * Returns when every workload among `objects` is ready, and tells what it is still waiting for meanwhile.
 *
 * @throws MachineryError at once when a Job has failed or a container keeps ending, with the end of its log
 */
export async function waitUntilReady(
  api: ApiServer,
  objects: readonly KubernetesObject[],
  { progress, signal, clock, limitSeconds }: WaitOptions,
): Promise<void> {
  const workloads = objects.filter(object => isWaited(object.kind))
  const endMs = clock.nowMs() + limitSeconds * 1000
  const restartsBefore = new Map<string, number>()
  let told = ''
  while (true) {
    signal.throwIfAborted()
    const left = (await judge(api, workloads)).filter(each => each.verdict.state !== 'ready')
    if (left.length === 0) return
    const failed = left.find(each => each.verdict.state === 'failed')
    const pods = await podsOf(api, left)
    if (failed) throw await failure(api, failed, pods)
    for (const pod of pods) {
      const { uid = '' } = pod.metadata
      if (!restartsBefore.has(uid)) restartsBefore.set(uid, restartCount(pod))
    }
    for (const each of left) await refuseHopeless(api, each, pods, restartsBefore)
    const texts = left.map(each => describeWaiting(each, pods))
    const more = left.length - MOST_TOLD
    const text = texts.slice(0, MOST_TOLD).join('; ') + (more > 0 ? `; and ${more} more` : '')
    if (text !== told) progress(text)
    told = text
    if (clock.nowMs() > endMs) {
      throw new MachineryError(
        `Cannot go on: after ${limitSeconds} s not ready: ${texts.join('; ')}`,
        'See what the pods say: kubectl describe pod, kubectl logs; then run the command again, it goes on from here.',
      )
    }
    await clock.sleep(POLL_MS, signal)
  }
}

async function judge(api: ApiServer, workloads: readonly KubernetesObject[]): Promise<readonly Waiting[]> {
  const kinds = [...new Set(workloads.map(object => object.kind as WaitedKind))]
  const lists = await Promise.all(kinds.map(kind => api.list(kind, { labels: OURS })))
  const live = new Map(lists.flat().map(object => [describeReference(referenceOf(object)), object]))
  return workloads.map(workload => {
    const name = describeReference(referenceOf(workload))
    const object = live.get(name)
    return { object, name, verdict: object ? readiness(object) : { state: 'waiting', why: 'not there yet' } }
  })
}

const OURS = { [LABELS.partOf]: LABELS.product }

async function podsOf(api: ApiServer, left: readonly Waiting[]): Promise<readonly LiveObject[]> {
  return left.some(each => each.object) ? api.list('Pod', { labels: OURS }) : []
}

/** Pods that a workload owns, by the labels that its kind selects by. */
function ownPods({ object }: Waiting, pods: readonly LiveObject[]): readonly LiveObject[] {
  if (!object) return []
  const { name, namespace, labels = {} } = object.metadata
  const inNamespace = pods.filter(pod => pod.metadata.namespace === namespace)
  return object.kind === 'Job'
    ? inNamespace.filter(pod => pod.metadata.labels?.[JOB_LABEL] === name)
    : inNamespace.filter(
        pod =>
          pod.metadata.labels?.[LABELS.group] === labels[LABELS.group] &&
          pod.metadata.labels?.[LABELS.service] === labels[LABELS.service],
      )
}

/** `experiment/database 1/3 ready (database-2: ContainerCreating)`. */
function describeWaiting(each: Waiting, pods: readonly LiveObject[]): string {
  const place = each.name.replace(/^\w+ /, '')
  const what = each.verdict.state === 'waiting' ? each.verdict.why : each.verdict.state
  const reasons = ownPods(each, pods).flatMap(pod => {
    const why = whyNotReady(pod)
    return why ? [`${pod.metadata.name}: ${why}`] : []
  })
  return reasons.length > 0 ? `${place} ${what} (${reasons.slice(0, 2).join(', ')})` : `${place} ${what}`
}

/** @param restartsBefore how often the containers of a pod had been restarted when it was first seen, by uid */
async function refuseHopeless(
  api: ApiServer,
  each: Waiting,
  pods: readonly LiveObject[],
  restartsBefore: ReadonlyMap<string, number>,
): Promise<void> {
  const since = (pod: LiveObject) => restartCount(pod) - (restartsBefore.get(pod.metadata.uid ?? '') ?? 0)
  const hopeless = ownPods(each, pods).find(pod => since(pod) >= HOPELESS_RESTARTS && whyNotReady(pod))
  if (!hopeless) return
  throw new MachineryError(
    `Cannot go on: ${each.name} does not come up, its pod ${hopeless.metadata.name} was restarted ${since(hopeless)} times meanwhile: ${whyNotReady(hopeless)}${await logOf(api, hopeless)}`,
    'The log above says why. Mend it and run the command again.',
  )
}

async function failure(
  api: ApiServer,
  { name, verdict }: Waiting,
  pods: readonly LiveObject[],
): Promise<MachineryError> {
  const jobName = name.split('/').at(-1)
  const newest = pods
    .filter(
      pod => pod.metadata.labels?.[JOB_LABEL] === jobName && name.includes(` ${pod.metadata.namespace}/`),
    )
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
    .at(-1)
  const why = verdict.state === 'failed' ? verdict.why : verdict.state
  return new MachineryError(
    `Cannot go on: ${name} failed, ${why}${newest ? await logOf(api, newest) : ''}`,
    'The log above says why. Mend it and run the command again: a failed Job is started anew.',
  )
}

async function logOf(api: ApiServer, pod: LiveObject): Promise<string> {
  const { namespace = '', name } = pod.metadata
  const tail = await api.logTail(namespace, name, LOG_LINES)
  return tail ? `\n--- log of ${namespace}/${name} ---\n${tail}` : ''
}
