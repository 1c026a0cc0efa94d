import { seededRandom } from '../../../platform/random.ts'
import type { Mean, Spread } from './report.ts'

const RESAMPLES = 2_000
/** Ends of a 95 % interval. */
const LOW = 0.025
const HIGH = 0.975

/** Fewer than these say little. */
export const FEW = 5

/** @param durationsMs milliseconds, >= 0, in any order */
export function spreadOf(durationsMs: readonly number[]): Spread {
  const sorted = ascending(durationsMs)
  if (sorted.length === 0) return { n: 0, meanMs: null, p50Ms: null, p90Ms: null }
  return {
    n: sorted.length,
    meanMs: mean(sorted),
    p50Ms: quantileOf(sorted, 0.5),
    p90Ms: quantileOf(sorted, 0.9),
  }
}

/**
 * With the 95 % percentile interval of the mean over 2,000 resamples.
 *
 * @param seed unsigned 32-bit integer: the same report has the same interval, whenever it is made
 * @see Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13
 */
export function meanOf(durationsMs: readonly number[], seed: number): Mean {
  const spread = spreadOf(durationsMs)
  const isFew = spread.n < FEW
  if (spread.n < 2) return { ...spread, lowMs: null, highMs: null, isFew }
  // Facts come in any order, and the same ones must give the same interval.
  const sorted = ascending(durationsMs)
  const random = seededRandom(seed)
  const means = ascending(
    Array.from({ length: RESAMPLES }, () =>
      mean(sorted.map(() => sorted[Math.floor(random() * sorted.length)] ?? 0)),
    ),
  )
  return { ...spread, lowMs: quantileOf(means, LOW), highMs: quantileOf(means, HIGH), isFew }
}

/** Between the two values next to it, in proportion (type 7 of Hyndman & Fan 1996). @param sorted not empty */
function quantileOf(sorted: readonly number[], probability: number): number {
  const position = (sorted.length - 1) * probability
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function ascending(values: readonly number[]): readonly number[] {
  return [...values].sort((one, other) => one - other)
}
