import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GroupSteps, isOver, type Limits, stepsOf } from '../load/breakpoint.ts'
import { loadJobName } from '../load/job.ts'
import { type LoadPlan, planProblem, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../load/plan.ts'
import { sampleEvery } from '../load/profiles.ts'
import type { Ramp } from '../load/ramp.ts'
import { type SoakWindow, soakWindows, type Wear, wearOf } from '../load/soak.ts'
import type { SummaryFile } from '../load/summary.ts'
import { MachineryError, UserError } from '../platform/errors.ts'
import type { Group } from '../platform/topology.ts'
import { packSamples, RUN_FILES, runIdOf } from './journal.ts'
import { SampleFollower } from './measurement/follow.ts'
import type { LoadRecord } from './measurement/samples.ts'
import type { RunDependencies } from './run-dependencies.ts'

/**
 * On a ramp nobody waits as long as a client of the lab does: what takes longer than this is beyond any limit, and
 * every second more is a virtual user more for each arrival of a group that has broken.
 */
const RAMP_READ_TIMEOUT_MS = 3_000
const RAMP_WRITE_TIMEOUT_MS = 5_000

/** How often a ramp is looked at. */
const LOOK_EVERY_MS = 1_000

/** Stretches into which a soak is divided. */
const SOAK_WINDOWS = 20

/** k6 leaves with 99 when requests were dropped, which the tables show. */
const GENERATOR_FINISHED: readonly number[] = [0, 99]

/** What load without an experiment needs of a run's dependencies. */
export type AloneDependencies = Pick<
  RunDependencies,
  'load' | 'leases' | 'lock' | 'clock' | 'urls' | 'progress' | 'runsFolder'
>

export type RampOptions = Ramp & {
  /** Share of the arrivals that are writes; 0 <= writeShare < 1. */
  readonly writeShare: number
  readonly limits: Limits
  /** Of the sequence of requests, an unsigned 32-bit integer. */
  readonly seed: number
}

export type RampReport = RampOptions & {
  readonly runId: string
  readonly folder: string
  /** Unix milliseconds, generator's clock. */
  readonly startMs: number
  readonly results: readonly GroupSteps[]
  /** Ended before its last step, because every group had broken. */
  readonly endedEarly: boolean
}

export type SoakOptions = {
  /** Arrivals per second and group; > 0. */
  readonly requestsPerSecond: number
  readonly writeShare: number
  /** > 0. */
  readonly durationSeconds: number
  readonly seed: number
}

export type SoakReport = SoakOptions & {
  readonly runId: string
  readonly folder: string
  readonly startMs: number
  /** One request in so many was looked at; the counts of the windows are of those. */
  readonly sampleEvery: number
  readonly windows: readonly SoakWindow[]
  readonly wear: Readonly<Record<Group, Wear>>
  readonly droppedIterations: number
}

/** What a drive without an experiment brought. */
type Driven = {
  readonly records: readonly LoadRecord[]
  /** Start of the first request, generator's clock. */
  readonly zeroMs: number
  /** null when it was ended early. */
  readonly summary: SummaryFile | null
  /** How long requests were sent for which every answer is known, seconds. */
  readonly knownSeconds: number
}

/**
 * Drives rising load until every group has broken or the last step is over.
 *
 * @throws UserError LOAD_IMPOSSIBLE; MachineryError when the generator fails
 */
export async function runRamp(
  options: RampOptions,
  dependencies: AloneDependencies,
  signal: AbortSignal,
): Promise<RampReport> {
  const { groups, ratesPerSecond, stepSeconds, writeShare, limits, seed } = options
  const ramp = { groups, ratesPerSecond, stepSeconds }
  const runId = runIdOf(dependencies.clock.nowMs(), 'ramp')
  const plan: LoadPlan = {
    runId,
    profile: 'ramp',
    requestsPerSecond: ratesPerSecond[0] ?? 0,
    writeShare,
    durationSeconds: ratesPerSecond.length * stepSeconds,
    seed,
    urls: dependencies.urls,
    readTimeoutMs: RAMP_READ_TIMEOUT_MS,
    writeTimeoutMs: RAMP_WRITE_TIMEOUT_MS,
    ramp,
  }
  const resultsOf = ({ records, zeroMs, knownSeconds }: Omit<Driven, 'summary'>) =>
    stepsOf(records, ramp, limits, zeroMs, Math.floor(knownSeconds / stepSeconds))
  let told = 0
  const isBroken = (driven: Omit<Driven, 'summary'>) => {
    const done = Math.floor(driven.knownSeconds / stepSeconds)
    if (done <= told) return false
    told = done
    const results = resultsOf(driven)
    const states = results.map(({ group, steps }) => `${group} ${steps.at(-1)?.state}`)
    dependencies.progress(`ramp: ${ratesPerSecond[done - 1]} requests/s: ${states.join(', ')}`)
    return isOver(results)
  }
  const driven = await driveAlone(plan, dependencies, isBroken, signal)
  const report: RampReport = {
    runId,
    folder: join(dependencies.runsFolder, runId),
    startMs: driven.zeroMs,
    ...ramp,
    writeShare,
    limits,
    seed,
    results: resultsOf(driven),
    endedEarly: driven.summary === null,
  }
  await writeFile(join(report.folder, 'ramp.json'), `${JSON.stringify(report, null, 2)}\n`)
  return report
}

/**
 * Drives steady load for long, at both groups, and says whether it wears them.
 *
 * @throws UserError LOAD_IMPOSSIBLE; MachineryError when the generator fails
 */
export async function runSoak(
  options: SoakOptions,
  dependencies: AloneDependencies,
  signal: AbortSignal,
): Promise<SoakReport> {
  const { requestsPerSecond, writeShare, durationSeconds, seed } = options
  const runId = runIdOf(dependencies.clock.nowMs(), 'soak')
  const plan: LoadPlan = {
    runId,
    profile: 'soak',
    requestsPerSecond,
    writeShare,
    durationSeconds,
    seed,
    urls: dependencies.urls,
    readTimeoutMs: READ_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
  }
  const { records, zeroMs, summary } = await driveAlone(plan, dependencies, () => false, signal)
  const report: SoakReport = {
    runId,
    folder: join(dependencies.runsFolder, runId),
    startMs: zeroMs,
    requestsPerSecond,
    writeShare,
    durationSeconds,
    seed,
    sampleEvery: sampleEvery(plan),
    windows: soakWindows(records, zeroMs, durationSeconds / SOAK_WINDOWS, SOAK_WINDOWS),
    wear: wearOf(records, zeroMs, durationSeconds),
    droppedIterations: summary?.droppedIterations ?? 0,
  }
  await writeFile(join(report.folder, 'soak.json'), `${JSON.stringify(report, null, 2)}\n`)
  return report
}

/** From lock to lock: nothing of the load is left when this returns or throws. */
async function driveAlone(
  plan: LoadPlan,
  dependencies: AloneDependencies,
  isOverNow: (driven: Omit<Driven, 'summary'>) => boolean,
  signal: AbortSignal,
): Promise<Driven> {
  const problem = planProblem(plan)
  if (problem !== null) {
    throw new UserError(
      'LOAD_IMPOSSIBLE',
      `Cannot drive load: ${problem}`,
      "See 'divergence load --help' for what is allowed.",
    )
  }
  const { load, leases, lock, progress, runsFolder } = dependencies
  const folder = join(runsFolder, plan.runId)
  const lease = await lock.acquire(plan.runId, signal)
  try {
    await mkdir(folder, { recursive: true })
    // What a drive that was killed left behind would be load on top of ours.
    await load.remove()
    const job = loadJobName(plan.runId)
    const promise = await leases.take({ name: job, runId: plan.runId, undo: [{ undo: 'delete-load', job }] })
    try {
      progress(`load: starting the generator, at most ${plan.durationSeconds} s of load`)
      const either = AbortSignal.any([signal, lease.lost, promise.lost])
      await load.start(plan, either)
      const driven = await follow(plan, folder, dependencies, isOverNow, either)
      await packSamples(folder)
      return driven
    } finally {
      await load.remove(plan.runId)
      await promise.release()
    }
  } finally {
    await lease.release()
  }
}

async function follow(
  plan: LoadPlan,
  folder: string,
  { load, clock }: AloneDependencies,
  isOverNow: (driven: Omit<Driven, 'summary'>) => boolean,
  signal: AbortSignal,
): Promise<Driven> {
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const follower = new SampleFollower({
    generator: load,
    clock,
    file: join(folder, RUN_FILES.growingSamples),
  })
  const following = follower.follow(until)
  // Handled where it is awaited; until then it must not count as unhandled.
  const ended = following.then(requireFinished).then(() => true)
  ended.catch(() => undefined)
  try {
    const zeroMs = await follower.firstStartMs
    const beganMs = clock.nowMs()
    const patienceSeconds = Math.max(plan.readTimeoutMs, plan.writeTimeoutMs) / 1000
    for (;;) {
      const isAtEnd = await Promise.race([ended, clock.sleep(LOOK_EVERY_MS, signal).then(() => false)])
      const { records } = follower
      if (isAtEnd)
        return { records, zeroMs, summary: await load.summary(), knownSeconds: plan.durationSeconds }
      const knownSeconds = Math.max(0, (clock.nowMs() - beganMs) / 1000 - patienceSeconds)
      const driven = { records, zeroMs, knownSeconds: Math.min(knownSeconds, plan.durationSeconds) }
      if (isOverNow(driven)) return { ...driven, summary: null }
    }
  } finally {
    stop.abort(new Error('the drive is over'))
    await Promise.allSettled([following])
  }
}

function requireFinished({ exitCode, log }: { readonly exitCode: number; readonly log: string }): void {
  if (GENERATOR_FINISHED.includes(exitCode)) return
  throw new MachineryError(
    `Cannot drive load: the generator ended with exit code ${exitCode}: ${log.trim()}`,
    "Check that both groups answer: 'divergence status'.",
  )
}
