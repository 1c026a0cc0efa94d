import type { Random } from '../../platform/random.ts'
import { blockLength } from './block-length.ts'
import { type Bounds, drawBlocks, percentileInterval, type Replicates, replicates } from './bootstrap.ts'
import type { Disturbance } from './disturbance.ts'
import { sumInterval, type Term } from './proportion.ts'
import { quantile, weightedQuantile } from './quantile.ts'
import { at, type Seconds, total } from './seconds.ts'
import type { SignalName } from './verdict.ts'

/** Both groups, second by second, in the two phases that are compared. */
export type Cells = {
  readonly baseline: { readonly control: Seconds; readonly experiment: Seconds }
  readonly attack: { readonly control: Seconds; readonly experiment: Seconds }
}

/** Replicates of the bootstrap. More would move the ends of an interval by less than they are printed with. */
export const REPLICATES = 2000

/**
 * Bounds of the block length. The automatic length is best for long series; in half a minute of seconds it comes out
 * too short to hold slow drifts, or so long that two blocks are left to tell anything from. So a phase has at least
 * `FEWEST_BLOCKS`, and at most `MOST_BLOCKS` as long as these are shorter than `LONG_BLOCK_SECONDS`.
 */
const FEWEST_BLOCKS = 5
const MOST_BLOCKS = 7
const LONG_BLOCK_SECONDS = 12

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
  readonly standardError: number | null
  readonly blockSeconds: { readonly baseline: number; readonly attack: number }
  /** What the fault set off and every replicate keeps; null when the attack is one piece. */
  readonly disturbance: Disturbance | null
  /** Interval with probability `alpha` outside on each side. */
  readonly interval: (comparison: Comparison, alpha: number) => Bounds
}

/** Seconds of a phase, split into those drawn at random and those of a disturbance. */
type Parts = { readonly steady: readonly number[]; readonly disturbed: readonly number[] }
type Measure = (seconds: Seconds, weights: Uint16Array) => Bounds
type Quartet = readonly [attackControl: Bounds, attackExperiment: Bounds, control: Bounds, experiment: Bounds]

const UNKNOWN: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }

/**
 * Estimates one signal with a circular block bootstrap over pairs of seconds.
 *
 * A latency quantile is taken over all requests of the seconds that a replicate drew, not averaged over the
 * quantiles of single seconds: p99 of the 100 requests in a second is their largest but one, which is biased
 * and noisy, while the quantile of the phase is the quantity that a person means. Whole seconds are drawn, in
 * blocks and with the same blocks in both groups, so that slow seconds that come in runs, or that hit both groups
 * at once, keep their weight. The block length comes from the series that moves the statistic: the difference
 * between the groups in the number of requests beyond their quantile (or failed) in each second.
 *
 * What the fault set off at once (see disturbance.ts) is drawn apart from the rest of the attack: every
 * replicate holds as many of its seconds as there were.
 *
 * The bootstrap cannot see failures that happened not to occur, so for the success ratio the interval is widened,
 * where it is narrower, to that of independent requests.
 *
 * @returns null when a cell has no data for the signal
 */
export function estimate(
  cells: Cells,
  signal: SignalName,
  random: Random,
  disturbed: Disturbance | null = null,
  replicateCount = REPLICATES,
): Estimate | null {
  const { baseline, attack } = cells
  const groups = [attack.control, attack.experiment, baseline.control, baseline.experiment] as const
  const measure = signal === 'success_ratio' ? failureRatio : logQuantile(QUANTILES[signal])
  const events = groups.map(group => eventsPerSecond(group, signal))
  if (events.some(series => series === null)) return null
  const everySecondOnce = (group: Seconds) => measure(group, new Uint16Array(group.count).fill(1))
  const observed = combine(groups.map(everySecondOnce) as unknown as Quartet)
  const attackParts = partsOf(attack.control.count, disturbed)
  const blockOf = (control: number, experiment: number, seconds: readonly number[]) => {
    const series = seconds.map(
      second => at(events[control] ?? [], second) - at(events[experiment] ?? [], second),
    )
    return boundedLength(blockLength(series), seconds.length)
  }
  const parts = { attack: attackParts, baseline: partsOf(baseline.control.count, null) }
  const blockSeconds = {
    attack: blockOf(0, 1, parts.attack.steady),
    baseline: blockOf(2, 3, parts.baseline.steady),
  }
  const drawn = bootstrap(cells, measure, parts, blockSeconds, random, replicateCount)
  return {
    harm: observed,
    standardError: drawn.effect.standardError,
    blockSeconds,
    disturbance: disturbed,
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
  parts: Readonly<Record<'baseline' | 'attack', Parts>>,
  blockSeconds: Estimate['blockSeconds'],
  random: Random,
  replicateCount: number,
): Readonly<Record<Comparison, Replicates>> {
  const inAttack = new Uint16Array(attack.control.count)
  const inBaseline = new Uint16Array(baseline.control.count)
  const ends = () => ({ lows: new Float64Array(replicateCount), highs: new Float64Array(replicateCount) })
  const values = { effect: ends(), drift: ends(), offset: ends() }
  for (let replicate = 0; replicate < replicateCount; replicate++) {
    draw(parts.attack, blockSeconds.attack, random, inAttack)
    draw(parts.baseline, blockSeconds.baseline, random, inBaseline)
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
  const before = parts.baseline.steady.length / blockSeconds.baseline
  const blocks = Math.min(parts.attack.steady.length / blockSeconds.attack, before)
  const { effect, drift, offset } = values
  return {
    effect: replicates(effect.lows, effect.highs, blocks),
    drift: replicates(drift.lows, drift.highs, blocks),
    offset: replicates(offset.lows, offset.highs, before),
  }
}

/** The automatic block length within its bounds, in whole seconds. */
function boundedLength(automatic: number, seconds: number): number {
  const shortest = Math.ceil(Math.min(seconds / MOST_BLOCKS, LONG_BLOCK_SECONDS) - 1e-9)
  const longest = Math.floor(seconds / FEWEST_BLOCKS)
  return Math.max(1, Math.min(Math.max(Math.ceil(automatic - 1e-9), shortest), longest))
}

function draw(parts: Parts, blockLength: number, random: Random, weights: Uint16Array): void {
  weights.fill(0)
  drawBlocks(parts.steady, blockLength, random, weights)
  const within = Math.min(blockLength, Math.ceil(parts.disturbed.length / 3))
  drawBlocks(parts.disturbed, within, random, weights)
}

function partsOf(count: number, disturbed: Disturbance | null): Parts {
  const all = Array.from({ length: count }, (_, second) => second)
  const isDisturbed = (second: number) =>
    disturbed !== null && second >= disturbed.from && second < disturbed.until
  return { steady: all.filter(second => !isDisturbed(second)), disturbed: all.filter(isDisturbed) }
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

function failureRatio(seconds: Seconds, weights: Uint16Array): Bounds {
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
