import { ApiException, BatchV1Api, CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node'
import { LOAD_POD, loadJob, loadJobName, RUN_LABEL } from '../../load/job.ts'
import type { LoadPlan } from '../../load/plan.ts'
import type { SummaryFile } from '../../load/summary.ts'
import { MachineryError } from '../../platform/errors.ts'
import { SHARED_NAMESPACE } from '../../platform/topology.ts'
import { offsetOf } from '../measurement/clock.ts'
import { execOutput, execStream, type Place } from './exec.ts'
import type { Clock, LoadGenerator } from './roles.ts'

const LOOK_EVERY_MS = 500
/** Image pull on a cold node included. */
const START_LIMIT_MS = 120_000
const REMOVE_LIMIT_MS = 60_000
/** Readings of the other clock; the best one counts. */
const CLOCK_READINGS = 5
/** Lines of the generator's log that an error message carries. */
const LOG_LINES = 20

export type KubernetesLoadOptions = {
  readonly config: KubeConfig
  readonly clock: Clock
  /** Reference of the image `load`. */
  readonly image: string
  readonly remoteWriteUrl: string | null
}

/** k6 as a Job on the system node. */
export class KubernetesLoad implements LoadGenerator {
  readonly #options: KubernetesLoadOptions
  readonly #batch: BatchV1Api
  readonly #core: CoreV1Api
  #place: Place | null = null

  constructor(options: KubernetesLoadOptions) {
    this.#options = options
    this.#batch = options.config.makeApiClient(BatchV1Api)
    this.#core = options.config.makeApiClient(CoreV1Api)
  }

  async start(plan: LoadPlan, signal: AbortSignal): Promise<void> {
    const { clock, image, remoteWriteUrl } = this.#options
    await this.#batch.createNamespacedJob({
      namespace: SHARED_NAMESPACE,
      body: loadJob({ plan, image, remoteWriteUrl }),
    })
    const untilMs = clock.nowMs() + START_LIMIT_MS
    for (;;) {
      const pod = await this.#pod(`job-name=${loadJobName(plan.runId)}`)
      const keeper = statusOf(pod, LOAD_POD.keeper)
      if (pod?.metadata?.name !== undefined && keeper?.state?.running !== undefined) {
        this.#place = { namespace: SHARED_NAMESPACE, pod: pod.metadata.name, container: LOAD_POD.keeper }
        return
      }
      if (clock.nowMs() >= untilMs) throw notStarted(pod)
      await clock.sleep(LOOK_EVERY_MS, signal)
    }
  }

  async *stream(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    // tail counts bytes from 1; -F waits for a file that is not there yet.
    const command = ['tail', `--bytes=+${offset + 1}`, '-F', '--sleep-interval=0.2', LOAD_POD.samplesPath]
    yield* execStream(this.#options.config, this.#running(), command, signal)
  }

  async state() {
    const { pod: name } = this.#running()
    const pod = await this.#core.readNamespacedPod({ namespace: SHARED_NAMESPACE, name })
    const exitCode = statusOf(pod, LOAD_POD.generator)?.state?.terminated?.exitCode ?? null
    return { exitCode, log: exitCode === null || exitCode === 0 ? '' : await this.#log(name) }
  }

  async sampleBytes() {
    return Number(
      await this.#output(['sh', '-c', `stat -c %s ${LOAD_POD.samplesPath} 2>/dev/null || echo 0`]),
    )
  }

  async summary(): Promise<SummaryFile> {
    return JSON.parse(await this.#output(['cat', LOAD_POD.summaryPath])) as SummaryFile
  }

  async end(): Promise<void> {
    const { exitCode } = await this.state()
    if (exitCode !== null) return
    // k6 is the first process of its container, and takes the interrupt of a person for the end of the test.
    const generator = { ...this.#running(), container: LOAD_POD.generator }
    await execOutput(this.#options.config, generator, ['sh', '-c', 'kill -INT 1'])
  }

  async clockOffset() {
    const { clock } = this.#options
    const readings = []
    for (let count = 0; count < CLOCK_READINGS; count++) {
      // The command tells the time when it starts; setting up the connection before it is most of the round trip.
      const askedMs = clock.nowMs()
      const theirMs = Number(await this.#output(['date', '+%s.%N'])) * 1000
      readings.push({ askedMs, theirMs, answeredMs: clock.nowMs() })
    }
    return offsetOf(readings)
  }

  async remove(runId?: string): Promise<void> {
    const { clock } = this.#options
    const labelSelector = runId === undefined ? RUN_LABEL : `${RUN_LABEL}=${runId}`
    await this.#batch.deleteCollectionNamespacedJob({
      namespace: SHARED_NAMESPACE,
      labelSelector,
      propagationPolicy: 'Background',
    })
    const untilMs = clock.nowMs() + REMOVE_LIMIT_MS
    while ((await this.#pod(labelSelector)) !== undefined) {
      if (clock.nowMs() >= untilMs) {
        throw new MachineryError(
          `Cannot remove the load generator: its pod is still there after ${REMOVE_LIMIT_MS / 1000} s`,
          `Look at it with 'kubectl -n ${SHARED_NAMESPACE} get pods -l ${RUN_LABEL}'.`,
        )
      }
      await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
    }
    this.#place = null
  }

  async #pod(labelSelector: string): Promise<V1Pod | undefined> {
    const { items } = await this.#core.listNamespacedPod({ namespace: SHARED_NAMESPACE, labelSelector })
    return items[0]
  }

  async #log(name: string): Promise<string> {
    try {
      return await this.#core.readNamespacedPodLog({
        namespace: SHARED_NAMESPACE,
        name,
        container: LOAD_POD.generator,
        tailLines: LOG_LINES,
      })
    } catch (error) {
      // The log only explains; that the pod has none must not hide what it would have explained.
      if (error instanceof ApiException) return `(no log: ${error.code})`
      throw error
    }
  }

  #output(command: readonly string[]): Promise<string> {
    return execOutput(this.#options.config, this.#running(), command)
  }

  #running(): Place {
    if (this.#place !== null) return this.#place
    throw new MachineryError('Cannot reach the load generator: it was not started', 'Start it first.')
  }
}

function statusOf(pod: V1Pod | undefined, container: string) {
  return pod?.status?.containerStatuses?.find(status => status.name === container)
}

function notStarted(pod: V1Pod | undefined): MachineryError {
  const waiting = pod?.status?.containerStatuses?.map(
    ({ name, state }) => `${name}: ${state?.waiting?.reason ?? 'not waiting'}`,
  )
  const unscheduled = pod?.status?.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  const why = unscheduled?.message ?? waiting?.join(', ') ?? 'its pod was not made'
  return new MachineryError(
    `Cannot start the load generator within ${START_LIMIT_MS / 1000} s: ${why}`,
    `Look at it with 'kubectl -n ${SHARED_NAMESPACE} describe pods -l ${RUN_LABEL}'.`,
  )
}
