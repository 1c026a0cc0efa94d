/**
 * READ FIRST: the story of one experiment.
 *
 *   lock -> heal -> preflight -> snapshot
 *     -> load starts -> warm-up -> baseline -> ATTACK: begin, hold, end -> recovery -> samples collected
 *   -> undo (on every way out) -> load removed -> settle -> audit -> judge -> report
 */
import { join } from 'node:path'
import { Attack, type Begun, sleepUntil } from './attack.ts'
import { takeSnapshot } from './audit.ts'
import { conclude } from './conclude.ts'
import { driveLoad, type Measured } from './drive-load.ts'
import { doubts, type ExperimentFile } from './experiment.ts'
import { Journal, runIdOf } from './journal.ts'
import type { TimelineEvent } from './journal-entry.ts'
import type { Verdict } from './judgement/verdict.ts'
import { phasesOf } from './measurement/phases.ts'
import { preflight } from './preflight.ts'
import type { Run, RunDependencies } from './run-dependencies.ts'
import { heal, leave, leftBehind } from './way-out.ts'

/** How a run ended; what is left behind is listed in either case. */
export type RunResult = {
  readonly runId: string
  readonly folder: string
  readonly ended: 'judged' | 'interrupted'
  /** null when it was interrupted. */
  readonly verdict: Verdict | null
  /** What the run left behind, in words; anything here is our own failure (exit code 4). */
  readonly residue: readonly string[]
}

/**
 * Runs an experiment from beginning to verdict.
 *
 * @param signal aborted = stop now: everything is undone, then the result says `interrupted`
 * @throws UserError before anything was started; MachineryError when our own machinery failed, everything undone
 */
export async function runExperiment(
  { experiment, text }: ExperimentFile,
  dependencies: RunDependencies,
  signal: AbortSignal,
): Promise<RunResult> {
  const { clock, lock, runsFolder, versions } = dependencies
  const runId = runIdOf(clock.nowMs(), experiment.name)
  const lease = await lock.acquire(runId, signal)
  try {
    const journal = await Journal.open(join(runsFolder, runId), text, clock)
    try {
      await journal.append({ entry: 'opened', runId, experiment, versions })
      return await conduct({ runId, experiment, journal, events: [], dependencies }, signal)
    } catch (error) {
      journal.note({ entry: 'failed', reason: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      await journal.close()
    }
  } finally {
    await lease.release()
  }
}

async function conduct(run: Run, signal: AbortSignal): Promise<RunResult> {
  const { runId, experiment, journal, dependencies } = run
  const { cluster, lab, database, clock, progress } = dependencies
  for (const doubt of doubts(experiment)) progress(`warning: ${doubt}`)
  await heal(run, signal)
  progress('preflight: waiting until both groups are whole')
  const readyMs = experiment.settle.readySeconds * 1000
  const checks = await preflight(lab, database, clock, readyMs, signal)
  await journal.append({ entry: 'preflight', checks })
  const before = await takeSnapshot(lab, cluster)
  await journal.append({ entry: 'snapshot', snapshot: before })

  const watching = new AbortController()
  const onEvent = (event: TimelineEvent) => {
    // A watch may still tell something when the journal has been closed.
    if (watching.signal.aborted) return
    run.events.push(event)
    journal.note({ entry: 'event', event })
  }
  const attack = new Attack({ ...dependencies, journal, onEvent })
  const [outcome] = await Promise.allSettled([
    lab.watch(onEvent, watching.signal).then(() => underLoad(run, attack, signal)),
  ])
  const residue = await leave(run, attack, before)
  watching.abort()

  const result = { runId, folder: journal.folder, residue }
  if (outcome.status === 'fulfilled') {
    return { ...result, ended: 'judged', verdict: await conclude(run, outcome.value) }
  }
  if (!signal.aborted) throw residue.length === 0 ? outcome.reason : leftBehind(outcome.reason, residue)
  journal.note({ entry: 'interrupted', reason: String(signal.reason?.message ?? signal.reason) })
  return { ...result, ended: 'interrupted', verdict: null }
}

/** From the load's first request to its last sample. Instants are the runner's clock. */
async function underLoad(run: Run, attack: Attack, signal: AbortSignal): Promise<Measured> {
  const { faults, phases, load: schedule } = run.experiment
  const load = await driveLoad(run, signal)
  try {
    const warmMs = load.startMs + phases.warmupSeconds * 1000
    const baselineEndMs = warmMs + phases.baselineSeconds * 1000
    await phase(run, 'warm-up', warmMs, load.running)
    await phase(run, 'baseline', baselineEndMs, load.running)

    await announce(run, 'attack', phases.holdSeconds)
    const begun = await attack.carryOut(faults, baselineEndMs, phases.holdSeconds, load.running)

    const edges = {
      warmMs,
      attackMs: firstBegin(begun) ?? baselineEndMs,
      loadEndMs: load.startMs + schedule.durationSeconds * 1000,
    }
    const { attackEndMs, recoveryEndMs } = phasesOf(phases, edges)
    await phase(run, 'recovery', recoveryEndMs, load.running)
    const collected = await load.collect()
    return { ...collected, edges, begun, faultEndMs: lastEnd(begun) ?? attackEndMs }
  } finally {
    await load.stop()
  }
}

async function phase(run: Run, name: PhaseName, untilMs: number, signal: AbortSignal): Promise<void> {
  const { clock } = run.dependencies
  await announce(run, name, Math.max(0, untilMs - clock.nowMs()) / 1000)
  await sleepUntil(clock, untilMs, signal)
}

type PhaseName = 'warm-up' | 'baseline' | 'attack' | 'recovery'

async function announce({ journal, dependencies }: Run, name: PhaseName, seconds: number): Promise<void> {
  await journal.append({ entry: 'phase', phase: name })
  dependencies.progress(`${name}: ${Math.round(seconds)} s`)
}

function firstBegin(begun: readonly Begun[]): number | null {
  return begun.length === 0 ? null : Math.min(...begun.map(({ beginMs }) => beginMs))
}

function lastEnd(begun: readonly Begun[]): number | null {
  return begun.length === 0 ? null : Math.max(...begun.map(({ endMs }) => endMs))
}
