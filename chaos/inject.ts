import { join } from 'node:path'
import { stringify } from 'yaml'
import { Attack, type Begun } from './attack.ts'
import { takeSnapshot } from './audit.ts'
import { writeBaseline } from './baseline.ts'
import type { BlastRadius } from './faults/blast-radius.ts'
import type { AnyFault } from './faults/catalogue.ts'
import { refuseWhenHalted, watchHalt } from './halt.ts'
import { Journal, RUN_FILES, runIdOf } from './journal.ts'
import { messageOf } from './message-of.ts'
import { planAhead, preflight } from './preflight.ts'
import { publishRun } from './publish.ts'
import type { RunDependencies } from './run-dependencies.ts'
import { heal, isStop, leave, leftBehind } from './way-out.ts'

/** Faults to be done without load and without a verdict. */
export type Injection = {
  readonly faults: readonly AnyFault[]
  readonly blastRadius: BlastRadius
  /** Of random picks, an unsigned 32-bit integer. */
  readonly seed: number
  /** How long the lab may take to be whole, before and after, seconds. */
  readonly settleSeconds: number
  /** How long to wait for the effect of a fault that is over once it has begun, seconds. */
  readonly watchSeconds: number
}

export type InjectResult = {
  readonly runId: string
  readonly folder: string
  readonly ended: 'over' | 'interrupted'
  readonly faults: readonly Pick<Begun, 'beginMs' | 'endMs' | 'effect' | 'plan'>[]
  /** What was left behind, in words; anything here is our own failure. */
  readonly residue: readonly string[]
}

/**
 * Attacks, and undoes it: a run without load and judgement, with all of its care.
 *
 * @param signal aborted = stop now: everything is undone, then the result says `interrupted`
 * @throws UserError before anything was begun; MachineryError when our own machinery failed, everything undone
 */
export async function inject(
  injection: Injection,
  dependencies: RunDependencies,
  signal: AbortSignal,
): Promise<InjectResult> {
  const { clock, halt, lock, runsFolder, versions, agents } = dependencies
  await refuseWhenHalted(halt)
  const runId = runIdOf(clock.nowMs(), 'inject')
  const lease = await lock.acquire(runId, signal)
  const over = new AbortController()
  const either = AbortSignal.any([signal, lease.lost, watchHalt(halt, clock, over.signal)])
  try {
    const published = publishRun(runId, dependencies)
    const journal = await Journal.open(join(runsFolder, runId), stringify(injection), clock, published.tell)
    try {
      await journal.append({ entry: 'opened', runId, experiment: injection, versions })
      return await attackAndLeave(runId, injection, journal, dependencies, either)
    } catch (error) {
      journal.note({ entry: 'failed', reason: messageOf(error) })
      throw error
    } finally {
      await journal.close()
      await published.close(join(journal.folder, RUN_FILES.html))
    }
  } finally {
    over.abort()
    agents.close()
    await lease.release()
  }
}

async function attackAndLeave(
  runId: string,
  injection: Injection,
  journal: Journal,
  dependencies: RunDependencies,
  signal: AbortSignal,
): Promise<InjectResult> {
  const { faults, settleSeconds, watchSeconds } = injection
  const { clock, progress, baselineFile } = dependencies
  await heal({ journal, dependencies }, signal)
  progress('preflight: waiting until both groups are whole')
  const checks = await preflight(dependencies, settleSeconds * 1000, signal)
  await journal.append({ entry: 'preflight', checks })
  const planned = await planAhead(injection, dependencies)
  await journal.append({ entry: 'planned', faults: planned.faults, capabilities: planned.capabilities })
  const before = await takeSnapshot(dependencies, 'all')
  await journal.append({ entry: 'snapshot', snapshot: before })
  await writeBaseline(baselineFile, before)

  const attack = new Attack({ ...dependencies, ...injection, runId, journal, onEvent: () => undefined })
  await journal.append({ entry: 'phase', phase: 'attack' })
  const isMomentary = faults.some(fault => !('durationSeconds' in fault))
  const [outcome] = await Promise.allSettled([
    attack.carryOut(faults, {
      startMs: clock.nowMs(),
      // A fault with a length of its own ends by that.
      holdSeconds: isMomentary ? watchSeconds : 0,
      signal,
      calledOff: new AbortController().signal,
    }),
  ])
  const noLoad = { release: async () => undefined }
  const residue = await leave({ runId, journal, dependencies, settleSeconds }, attack, before, noLoad)
  const result = { runId, folder: journal.folder, residue }
  if (outcome.status === 'fulfilled') return { ...result, ended: 'over', faults: outcome.value }
  const why = signal.aborted ? signal.reason : outcome.reason
  if (!isStop(why, signal)) throw residue.length === 0 ? why : leftBehind(why, residue)
  journal.note({ entry: 'interrupted', reason: messageOf(why) })
  return { ...result, ended: 'interrupted', faults: [] }
}
