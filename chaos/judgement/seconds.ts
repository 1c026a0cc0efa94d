import type { Group } from '../../platform/topology.ts'
import type { Phase, Sample } from '../measurement/sample.ts'

/** Shortest duration a request can have here, milliseconds: keeps the logarithm of a latency finite. */
const SHORTEST_MS = 0.001

/**
 * Requests of one group in one phase, by the second in which they started.
 *
 * Latency counts answered requests and time-outs. A time-out is censored: the answer would have taken at least
 * that long. A failed request is left out, because a quick error page is not a quick answer; what it costs
 * shows in the success ratio.
 */
export type Seconds = {
  /** Seconds in the phase, the last one possibly shorter. */
  readonly count: number
  /** Requests started in each second. */
  readonly requests: Uint32Array
  /** Those of `requests` that failed or timed out. */
  readonly failures: Uint32Array
  readonly latency: SortedLatency
}

/** Latencies in ascending order; equal durations with the censored ones last. */
export type SortedLatency = {
  /** Milliseconds, > 0. */
  readonly durationMs: Float64Array
  /** Index of the second in which the request started. */
  readonly second: Uint32Array
  /** Position of the first censored value: what stands from here on is a lower bound. The length if there is none. */
  readonly firstCensored: number
  /** Latencies of each second. */
  readonly perSecond: Uint32Array
}

/** Sorts the requests of one group that started within `phase` into 1-second buckets. */
export function bySecond(samples: readonly Sample[], group: Group, phase: Phase): Seconds {
  const count = Math.max(0, Math.ceil((phase.endMs - phase.startMs) / 1000))
  const requests = new Uint32Array(count)
  const failures = new Uint32Array(count)
  const perSecond = new Uint32Array(count)
  const timed: Sample[] = []
  for (const sample of samples) {
    if (sample.group !== group || sample.startMs < phase.startMs || sample.startMs >= phase.endMs) continue
    const second = secondOf(sample, phase)
    requests[second] = at(requests, second) + 1
    if (sample.outcome !== 'ok') failures[second] = at(failures, second) + 1
    if (sample.outcome === 'error') continue
    perSecond[second] = at(perSecond, second) + 1
    timed.push(sample)
  }
  timed.sort((one, other) => one.durationMs - other.durationMs || censoring(one) - censoring(other))
  const durationMs = new Float64Array(timed.length)
  const second = new Uint32Array(timed.length)
  let firstCensored = timed.length
  timed.forEach((sample, position) => {
    durationMs[position] = Math.max(sample.durationMs, SHORTEST_MS)
    second[position] = secondOf(sample, phase)
    if (sample.outcome === 'timeout') firstCensored = Math.min(firstCensored, position)
  })
  return { count, requests, failures, latency: { durationMs, second, firstCensored, perSecond } }
}

/** Sum of `values`. */
export function total(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += at(values, index)
  return sum
}

/** `values[index]`, 0 outside: typed arrays hold numbers only, which the compiler cannot know. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0
}

function secondOf(sample: Sample, phase: Phase): number {
  return Math.floor((sample.startMs - phase.startMs) / 1000)
}

function censoring(sample: Sample): number {
  return sample.outcome === 'timeout' ? 1 : 0
}
