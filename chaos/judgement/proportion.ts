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

/** Halvings of an interval of probabilities until its ends are neighbours as numbers. */
const HALVINGS = 60

/**
 * Exact interval of a proportion: it holds the truth at least as often as it says, however few the trials are. Its lower
 * end is the p with P(X >= events) = alpha for X ~ Binomial(trials, p); its upper end is one less the lower end for what
 * did not happen.
 *
 * @param alpha probability outside on each side, in (0, 0.25)
 * @see Clopper & Pearson 1934, Biometrika 26(4), 404-413
 */
export function clopperPearson(events: number, trials: number, alpha: number): Bounds {
  if (trials === 0) return { low: 0, high: 1 }
  return {
    low: exactLow(events, trials, alpha),
    high: 1 - exactLow(trials - events, trials, alpha),
  }
}

function exactLow(events: number, trials: number, alpha: number): number {
  if (events === 0) return 0
  let low = 0
  // Where the expectation is `events`, so many or more are likelier than alpha.
  let high = events / trials
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2
    if (upperTail(events, trials, middle) < alpha) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(X >= events) for X ~ Binomial(trials, probability); probability in (0, events / trials], where the first term is the largest. */
function upperTail(events: number, trials: number, probability: number): number {
  let logTerm = events * Math.log(probability) + (trials - events) * Math.log1p(-probability)
  for (let drawn = 1; drawn <= events; drawn++) logTerm += Math.log((trials - events + drawn) / drawn)
  const odds = probability / (1 - probability)
  let term = Math.exp(logTerm)
  let sum = 0
  for (let happened = events; happened <= trials; happened++) {
    sum += term
    term *= ((trials - happened) / (happened + 1)) * odds
  }
  return sum
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
