import { GROUPS, type Group } from '../platform/topology.ts'

/** More load for one group in a window; the other group stays at the base. */
export type Surge = {
  readonly group: 'experiment'
  /** Arrivals per second in the window as a multiple of the base; > 1. */
  readonly factor: number
  /** From the first request of the run, seconds; >= 0. */
  readonly startSeconds: number
  /** Seconds; > 0. The window ends before the load does. */
  readonly durationSeconds: number
}

/** What a surge brought, counted by the load generator: requests started inside its window, by group. */
export type SurgeArrivals = Surge & { readonly inside: Readonly<Record<Group, number>> }

/**
 * Requests of surge number n are numbered from (n + 1) times this, so that no two requests of a (group, kind) share a
 * number, and the base sequence is the same in both groups whether or not there is a surge. No run has as many.
 */
const SURGE_SEQUENCES = 100_000_000

/** With more, the numbers would no longer fit the 32 bits from which a request is made. */
export const MOST_SURGES = 40

/** Number of the first request of surge number `index`. */
export function firstSequence(index: number): number {
  return (index + 1) * SURGE_SEQUENCES
}

/**
 * Index of the surge during which a request starts, or -1.
 *
 * @param elapsedMs from the first request of the run
 */
export function surgeAt(surges: readonly Surge[], elapsedMs: number): number {
  return surges.findIndex(
    ({ startSeconds, durationSeconds }) =>
      elapsedMs >= startSeconds * 1000 && elapsedMs < (startSeconds + durationSeconds) * 1000,
  )
}

/**
 * Arrivals of the experiment as a multiple of the control's, on average over a stretch of the run: 1 where no surge is.
 *
 * @param fromSeconds from the first request of the run
 * @param untilSeconds > fromSeconds
 */
export function expectedFactor(surges: readonly Surge[], fromSeconds: number, untilSeconds: number): number {
  const length = untilSeconds - fromSeconds
  if (length <= 0) return 1
  const surplus = surges.reduce((sum, { factor, startSeconds, durationSeconds }) => {
    const overlap =
      Math.min(untilSeconds, startSeconds + durationSeconds) - Math.max(fromSeconds, startSeconds)
    return sum + (factor - 1) * Math.max(0, overlap)
  }, 0)
  return 1 + surplus / length
}

/** Arrivals of each group that start in [fromMs, untilMs), on the clock of the samples: what proves a surge. */
export function arrivalsBetween(
  samples: Iterable<{ readonly group: Group; readonly startMs: number }>,
  fromMs: number,
  untilMs: number,
): Record<Group, number> {
  const arrivals = Object.fromEntries(GROUPS.map(group => [group, 0])) as Record<Group, number>
  for (const { group, startMs } of samples) if (startMs >= fromMs && startMs < untilMs) arrivals[group]++
  return arrivals
}

/**
 * Says what makes a list of surges impossible to drive, or null.
 *
 * @param loadSeconds how long requests are sent
 */
export function surgeProblem(surges: readonly Surge[], loadSeconds: number): string | null {
  if (surges.length > MOST_SURGES) return `${surges.length} surges; allowed: at most ${MOST_SURGES}`
  const ordered = [...surges].sort((one, other) => one.startSeconds - other.startSeconds)
  for (const [index, { factor, startSeconds, durationSeconds }] of ordered.entries()) {
    const endSeconds = startSeconds + durationSeconds
    const next = ordered[index + 1]
    if (!(factor > 1)) return `the factor of a surge is ${factor}; allowed: larger than 1`
    if (!(startSeconds >= 0)) return `a surge starts at ${startSeconds} s; allowed: at least 0`
    if (!(durationSeconds > 0)) return `a surge lasts ${durationSeconds} s; allowed: larger than 0`
    if (endSeconds > loadSeconds)
      return `a surge ends at ${endSeconds} s; allowed: at most ${loadSeconds}, when the load ends`
    if (next !== undefined && next.startSeconds < endSeconds)
      return `a surge starts at ${next.startSeconds} s, while the one before lasts until ${endSeconds} s; allowed: one at a time`
  }
  return null
}
