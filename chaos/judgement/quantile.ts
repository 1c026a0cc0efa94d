import type { SortedLatency } from './seconds.ts'

/** A quantile; `censored` means that the true value is at least `valueMs`. */
export type Quantile = { readonly valueMs: number; readonly censored: boolean }

/**
 * Quantile of latencies whose seconds count `weights[second]` times: the smallest value with at least
 * `probability` of the weight at or below it (type 1 of Hyndman & Fan 1996, exact for the data, no interpolation).
 * It walks down from the slowest request, because the tail quantiles lie near there.
 *
 * @param probability in (0, 1)
 * @param weights times each second counts, whole numbers >= 0
 * @returns null when nothing has weight
 */
export function weightedQuantile(
  latency: SortedLatency,
  weights: Uint16Array,
  probability: number,
): Quantile | null {
  const { durationMs, second, firstCensored, perSecond } = latency
  let weight = 0
  for (let index = 0; index < perSecond.length; index++) {
    weight += (perSecond[index] ?? 0) * (weights[index] ?? 0)
  }
  if (weight === 0) return null
  const rank = Math.ceil(probability * weight)
  let remaining = weight
  for (let position = durationMs.length - 1; position >= 0; position--) {
    remaining -= weights[second[position] ?? 0] ?? 0
    if (remaining < rank) return { valueMs: durationMs[position] ?? 0, censored: position >= firstCensored }
  }
  return null
}

/** Quantile of all latencies, each counted once; null when there are none. */
export function quantile(latency: SortedLatency, probability: number): Quantile | null {
  return weightedQuantile(latency, new Uint16Array(latency.perSecond.length).fill(1), probability)
}
