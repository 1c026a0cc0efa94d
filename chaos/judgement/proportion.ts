import jStat from 'jstat'
import type { Bounds } from './bootstrap.ts'

/** `events` out of `trials`, added (`sign` 1) to or taken (-1) from a sum. */
export type Term = { readonly events: number; readonly trials: number; readonly sign: 1 | -1 }

/**
 * Score interval of a proportion: never empty, also for 0 or all of `trials`.
 *
 * @param alpha probability outside on each side
 * @see Wilson 1927, J. Am. Stat. Assoc. 22(158), 209-212
 */
export function wilson(events: number, trials: number, alpha: number): Bounds {
  if (trials === 0) return { low: 0, high: 1 }
  const z = -jStat.normal.inv(alpha, 0, 1)
  const ratio = events / trials
  const center = (ratio + z ** 2 / (2 * trials)) / (1 + z ** 2 / trials)
  const half =
    (z / (1 + z ** 2 / trials)) * Math.sqrt((ratio * (1 - ratio)) / trials + z ** 2 / (4 * trials ** 2))
  return {
    low: events === 0 ? 0 : Math.max(0, center - half),
    high: events === trials ? 1 : Math.min(1, center + half),
  }
}

/**
 * Exact interval of a proportion: it holds the truth at least as often as it says, however few the trials are. Its lower
 * end is the p with P(X >= events) = alpha for X ~ Binomial(trials, p), a quantile of a beta distribution; its upper end is
 * the same from the other side.
 *
 * @param alpha probability outside on each side, in (0, 0.25)
 * @see Clopper & Pearson 1934, Biometrika 26(4), 404-413
 */
export function clopperPearson(events: number, trials: number, alpha: number): Bounds {
  if (trials === 0) return { low: 0, high: 1 }
  const { inv } = jStat.beta
  return {
    low: events === 0 ? 0 : inv(alpha, events, trials - events + 1),
    high: events === trials ? 1 : inv(1 - alpha, events + 1, trials - events),
  }
}

/**
 * Interval of a sum of proportions from the interval of each (MOVER); with two terms it is Newcombe's
 * interval of a difference. It assumes independent requests: the least uncertainty that a count can have.
 *
 * @see Newcombe 1998, Statistics in Medicine 17(8), 873-890, method 10; Zou & Donner 2008, 27(10), 1693-1702
 */
export function sumInterval(terms: readonly Term[], alpha: number): Bounds {
  let center = 0
  let below = 0
  let above = 0
  for (const { events, trials, sign } of terms) {
    const ratio = trials === 0 ? 0 : events / trials
    const { low, high } = wilson(events, trials, alpha)
    center += sign * ratio
    below += (sign === 1 ? ratio - low : high - ratio) ** 2
    above += (sign === 1 ? high - ratio : ratio - low) ** 2
  }
  return { low: center - Math.sqrt(below), high: center + Math.sqrt(above) }
}
