import { GROUPS, type Group } from '../platform/topology.ts'
import { type Outcome, type Tally, tally } from './breakpoint.ts'

/** One stretch of a soak. */
export type SoakWindow = {
  /** From the first request, seconds. */
  readonly fromSeconds: number
  readonly groups: Readonly<Record<Group, Tally>>
}

/** What a long steady load did to a group. */
export type Wear = {
  /** p95 of the last quarter as a multiple of that of the first; null without data. */
  readonly p95Factor: number | null
  /** Failed share of the last quarter less that of the first; null without data. */
  readonly failedShareRise: number | null
  /** Beyond `WEAR_LIMITS`, or without data: no data is never a pass. */
  readonly worn: boolean
}

/** From here on a group counts as worn. */
export const WEAR_LIMITS = { p95Factor: 1.5, failedShareRise: 0.01 } as const

/** Requests by window; only whole windows are there, so that the last one is not a fragment. */
export function soakWindows(
  outcomes: readonly Outcome[],
  zeroMs: number,
  windowSeconds: number,
  windows: number,
): readonly SoakWindow[] {
  const buckets = Array.from(
    { length: windows },
    (): Record<Group, Outcome[]> => ({ control: [], experiment: [] }),
  )
  for (const one of outcomes) {
    buckets[Math.floor((one.startMs - zeroMs) / (windowSeconds * 1000))]?.[one.group].push(one)
  }
  return buckets.map((bucket, index) => ({
    fromSeconds: index * windowSeconds,
    groups: { control: tally(bucket.control), experiment: tally(bucket.experiment) },
  }))
}

/** Compares the first with the last quarter of a soak. */
export function wearOf(
  outcomes: readonly Outcome[],
  zeroMs: number,
  durationSeconds: number,
): Readonly<Record<Group, Wear>> {
  const quarters = soakWindows(outcomes, zeroMs, durationSeconds / 4, 4)
  const entries = GROUPS.map(group => {
    const first = quarters[0]?.groups[group]
    const last = quarters[3]?.groups[group]
    const p95Factor = first?.p95Ms && last?.p95Ms ? last.p95Ms / first.p95Ms : null
    const failedShareRise =
      first == null || last == null || first.failedShare === null || last.failedShare === null
        ? null
        : last.failedShare - first.failedShare
    const worn =
      p95Factor === null ||
      failedShareRise === null ||
      p95Factor > WEAR_LIMITS.p95Factor ||
      failedShareRise > WEAR_LIMITS.failedShareRise
    return [group, { p95Factor, failedShareRise, worn }] as const
  })
  return Object.fromEntries(entries) as Record<Group, Wear>
}
