import jStat from 'jstat'
import type { Random } from '../../platform/random.ts'
import { at } from './seconds.ts'

/** An interval or a bounded value; the ends may be infinite, never NaN. */
export type Bounds = { readonly low: number; readonly high: number }

/** Fewer replicates than this in a tail say little about how far the tail goes on. */
const THIN_TAIL = 5

/**
 * One replicate of the circular block bootstrap: draws as many of `seconds` as there are, in blocks of
 * neighbours that start anywhere and wrap around, and adds to `weights` how often each was drawn.
 *
 * @param seconds indices into `weights`, in order of time
 * @param blockLength seconds, a whole number >= 1
 * @see Politis & Romano 1992, Exploring the Limits of Bootstrap, 263-270
 */
export function drawBlocks(
  seconds: readonly number[],
  blockLength: number,
  random: Random,
  weights: Uint16Array,
): void {
  let place = 0
  for (let drawn = 0; drawn < seconds.length; drawn++) {
    place = drawn % blockLength === 0 ? Math.floor(random() * seconds.length) : (place + 1) % seconds.length
    const second = at(seconds, place)
    weights[second] = at(weights, second) + 1
  }
}

/** Replicates of a statistic. Where a value is only bounded, `lows` and `highs` differ. */
export type Replicates = {
  /** Ascending. */
  readonly lows: Float64Array
  /** Ascending. */
  readonly highs: Float64Array
  /** Standard deviation of the replicates; null when fewer than half of them have a known value. */
  readonly standardError: number | null
  /** Blocks in the shorter phase, >= 2: the number of independent pieces that the interval may count on. */
  readonly blocks: number
}

export function replicates(lows: Float64Array, highs: Float64Array, blocks: number): Replicates {
  let count = 0
  let mean = 0
  let squares = 0
  for (let index = 0; index < lows.length; index++) {
    const value = at(lows, index)
    if (value !== at(highs, index) || !Number.isFinite(value)) continue
    count++
    const step = value - mean
    mean += step / count
    squares += step * (value - mean)
  }
  const standardError = count > 1 && 2 * count >= lows.length ? Math.sqrt(squares / (count - 1)) : null
  return { lows: lows.sort(), highs: highs.sort(), standardError, blocks: Math.max(2, Math.floor(blocks)) }
}

/**
 * Expanded percentile interval. Plain percentiles are too narrow for few blocks; the tail is moved out to
 * Phi(t(alpha, k - 1) sqrt(k / (k - 1))), k blocks. Where that runs out of replicates, the t interval around
 * `center` takes over if it is wider.
 *
 * @param alpha probability outside on each side, in (0, 0.5)
 * @see Hesterberg 2015, The American Statistician 69(4), 371-386, section 5.3
 */
export function percentileInterval(statistic: Replicates, center: number, alpha: number): Bounds {
  const { lows, highs, standardError, blocks } = statistic
  const reach = -jStat.studentt.inv(alpha, blocks - 1) * Math.sqrt(blocks / (blocks - 1))
  const tail = jStat.normal.cdf(-reach, 0, 1) * (lows.length + 1)
  const position = Math.max(0, Math.floor(tail) - 1)
  const low = at(lows, position)
  const high = at(highs, highs.length - 1 - position)
  if (tail >= THIN_TAIL || standardError === null || !Number.isFinite(center)) return { low, high }
  return {
    low: Math.min(low, center - reach * standardError),
    high: Math.max(high, center + reach * standardError),
  }
}
