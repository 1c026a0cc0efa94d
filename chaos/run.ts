/**
 * READ FIRST: the story of one experiment.
 *
 *   lock -> heal -> preflight (lab, agents, what the faults need) -> snapshot
 *     -> load starts -> warm-up -> baseline -> ATTACK: begin, hold, end -> recovery -> samples collected
 *   -> undo (on every way out) -> load removed -> settle -> audit -> judge -> report
 */
import { join } from 'node:path'
import { slowLimit, watchAbortRule } from './abort-rule.ts'
import { Attack, type Begun } from './attack.ts'
import { takeSnapshot } from './audit.ts'
import { writeBaseline } from './baseline.ts'
import { readCalibration } from './calibrate.ts'
import { conclude } from './conclude.ts'
import { type DrivenLoad, driveLoad, type Measured } from './drive-load.ts'
import { doubts, type ExperimentFile } from './experiment.ts'
import { warnWhenBlind } from './foresee.ts'
import { refuseWhenHalted, watchHalt } from './halt.ts'
import { Journal, RUN_FILES, runIdOf } from './journal.ts'
import type { TimelineEvent } from './journal-entry.ts'
import type { Calibration } from './judgement/calibration.ts'
import type { Verdict } from './judgement/verdict.ts'
import { phasesOf } from './measurement/phases.ts'
import { messageOf } from './message-of.ts'
import { planAhead, preflight } from './preflight.ts'
import { type LoadPromise, promiseLoad } from './promise-load.ts'
import { publishRun } from './publish.ts'
import type { Run, RunDependencies } from './run-dependencies.ts'
import { sleepUntil } from './waiting.ts'
import { heal, isStop, leave, leftBehind } from './way-out.ts'

/** How a run ended; what is left behind is listed in either case. */
export type RunResult = {
  readonly runId: string
  readonly folder: string
  readonly ended: 'judged' | 'interrupted'
  /** null when it was interrupted. */
  readonly verdict: Verdict | null
  /** How often the judge errs under this load; null when nobody has counted. */
  readonly calibration: Calibration | null
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
  const { clock, halt, lock, runsFolder, versions } = dependencies
  await refuseWhenHalted(halt)
  const runId = runIdOf(clock.nowMs(), experiment.name)
  const lease = await lock.acquire(runId, signal)
  const over = new AbortController()
  const either = AbortSignal.any([signal, lease.lost, watchHalt(halt, clock, over.signal)])
  try {
    const published = publishRun(runId, dependencies)
    const journal = await Journal.open(join(runsFolder, runId), text, clock, published.tell)
    try {
      await journal.append({ entry: 'opened', runId, experiment, versions })
      const { show: showEvidence } = published
      return await conduct({ runId, experiment, journal, events: [], showEvidence, dependencies }, either)
    } catch (error) {
      journal.note({ entry: 'failed', reason: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      await journal.close()
      await published.close(join(journal.folder, RUN_FILES.html))
    }
  } finally {
    over.abort()
    dependencies.agents.close()
    await lease.release()
  }
}

async function conduct(run: Run, signal: AbortSignal): Promise<RunResult> {
  const { runId, experiment, journal, dependencies } = run
  const { lab, progress } = dependencies
  for (const doubt of doubts(experiment)) progress(`warning: ${doubt}`)
  const calibration = await readCalibration(experiment, dependencies)
  await journal.append({ entry: 'calibration', calibration })
  await heal(run, signal)
  progress('preflight: waiting until both groups are whole')
  const readyMs = experiment.settle.readySeconds * 1000
  const checks = await preflight(dependencies, readyMs, signal)
  await journal.append({ entry: 'preflight', checks })
  const { faults, capabilities } = await planAhead(experiment, dependencies)
  await journal.append({ entry: 'planned', faults, capabilities })
  const before = await takeSnapshot(dependencies, 'all')
  await journal.append({ entry: 'snapshot', snapshot: before })
  await writeBaseline(dependencies.baselineFile, before)

  const watching = new AbortController()
  const onEvent = (event: TimelineEvent) => {
    // A watch may still tell something when the journal has been closed.
    if (watching.signal.aborted) return
    run.events.push(event)
    journal.note({ entry: 'event', event })
  }
  const { blastRadius, seed } = experiment
  const attack = new Attack({ ...dependencies, runId, journal, onEvent, blastRadius, seed })
  const promise = await promiseLoad(run)
  const [outcome] = await Promise.allSettled([
    lab.watch(onEvent, watching.signal).then(() => underLoad(run, attack, promise, signal)),
  ])
  const settleSeconds = experiment.settle.readySeconds
  const residue = await leave({ ...run, settleSeconds }, attack, before, promise)
  watching.abort()

  const result = { runId, folder: journal.folder, residue, calibration }
  if (outcome.status === 'fulfilled') {
    return { ...result, ended: 'judged', verdict: await conclude(run, outcome.value) }
  }
  const why = signal.aborted ? signal.reason : outcome.reason
  const isStopped = isStop(why, signal)
  if (!isStopped) throw residue.length === 0 ? why : leftBehind(why, residue)
  journal.note({ entry: 'interrupted', reason: messageOf(why) })
  return { ...result, ended: 'interrupted', verdict: null }
}

/** From the load's first request to its last sample. Instants are the runner's clock. */
async function underLoad(
  run: Run,
  attack: Attack,
  promise: LoadPromise,
  signal: AbortSignal,
): Promise<Measured> {
  const { phases, load: schedule } = run.experiment
  const load = await driveLoad(run, AbortSignal.any([signal, promise.lost]))
  try {
    const warmMs = load.startMs + phases.warmupSeconds * 1000
    const baselineEndMs = warmMs + phases.baselineSeconds * 1000
    await phase(run, 'warm-up', warmMs, load.running)
    const judgedUntilMs = baselineEndMs - phases.transitionSeconds * 1000
    // In the transition, which is not judged, so that the attack begins on time.
    await phase(run, 'baseline', baselineEndMs, load.running, (judgedUntilMs + baselineEndMs) / 2, () =>
      warnWhenBlind(run, load, { startMs: warmMs, endMs: judgedUntilMs }),
    )

    await announce(run, 'attack', phases.holdSeconds)
    const begun = await attackUntilMet(run, attack, load, baselineEndMs)

    const loadEndedMs = begun.calledOffMs === undefined ? null : await load.callOff()
    const edges = {
      warmMs,
      attackMs: firstBegin(begun.faults) ?? baselineEndMs,
      calledOffMs: begun.calledOffMs,
      loadEndMs: loadEndedMs ?? load.startMs + schedule.durationSeconds * 1000,
    }
    const { attackEndMs, recoveryEndMs } = phasesOf(phases, edges)
    await phase(run, 'recovery', recoveryEndMs, load.running)
    const collected = await load.collect()
    return {
      ...collected,
      edges,
      begun: begun.faults,
      faultEndMs: lastEnd(begun.faults) ?? attackEndMs,
      aborted: begun.calledOffMs !== undefined,
    }
  } finally {
    await load.stop()
  }
}

/** The attack, to its end or until the abort rule is met. */
async function attackUntilMet(
  run: Run,
  attack: Attack,
  load: DrivenLoad,
  startMs: number,
): Promise<{ readonly faults: readonly Begun[]; readonly calledOffMs?: number }> {
  const { experiment, journal, showEvidence, dependencies } = run
  const { clock, progress } = dependencies
  const { abort, faults, phases } = experiment
  const over = new AbortController()
  const until = AbortSignal.any([load.running, over.signal])
  const generatorMs = () => clock.nowMs() + load.clockOffsetMs
  const slowMs = await fixSlowLimit(run, load, startMs)
  const watched = { samples: load.records, clock, generatorMs, slowMs, tell: showEvidence }
  const calledOff = watchAbortRule(abort, watched, until)
  let calledOffMs: number | undefined
  const onCallOff = () => {
    calledOffMs = clock.nowMs()
    journal.note({ entry: 'aborted', reason: messageOf(calledOff.reason) })
    progress(`abort rule: ${messageOf(calledOff.reason)}`)
  }
  calledOff.addEventListener('abort', onCallOff, { once: true })
  try {
    const { holdSeconds } = phases
    const begun = await attack.carryOut(faults, { startMs, holdSeconds, signal: load.running, calledOff })
    return calledOffMs === undefined ? { faults: begun } : { faults: begun, calledOffMs }
  } finally {
    calledOff.removeEventListener('abort', onCallOff)
    over.abort()
  }
}

/** Fixes what is slow where latency may end the attack; null: it may not, or the baseline cannot tell, which is told. */
async function fixSlowLimit(
  { experiment, journal, dependencies }: Run,
  load: DrivenLoad,
  attackMs: number,
): Promise<number | null> {
  const { abort, phases } = experiment
  if (abort.slowShare === undefined) return null
  const endMs = attackMs - phases.transitionSeconds * 1000
  const startMs = attackMs - phases.baselineSeconds * 1000
  const { clockOffsetMs } = load
  const limit = slowLimit(load.records(), { startMs: startMs + clockOffsetMs, endMs: endMs + clockOffsetMs })
  await journal.append({ entry: 'slow-limit', ...limit })
  if (limit.limitMs === null) {
    dependencies.progress(
      `warning: latency will not end this attack: of ${limit.answers} answers of the control in the baseline none says what is slow`,
    )
  }
  return limit.limitMs
}

/** Waits for the end of a phase, and does something within it where that is asked for. */
async function phase(
  run: Run,
  name: PhaseName,
  untilMs: number,
  signal: AbortSignal,
  atMs = untilMs,
  work: () => Promise<void> = async () => undefined,
): Promise<void> {
  const { clock } = run.dependencies
  await announce(run, name, Math.max(0, untilMs - clock.nowMs()) / 1000)
  await sleepUntil(clock, atMs, signal)
  await work()
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
