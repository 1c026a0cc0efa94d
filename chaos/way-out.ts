import { MachineryError } from '../platform/errors.ts'
import type { Attack } from './attack.ts'
import {
  leftovers,
  residue,
  type Snapshot,
  type SnapshotSources,
  takeSnapshot,
  undoLeftovers,
} from './audit.ts'
import { describeUndo } from './faults/describe-action.ts'
import { Halted } from './heartbeat.ts'
import { messageOf } from './message-of.ts'
import type { LoadPromise } from './promise-load.ts'
import type { Run, RunDependencies } from './run-dependencies.ts'

/** How often the lab is looked at while it settles. */
const LOOK_EVERY_MS = 1_000

/** A run or an attack that has begun. */
export type OnItsWay = Pick<Run, 'journal' | 'dependencies'>

/** Takes away what a run that was killed left behind, before it is mistaken for the state of the lab. */
export async function heal({ journal, dependencies }: OnItsWay, signal: AbortSignal): Promise<void> {
  const { cluster, executor, api, leases, load, runsFolder, progress } = dependencies
  // This run holds the lock, so no other is alive: whatever is found is left over.
  const found = await leftovers({ cluster, runsFolder, lock: { holder: async () => null } })
  const descriptions = found.map(({ description }) => description)
  for (const description of descriptions) progress(`healing: ${description}`)
  await undoLeftovers(found, executor, signal)
  const kept = await keepPromises({ api, leases })
  for (const description of kept) progress(`healing: ${description}`)
  const healed = [...descriptions, ...kept]
  if (healed.length > 0) await journal.append({ entry: 'healed', leftovers: healed })
  await load.remove()
}

/**
 * Undoes whatever a lease in the API stands for, in its time or not; only for when no run is alive.
 *
 * @returns what was undone, in words
 */
export async function keepPromises({
  api,
  leases,
}: Pick<RunDependencies, 'api' | 'leases'>): Promise<readonly string[]> {
  const promised = await leases.list()
  for (const { name, undo } of promised) {
    for (const one of undo) await api.undo(one)
    await leases.remove(name)
  }
  return promised.map(({ runId, undo }) => `run ${runId} did not ${undo.map(describeUndo).join(', ')}`)
}

/**
 * The way out, whatever the way in was: undo, take the load away, wait until the lab is whole. It is not to be stopped
 * and does not throw: what fails is told as left behind.
 *
 * @returns what is left behind, in words
 */
export async function leave(
  {
    runId,
    journal,
    dependencies,
    settleSeconds,
  }: OnItsWay & Pick<Run, 'runId'> & { readonly settleSeconds: number },
  attack: Attack,
  before: Snapshot,
  promise: Pick<LoadPromise, 'release'>,
): Promise<readonly string[]> {
  const stuck = await attack.undoAll()
  const removal = await dependencies.load
    .remove(runId)
    .then(() => promise.release())
    .then(
      () => [],
      error => [messageOf(error)],
    )
  journal.note({ entry: 'phase', phase: 'settle' })
  dependencies.progress(`settle: waiting until the lab is as it was, at most ${settleSeconds} s`)
  const left = [...stuck, ...removal, ...(await untilAsBefore(dependencies, before, settleSeconds))]
  journal.note({ entry: 'audit', residue: left })
  dependencies.progress(
    left.length === 0 ? 'audit: nothing left behind' : `audit: left behind: ${left.join('; ')}`,
  )
  return left
}

/** @returns what differs from `before` when the time is over; empty as soon as nothing does */
export async function untilAsBefore(
  sources: SnapshotSources & Pick<RunDependencies, 'clock'>,
  before: Snapshot,
  withinSeconds: number,
): Promise<readonly string[]> {
  const { clock } = sources
  const untilMs = clock.nowMs() + withinSeconds * 1000
  const differs = (depth: 'lab' | 'all') =>
    takeSnapshot(sources, depth).then(
      after => residue(before, after),
      error => [`the audit failed: ${messageOf(error)}`],
    )
  for (;;) {
    // The agents' look at their nodes costs a second each: only once all else is as it was.
    const found = await differs('lab')
    const all = found.length === 0 ? await differs('all') : found
    if (all.length === 0 || clock.nowMs() >= untilMs) return all
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
  }
}

/** Whether somebody wanted it to end: Ctrl-C or a halt, and nothing that failed. */
export function isStop(why: unknown, signal: AbortSignal): boolean {
  return why instanceof Halted || (signal.aborted && !(why instanceof MachineryError))
}

/** The error of a run that, on top of it, left something behind. */
export function leftBehind(cause: unknown, left: readonly string[]): MachineryError {
  return new MachineryError(
    `${messageOf(cause)}. The run left behind: ${left.join('; ')}`,
    "'divergence up' puts the lab in order again.",
    { cause },
  )
}
