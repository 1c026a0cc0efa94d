import type { Group } from '../platform/topology.ts'

/** Load that rises in steps, to see where a group breaks. */
export type Ramp = {
  /** Who is driven, all by the same schedule; the others get nothing. Not empty. */
  readonly groups: readonly Group[]
  /** Arrivals per second and group of each step, reads and writes together; each > 0, a multiple of 0.1. */
  readonly ratesPerSecond: readonly number[]
  /** Length of each step, seconds; > 0. */
  readonly stepSeconds: number
}

/** More steps than this are a slope; k6 is told each of them twice. */
export const MOST_STEPS = 100

/**
 * Rates from `from` to `to`, evenly spaced; the last is `to`.
 *
 * @param from arrivals per second, > 0
 * @param to >= from
 * @param steps a whole number, >= 1; with 1 step the rate is `to`
 */
export function evenRates(from: number, to: number, steps: number): number[] {
  if (steps === 1) return [to]
  return Array.from({ length: steps }, (_, index) => {
    const rate = from + ((to - from) * index) / (steps - 1)
    return Math.round(rate * 10) / 10
  })
}

/** Says what makes a ramp impossible to drive, or null. */
export function rampProblem({ groups, ratesPerSecond, stepSeconds }: Ramp): string | null {
  if (groups.length === 0 || new Set(groups).size !== groups.length)
    return `the groups are '${groups.join(', ')}'; allowed: each at most once, at least one`
  if (ratesPerSecond.length === 0 || ratesPerSecond.length > MOST_STEPS)
    return `${ratesPerSecond.length} steps; allowed: 1 to ${MOST_STEPS}`
  const wrong = ratesPerSecond.find(rate => !(rate > 0) || !Number.isFinite(rate))
  if (wrong !== undefined) return `a step has ${wrong} requests/s; allowed: larger than 0`
  if (!(stepSeconds > 0)) return `a step lasts ${stepSeconds} s; allowed: larger than 0`
  return null
}
