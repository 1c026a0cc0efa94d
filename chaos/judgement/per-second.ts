import { QUANTILES } from './estimate.ts'
import { at, type Seconds } from './seconds.ts'
import type { SignalName } from './verdict.ts'

/**
 * One signal in each second alone: the success ratio, or a latency quantile in milliseconds (a time-out counts as its
 * length). null where the second holds nothing to measure.
 */
export function perSecond(seconds: Seconds, name: SignalName): (number | null)[] {
  if (name === 'success_ratio') {
    return Array.from(seconds.requests, (requests, second) =>
      requests === 0 ? null : 1 - at(seconds.failures, second) / requests,
    )
  }
  // The latencies come sorted, so those of each second come sorted too.
  const durations: number[][] = Array.from(seconds.requests, () => [])
  seconds.latency.durationMs.forEach((durationMs, position) => {
    durations[at(seconds.latency.second, position)]?.push(durationMs)
  })
  return durations.map(sorted => sorted[Math.ceil(QUANTILES[name] * sorted.length) - 1] ?? null)
}
