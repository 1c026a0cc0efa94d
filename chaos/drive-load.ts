import { join } from 'node:path'
import { type LoadPlan, planProblem, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../load/plan.ts'
import type { Surge } from '../load/surge.ts'
import { MachineryError, UserError } from '../platform/errors.ts'
import type { Begun } from './attack.ts'
import type { Experiment } from './experiment.ts'
import type { FaultSpec } from './faults/fault.ts'
import { packSamples, RUN_FILES } from './journal.ts'
import { SampleFollower } from './measurement/follow.ts'
import type { PhaseEdges } from './measurement/phases.ts'
import type { LoadSummary } from './measurement/sample.ts'
import type { LoadRecord } from './measurement/samples.ts'
import type { Run } from './run-dependencies.ts'

/** k6 leaves with 99 when a threshold was crossed: the run is judged, and the judge sees why. */
const GENERATOR_FINISHED: readonly number[] = [0, 99]
/** k6 leaves with 105 when it was interrupted: expected only when it was us. */
const GENERATOR_INTERRUPTED = 105

/** What the load brought. */
export type Collected = {
  readonly records: readonly LoadRecord[]
  readonly load: LoadSummary
  /** Generator's clock minus ours, milliseconds. */
  readonly clockOffsetMs: number
}

/** What the time under load brought, attack and all. Instants are the runner's clock. */
export type Measured = Collected & {
  readonly edges: PhaseEdges
  readonly begun: readonly Begun[]
  readonly faultEndMs: number
  /** The abort rule put an end to the attack. */
  readonly aborted: boolean
}

export type DrivenLoad = {
  /** Start of the first request, Unix milliseconds of the runner's clock: the zero of every phase. */
  readonly startMs: number
  /** Aborted when the run is stopped, and when the generator dies: nothing that follows would be measured. */
  readonly running: AbortSignal
  /** What has been told so far, in the order in which it came. */
  readonly records: () => readonly LoadRecord[]
  /** Generator's clock minus ours, milliseconds. */
  readonly clockOffsetMs: number
  /**
   * Ends the load when a surge is not over, since a surge cannot be taken back alone.
   *
   * @returns when it was ended, Unix milliseconds of the runner's clock, or null when the load goes on
   */
  callOff(): Promise<number | null>
  /** Waits for the generator's end and its last sample. */
  collect(): Promise<Collected>
  /** Follows no longer; the generator itself is removed on the way out. */
  stop(): Promise<void>
}

/**
 * Starts the load and follows its samples.
 *
 * @returns once the first sample is here
 * @throws MachineryError when the generator does not start or dies
 */
export async function driveLoad(run: Run, signal: AbortSignal): Promise<DrivenLoad> {
  const { journal, dependencies } = run
  const { load, clock, progress } = dependencies
  const plan = planOf(run)
  progress('load: starting the generator')
  await load.start(plan, signal)
  await journal.append({ entry: 'load-started', plan })

  const file = join(journal.folder, RUN_FILES.growingSamples)
  const follower = new SampleFollower({ generator: load, clock, file })
  const stopped = new AbortController()
  const running = AbortSignal.any([signal, stopped.signal])
  let isEnded = false
  const following = follower.follow(running).then(end => requireFinished(end, isEnded))
  following.catch(error => stopped.abort(error))
  const stop = async () => {
    stopped.abort(new Error('the run is over'))
    await Promise.allSettled([following])
  }
  try {
    const { offsetMs, roundTripMs } = await load.clockOffset()
    const loadStartMs = await follower.firstStartMs
    await journal.append({ entry: 'time-base', loadStartMs, clockOffsetMs: offsetMs, roundTripMs })
    const startMs = loadStartMs - offsetMs
    return {
      startMs,
      running,
      stop,
      records: () => follower.records,
      clockOffsetMs: offsetMs,
      async callOff() {
        const nowMs = clock.nowMs()
        const lastSurgeMs = Math.max(
          0,
          ...(plan.surges ?? []).map(surge => startMs + (surge.startSeconds + surge.durationSeconds) * 1000),
        )
        if (lastSurgeMs <= nowMs) return null
        isEnded = true
        progress('load: ending it, and the surge with it')
        await load.end()
        return nowMs
      },
      async collect() {
        progress('load: collecting the last samples')
        await following
        const summary = await load.summary()
        await packSamples(journal.folder)
        const { records, resumed } = follower
        await journal.append({ entry: 'collected', samples: records.length, resumed, load: summary })
        return { records, load: summary, clockOffsetMs: offsetMs }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * The load of a run. Surges are in it from the start: the generator begins and ends them by itself, on time whatever
 * becomes of the runner.
 *
 * @throws UserError LOAD_IMPOSSIBLE when surges overlap or outlast the load
 */
export function planOf({
  runId,
  experiment,
  dependencies,
}: Pick<Run, 'runId' | 'experiment'> & {
  readonly dependencies: Pick<Run['dependencies'], 'urls'>
}): LoadPlan {
  const surges = surgesOf(experiment)
  const plan = {
    runId,
    ...experiment.load,
    seed: experiment.seed,
    urls: dependencies.urls,
    readTimeoutMs: READ_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
    ...(surges.length === 0 ? {} : { surges }),
  }
  const problem = planProblem(plan)
  if (problem === null) return plan
  throw new UserError(
    'LOAD_IMPOSSIBLE',
    `Cannot drive load: ${problem}`,
    'Change offsetSeconds and durationSeconds of the surges.',
  )
}

type SurgeFault = FaultSpec & { readonly factor: number; readonly durationSeconds: number }

/** Faults of kind `surge`, from the attack's time line to the load's. */
function surgesOf({ faults, phases }: Pick<Experiment, 'faults' | 'phases'>): readonly Surge[] {
  const attackSeconds = phases.warmupSeconds + phases.baselineSeconds
  const isSurge = (fault: FaultSpec): fault is SurgeFault => fault.kind === 'surge'
  return (faults as readonly FaultSpec[])
    .filter(isSurge)
    .map(({ factor, offsetSeconds, durationSeconds }) => ({
      group: 'experiment',
      factor,
      startSeconds: attackSeconds + offsetSeconds,
      durationSeconds,
    }))
}

function requireFinished(end: { readonly exitCode: number; readonly log: string }, isEnded: boolean): void {
  if (GENERATOR_FINISHED.includes(end.exitCode)) return
  if (isEnded && end.exitCode === GENERATOR_INTERRUPTED) return
  throw new MachineryError(
    `Cannot drive load: the generator ended with exit code ${end.exitCode}: ${end.log.trim()}`,
    "Check that both groups answer: 'divergence status'.",
  )
}
