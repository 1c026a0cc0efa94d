import { blockLength } from './block-length.ts'
import { type Bounds, drawSeconds, percentileInterval, type Replicates, replicates } from './bootstrap.ts'
import { sumInterval, type Term } from './proportion.ts'
import { quantile, weightedQuantile } from './quantile.ts'
import type { Random } from './random.ts'
import { at, type Seconds, total } from './seconds.ts'
import type { SignalName } from './verdict.ts'

/** Both groups, second by second, in the two phases that are compared. */
export type Cells = {
  readonly baseline: { readonly control: Seconds; readonly experiment: Seconds }
  readonly attack: { readonly control: Seconds; readonly experiment: Seconds }
}

/** Replicates of the bootstrap. More would move the ends of an interval by less than they are printed with. */
export const REPLICATES = 2000

/** Latency quantile behind each latency signal. */
export const QUANTILES = { latency_p50: 0.5, latency_p95: 0.95, latency_p99: 0.99 } as const

/** The three comparisons that one bootstrap answers, each as harm: positive is worse. */
export const COMPARISONS = ['effect', 'drift', 'offset'] as const
export type Comparison = (typeof COMPARISONS)[number]

/**
 * One signal, estimated. Harm is the fall of the success ratio, or the natural logarithm of a latency factor, so
 * that worse is positive for every signal and differences of logarithms are ratios of latencies.
 *
 * `effect` is (experiment - control) in the attack minus the same in the baseline; `drift` is the control's
 * attack minus its own baseline; `offset` is experiment - control in the baseline.
 */
export type Estimate = {
  readonly harm: Readonly<Record<Comparison, Bounds>>
  readonly standardError: number
  readonly blockSeconds: { readonly baseline: number; readonly attack: number }
  /** Interval with probability `alpha` outside on each side. */
  readonly interval: (comparison: Comparison, alpha: number) => Bounds
}

type Measure = (seconds: Seconds, weights: ArrayLike<number>) => Bounds
type Quartet = readonly [attackControl: Bounds, attackExperiment: Bounds, control: Bounds, experiment: Bounds]

const UNKNOWN: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }

/**
 * Estimates one signal with a stationary bootstrap over pairs of seconds.
 *
 * A latency quantile is taken over all requests of the seconds that a replicate drew, not averaged over the
 * quantiles of single seconds: p99 of the 100 requests in a second is their largest but one, which is biased
 * and noisy, while the quantile of the phase is the quantity that a person means. Whole seconds are drawn, in
 * blocks and with the same blocks in both groups, so that slow seconds that come in runs, or that hit both groups
 * at once, keep their weight. The block length comes from the series that moves the statistic: the difference
 * between the groups in the number of requests beyond their quantile (or failed) in each second.
 *
 * The bootstrap cannot see failures that happened not to occur, so for the success ratio the interval is widened,
 * where it is narrower, to that of independent requests.
 *
 * @returns null when a cell has no data for the signal
 */
export function estimate(cells: Cells, signal: SignalName, random: Random): Estimate | null {
  const { baseline, attack } = cells
  const groups = [attack.control, attack.experiment, baseline.control, baseline.experiment] as const
  const measure = signal === 'success_ratio' ? failureRatio : logQuantile(QUANTILES[signal])
  const events = groups.map(group => eventsPerSecond(group, signal))
  if (events.some(series => series === null)) return null
  const everySecondOnce = (group: Seconds) => measure(group, new Uint8Array(group.count).fill(1))
  const observed = combine(groups.map(everySecondOnce) as unknown as Quartet)
  const difference = (control: number, experiment: number) =>
    blockLength((events[control] ?? []).map((count, second) => count - (events[experiment]?.[second] ?? 0)))
  const blockSeconds = { attack: difference(0, 1), baseline: difference(2, 3) }
  const drawn = bootstrap(cells, measure, blockSeconds, random)
  return {
    harm: observed,
    standardError: drawn.effect.standardError,
    blockSeconds,
    interval: (comparison, alpha) => {
      const { low, high } = percentileInterval(drawn[comparison], center(observed[comparison]), alpha)
      if (signal !== 'success_ratio') return { low, high }
      const least = sumInterval(failureTerms(groups, comparison), alpha)
      return { low: Math.min(low, least.low), high: Math.max(high, least.high) }
    },
  }
}

function bootstrap(
  { baseline, attack }: Cells,
  measure: Measure,
  blockSeconds: Estimate['blockSeconds'],
  random: Random,
): Readonly<Record<Comparison, Replicates>> {
  const inAttack = new Uint16Array(attack.control.count)
  const inBaseline = new Uint16Array(baseline.control.count)
  const ends = () => ({ lows: new Float64Array(REPLICATES), highs: new Float64Array(REPLICATES) })
  const values = { effect: ends(), drift: ends(), offset: ends() }
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    drawSeconds(inAttack.length, blockSeconds.attack, random, inAttack)
    drawSeconds(inBaseline.length, blockSeconds.baseline, random, inBaseline)
    const harm = combine([
      measure(attack.control, inAttack),
      measure(attack.experiment, inAttack),
      measure(baseline.control, inBaseline),
      measure(baseline.experiment, inBaseline),
    ])
    for (const comparison of COMPARISONS) {
      values[comparison].lows[replicate] = harm[comparison].low
      values[comparison].highs[replicate] = harm[comparison].high
    }
  }
  const blocks = Math.min(inAttack.length / blockSeconds.attack, inBaseline.length / blockSeconds.baseline)
  const { effect, drift, offset } = values
  return {
    effect: replicates(effect.lows, effect.highs, blocks),
    drift: replicates(drift.lows, drift.highs, blocks),
    offset: replicates(offset.lows, offset.highs, inBaseline.length / blockSeconds.baseline),
  }
}

/** Interval arithmetic: a value that is only bounded bounds the differences it enters, and nothing more. */
function combine([attackControl, attackExperiment, control, experiment]: Quartet): Record<
  Comparison,
  Bounds
> {
  const inAttack = minus(attackExperiment, attackControl)
  const offset = minus(experiment, control)
  return { effect: minus(inAttack, offset), drift: minus(attackControl, control), offset }
}

function minus(one: Bounds, other: Bounds): Bounds {
  return { low: one.low - other.high, high: one.high - other.low }
}

function failureRatio(seconds: Seconds, weights: ArrayLike<number>): Bounds {
  let failures = 0
  let requests = 0
  for (let second = 0; second < seconds.count; second++) {
    failures += at(seconds.failures, second) * at(weights, second)
    requests += at(seconds.requests, second) * at(weights, second)
  }
  if (requests === 0) return UNKNOWN
  return { low: failures / requests, high: failures / requests }
}

function logQuantile(probability: number): Measure {
  return (seconds, weights) => {
    const found = weightedQuantile(seconds.latency, weights, probability)
    if (found === null) return UNKNOWN
    const low = Math.log(found.valueMs)
    return { low, high: found.censored ? Number.POSITIVE_INFINITY : low }
  }
}

/** What moves the statistic, counted by second: failed requests, or requests beyond the phase's quantile. */
function eventsPerSecond(seconds: Seconds, signal: SignalName): number[] | null {
  if (total(seconds.requests) === 0) return null
  if (signal === 'success_ratio') return [...seconds.failures]
  const limit = quantile(seconds.latency, QUANTILES[signal])
  if (limit === null) return null
  const counts = new Array<number>(seconds.count).fill(0)
  const { durationMs, second } = seconds.latency
  for (let position = durationMs.length - 1; position >= 0; position--) {
    if (at(durationMs, position) <= limit.valueMs) break
    counts[at(second, position)] = (counts[at(second, position)] ?? 0) + 1
  }
  return counts
}

function failureTerms(groups: readonly [Seconds, Seconds, Seconds, Seconds], comparison: Comparison): Term[] {
  const [attackControl, attackExperiment, control, experiment] = groups
  const term = (seconds: Seconds, sign: 1 | -1): Term => ({
    events: total(seconds.failures),
    trials: total(seconds.requests),
    sign,
  })
  if (comparison === 'drift') return [term(attackControl, 1), term(control, -1)]
  if (comparison === 'offset') return [term(experiment, 1), term(control, -1)]
  return [term(attackExperiment, 1), term(attackControl, -1), term(experiment, -1), term(control, 1)]
}

/** Middle of known bounds; for a value known on one side only, that side. */
export function center({ low, high }: Bounds): number {
  if (low === Number.NEGATIVE_INFINITY) return high
  if (high === Number.POSITIVE_INFINITY) return low
  return (low + high) / 2
}
