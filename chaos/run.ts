/**
 * READ FIRST: the story of one experiment.
 *
 *   lock -> heal -> preflight -> snapshot
 *     -> load starts -> warm-up -> baseline -> ATTACK: begin, hold, end -> recovery -> samples collected
 *   -> undo (on every way out) -> load removed -> settle -> audit -> judge -> report
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LoadPlan, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../load/plan.ts'
import { MachineryError } from '../platform/errors.ts'
import { Attack, type Begun, sleepUntil } from './attack.ts'
import { leftovers, residue, type Snapshot, takeSnapshot, undoLeftovers } from './audit.ts'
import { doubts, type Experiment, type ExperimentFile } from './experiment.ts'
import { Journal, packSamples, RUN_FILES, readRun, runIdOf } from './journal.ts'
import type { JudgeInput, TimelineEvent } from './journal-entry.ts'
import type { Verdict } from './judgement/verdict.ts'
import { SampleFollower } from './measurement/follow.ts'
import type { LoadRecord } from './measurement/samples.ts'
import { countWrites } from './measurement/writes.ts'
import { preflight } from './preflight.ts'
import type { RunDependencies } from './run-dependencies.ts'

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

/** k6 leaves with 99 when a threshold was crossed: the run is judged, and the judge sees why. */
const GENERATOR_FINISHED: readonly number[] = [0, 99]

/** How often the lab is looked at while it settles. */
const LOOK_EVERY_MS = 1_000

type Run = {
  readonly runId: string
  readonly experiment: Experiment
  readonly journal: Journal
  readonly events: TimelineEvent[]
  readonly dependencies: RunDependencies
}

/** What the time under load brought. */
type Measured = {
  readonly input: Pick<JudgeInput, 'phases' | 'fault' | 'faults' | 'load' | 'clockOffsetMs'>
  readonly records: readonly LoadRecord[]
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
  const left = await leave(run, attack, before)
  watching.abort()

  const result = { runId, folder: journal.folder, residue: left }
  if (outcome.status === 'fulfilled')
    return { ...result, ended: 'judged', verdict: await judged(run, outcome.value) }
  const reason = messageOf(outcome.reason)
  // From here on the reason is the news; that it cannot be written down must not hide it.
  if (signal.aborted) {
    journal.note({ entry: 'interrupted', reason })
    return { ...result, ended: 'interrupted', verdict: null }
  }
  journal.note({ entry: 'failed', reason })
  throw left.length === 0 ? outcome.reason : leftBehind(outcome.reason, left)
}

/** Takes away what a run that was killed left behind, before it is mistaken for the state of the lab. */
async function heal({ journal, dependencies }: Run, signal: AbortSignal): Promise<void> {
  const { cluster, executor, load, runsFolder, progress } = dependencies
  // This run holds the lock, so no other is alive: whatever is found is left over.
  const found = await leftovers({ cluster, runsFolder, lock: { holder: async () => null } })
  for (const { description } of found) progress(`healing: ${description}`)
  await undoLeftovers(found, executor, signal)
  if (found.length > 0)
    await journal.append({ entry: 'healed', leftovers: found.map(({ description }) => description) })
  await load.remove()
}

/** From the load's first request to its last sample. */
async function underLoad(run: Run, attack: Attack, signal: AbortSignal): Promise<Measured> {
  const { experiment, journal, dependencies } = run
  const { load, clock, progress } = dependencies
  const { phases } = experiment
  const plan = loadPlan(run)
  progress('load: starting the generator')
  await load.start(plan, signal)
  await journal.append({ entry: 'load-started', plan })
  const follower = new SampleFollower({
    generator: load,
    clock,
    file: join(journal.folder, RUN_FILES.growingSamples),
  })
  const stopped = new AbortController()
  const following = follower.follow(AbortSignal.any([signal, stopped.signal])).then(requireFinished)
  // A generator that dies ends the wait for whatever phase the run is in.
  following.catch(error => stopped.abort(error))
  const running = AbortSignal.any([signal, stopped.signal])
  try {
    const offset = await load.clockOffset()
    const loadStartMs = await follower.firstStartMs
    await journal.append({
      entry: 'time-base',
      loadStartMs,
      clockOffsetMs: offset.offsetMs,
      roundTripMs: offset.roundTripMs,
    })
    const toGenerator = (ms: number) => ms + offset.offsetMs
    const startMs = loadStartMs - offset.offsetMs
    const warmMs = startMs + phases.warmupSeconds * 1000
    const baselineEndMs = warmMs + phases.baselineSeconds * 1000

    await phase(run, 'warm-up', phases.warmupSeconds)
    await sleepUntil(clock, warmMs, running)
    await phase(run, 'baseline', phases.baselineSeconds)
    await sleepUntil(clock, baselineEndMs, running)
    await phase(run, 'attack', phases.holdSeconds)
    const begun = await attack.carryOut(experiment.faults, baselineEndMs, phases.holdSeconds, running)
    const attackMs = begun.length === 0 ? baselineEndMs : Math.min(...begun.map(fault => fault.beginMs))
    const attackEndMs = attackMs + phases.holdSeconds * 1000
    const recoveryEndMs = Math.min(
      attackEndMs + phases.recoverySeconds * 1000,
      startMs + experiment.load.durationSeconds * 1000,
    )
    await phase(run, 'recovery', phases.recoverySeconds)
    await sleepUntil(clock, recoveryEndMs, running)
    progress('load: collecting the last samples')
    await following
    const summary = await load.summary()
    await packSamples(journal.folder)
    const { records, resumed } = follower
    await journal.append({ entry: 'collected', samples: records.length, resumed, load: summary })
    const input = {
      phases: {
        baseline: {
          startMs: toGenerator(warmMs),
          endMs: toGenerator(Math.min(attackMs, baselineEndMs) - phases.transitionSeconds * 1000),
        },
        attack: { startMs: toGenerator(attackMs), endMs: toGenerator(attackEndMs) },
        recovery: { startMs: toGenerator(attackEndMs), endMs: toGenerator(recoveryEndMs) },
      },
      fault: {
        beginMs: attackMs,
        endMs: begun.length === 0 ? attackEndMs : Math.max(...begun.map(fault => fault.endMs)),
      },
      faults: begun.map(faultInput),
      load: summary,
      clockOffsetMs: offset.offsetMs,
    }
    return { input, records }
  } finally {
    stopped.abort(new Error('the run is over'))
    await Promise.allSettled([following])
  }
}

/** The way out, whatever the way in was: undo, take the load away, wait until the lab is whole, say what is not. */
async function leave(run: Run, attack: Attack, before: Snapshot): Promise<readonly string[]> {
  const { experiment, journal, dependencies } = run
  const { cluster, lab, load, clock, progress } = dependencies
  const stuck = await attack.undoAll()
  const removal = await load.remove().then(
    () => [],
    error => [messageOf(error)],
  )
  const { readySeconds } = experiment.settle
  journal.note({ entry: 'phase', phase: 'settle' })
  progress(`settle: waiting until the lab is as it was, at most ${readySeconds} s`)
  const untilMs = clock.nowMs() + readySeconds * 1000
  let found: readonly string[]
  for (;;) {
    found = await takeSnapshot(lab, cluster).then(
      after => residue(before, after),
      error => [`the audit failed: ${messageOf(error)}`],
    )
    if (found.length === 0 || clock.nowMs() >= untilMs) break
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
  }
  const left = [...stuck, ...removal, ...found]
  journal.note({ entry: 'audit', residue: left })
  progress(left.length === 0 ? 'audit: nothing left behind' : `audit: left behind: ${left.join('; ')}`)
  return left
}

/** Judges from what is in the folder, so that `divergence judge` can only come to the same verdict. */
async function judged(run: Run, measured: Measured): Promise<Verdict> {
  const { runId, experiment, journal, events, dependencies } = run
  const { database, judge, renderers, versions, progress } = dependencies
  const { folder } = journal
  progress('judge: counting acknowledged writes in both databases')
  const input: JudgeInput = {
    runId,
    experiment: { name: experiment.name, hypothesis: experiment.hypothesis, level: experiment.level },
    signals: experiment.steadyState.signals as JudgeInput['signals'],
    ...measured.input,
    writes: await countWrites(runId, measured.records, database),
    aborted: false,
    events: [...events].sort((one, other) => one.atMs - other.atMs),
    seed: experiment.seed,
    versions,
  }
  await journal.append({ entry: 'judge-input', input })
  const stored = await readRun(folder)
  const verdict = judge(stored.samples, stored.input)
  await journal.append({ entry: 'verdict', verdict })
  await writeFile(join(folder, RUN_FILES.verdict), `${JSON.stringify(verdict, null, 2)}\n`)
  await writeFile(join(folder, RUN_FILES.html), renderers.html(verdict, stored.input, stored.samples))
  await writeFile(join(folder, RUN_FILES.markdown), renderers.markdown(verdict, stored.input, stored.samples))
  progress(`verdict: ${verdict.verdict}`)
  return verdict
}

function loadPlan({ runId, experiment, dependencies }: Run): LoadPlan {
  return {
    runId,
    ...experiment.load,
    seed: experiment.seed,
    urls: dependencies.urls,
    readTimeoutMs: READ_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
  }
}

function faultInput({ plan, effect }: Begun): JudgeInput['faults'][number] {
  return { kind: plan.kind, targets: plan.targets, effect }
}

async function phase(
  { journal, dependencies }: Run,
  name: 'warm-up' | 'baseline' | 'attack' | 'recovery',
  seconds: number,
): Promise<void> {
  await journal.append({ entry: 'phase', phase: name })
  dependencies.progress(`${name}: ${seconds} s`)
}

function requireFinished(end: { readonly exitCode: number; readonly log: string }): void {
  if (GENERATOR_FINISHED.includes(end.exitCode)) return
  throw new MachineryError(
    `Cannot drive load: the generator ended with exit code ${end.exitCode}: ${end.log.trim()}`,
    "Check that both groups answer: 'divergence status'.",
  )
}

function leftBehind(cause: unknown, left: readonly string[]): MachineryError {
  return new MachineryError(
    `${messageOf(cause)}. The run left behind: ${left.join('; ')}`,
    "'divergence up' puts the lab in order again.",
    { cause },
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
