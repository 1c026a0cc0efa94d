import { MachineryError } from '../platform/errors.ts'
import type { Attack } from './attack.ts'
import { leftovers, residue, type Snapshot, takeSnapshot, undoLeftovers } from './audit.ts'
import type { Run } from './run-dependencies.ts'

/** How often the lab is looked at while it settles. */
const LOOK_EVERY_MS = 1_000

/** Takes away what a run that was killed left behind, before it is mistaken for the state of the lab. */
export async function heal({ journal, dependencies }: Run, signal: AbortSignal): Promise<void> {
  const { cluster, executor, load, runsFolder, progress } = dependencies
  // This run holds the lock, so no other is alive: whatever is found is left over.
  const found = await leftovers({ cluster, runsFolder, lock: { holder: async () => null } })
  const descriptions = found.map(({ description }) => description)
  for (const description of descriptions) progress(`healing: ${description}`)
  await undoLeftovers(found, executor, signal)
  if (found.length > 0) await journal.append({ entry: 'healed', leftovers: descriptions })
  await load.remove()
}

/**
 * The way out, whatever the way in was: undo, take the load away, wait until the lab is whole. It is not to be stopped
 * and does not throw: what fails is told as left behind.
 *
 * @returns what is left behind, in words
 */
export async function leave(run: Run, attack: Attack, before: Snapshot): Promise<readonly string[]> {
  const { journal, dependencies } = run
  const stuck = await attack.undoAll()
  const removal = await dependencies.load.remove().then(
    () => [],
    error => [messageOf(error)],
  )
  const left = [...stuck, ...removal, ...(await settled(run, before))]
  journal.note({ entry: 'audit', residue: left })
  dependencies.progress(
    left.length === 0 ? 'audit: nothing left behind' : `audit: left behind: ${left.join('; ')}`,
  )
  return left
}

/** Waits until nothing differs from the snapshot, or the time for it is over; what differs then is residue. */
async function settled(
  { experiment, journal, dependencies }: Run,
  before: Snapshot,
): Promise<readonly string[]> {
  const { cluster, lab, clock, progress } = dependencies
  const { readySeconds } = experiment.settle
  journal.note({ entry: 'phase', phase: 'settle' })
  progress(`settle: waiting until the lab is as it was, at most ${readySeconds} s`)
  const untilMs = clock.nowMs() + readySeconds * 1000
  for (;;) {
    const found = await takeSnapshot(lab, cluster).then(
      after => residue(before, after),
      error => [`the audit failed: ${messageOf(error)}`],
    )
    if (found.length === 0 || clock.nowMs() >= untilMs) return found
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
  }
}

/** The error of a run that, on top of it, left something behind. */
export function leftBehind(cause: unknown, left: readonly string[]): MachineryError {
  return new MachineryError(
    `${messageOf(cause)}. The run left behind: ${left.join('; ')}`,
    "'divergence up' puts the lab in order again.",
    { cause },
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
