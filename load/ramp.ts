import type { Group } from '../platform/topology.ts'

/** Load that rises in steps, to see where a group breaks. */
export type Ramp = {
  /** Who is driven, all by the same schedule; the others get nothing. Not empty. */
  readonly groups: readonly Group[]
  /** Arrivals per second and group of each step, reads and writes together; each a multiple of 0.1, rising. */
  readonly ratesPerSecond: readonly number[]
  /** Length of each step, seconds; > 0. */
  readonly stepSeconds: number
}

/** The rates at which the original system was measured, with steps below and between. */
export const DEFAULT_RATES: readonly number[] = [50, 100, 200, 350, 500, 750, 1000]

/** More steps than this are a slope; k6 is told each of them twice. */
export const MOST_STEPS = 100

/** Says what makes a ramp impossible to drive, or null. */
export function rampProblem({ groups, ratesPerSecond, stepSeconds }: Ramp): string | null {
  if (groups.length === 0 || new Set(groups).size !== groups.length)
    return `the groups are '${groups.join(', ')}'; allowed: each at most once, at least one`
  if (ratesPerSecond.length === 0 || ratesPerSecond.length > MOST_STEPS)
    return `${ratesPerSecond.length} steps; allowed: 1 to ${MOST_STEPS}`
  const wrong = ratesPerSecond.find(rate => !(rate > 0) || !Number.isFinite(rate))
  if (wrong !== undefined) return `a step has ${wrong} requests/s; allowed: larger than 0`
  const fall = ratesPerSecond.findIndex((rate, index) => rate <= (ratesPerSecond[index - 1] ?? 0))
  if (fall > 0)
    return `step ${fall + 1} has ${ratesPerSecond[fall]} requests/s after ${ratesPerSecond[fall - 1]}; allowed: more than the step before`
  if (!(stepSeconds > 0)) return `a step lasts ${stepSeconds} s; allowed: larger than 0`
  return null
}
