import { describe, expect, test } from '@jest/globals'
import { quantile, weightedQuantile } from './quantile.ts'
import type { SortedLatency } from './seconds.ts'

/** Latencies of one request each, in the second given beside them. */
function latency(
  values: readonly [durationMs: number, second: number][],
  censoredFrom = values.length,
): SortedLatency {
  const perSecond = new Uint32Array(1 + Math.max(0, ...values.map(([, second]) => second)))
  for (const [, second] of values) perSecond[second] = (perSecond[second] ?? 0) + 1
  return {
    durationMs: Float64Array.from(values, ([durationMs]) => durationMs),
    second: Uint32Array.from(values, ([, second]) => second),
    firstCensored: censoredFrom,
    perSecond,
  }
}

describe('quantile()', () => {
  // numpy.quantile(x, p, method='inverted_cdf') of numpy 2, x = these 37 numbers.
  const values = [
    50.774, 19.17, 25.831, 21.405, 66.064, 42.469, 14.653, 41.497, 93.3, 132.299, 45.267, 47.271, 43.004,
    45.987, 73.137, 10.84, 26.229, 27.589, 30.609, 21.993, 19.225, 175.919, 40.795, 46.388, 12.776, 13.241,
    74.268, 105.907, 27.772, 10.325, 98.697, 11.432, 47.185, 120.142, 105.004, 66.744, 15.097,
  ].sort((one, other) => one - other)

  test.each([
    { probability: 0.5, expected: 42.469 },
    { probability: 0.95, expected: 132.299 },
    { probability: 0.99, expected: 175.919 },
  ])('agrees with numpy at $probability', ({ probability, expected }) => {
    const found = quantile(latency(values.map(value => [value, 0])), probability)

    expect(found).toEqual({ valueMs: expected, censored: false })
  })

  test('takes the 95th of 100 values for p95 and the 99th for p99', () => {
    const hundred = Array.from({ length: 100 }, (_, index): [number, number] => [index + 1, 0])

    expect(quantile(latency(hundred), 0.95)?.valueMs).toBe(95)
    expect(quantile(latency(hundred), 0.99)?.valueMs).toBe(99)
  })

  test('is null without data, never zero', () => {
    expect(quantile(latency([]), 0.5)).toBeNull()
  })
})

describe('weightedQuantile()', () => {
  // Second 0 holds 1 and 4, second 1 holds 2 and 3.
  const two = latency([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 0],
  ])

  test.each([
    // 1, 4, 1, 4 -> 1 1 4 4, the 2nd of 4
    { title: 'second 0 twice', weights: [2, 0], probability: 0.5, expected: 1 },
    // 1 1 4 4, the 3rd of 4
    { title: 'second 0 twice, upper half', weights: [2, 0], probability: 0.51, expected: 4 },
    // 1 2 2 2 3 3 3 4, the 4th of 8
    { title: 'second 1 three times', weights: [1, 3], probability: 0.5, expected: 2 },
  ])('counts each second as often as it was drawn: $title', ({ weights, probability, expected }) => {
    expect(weightedQuantile(two, Uint16Array.from(weights), probability)?.valueMs).toBe(expected)
  })

  test('says when the value is only a bound', () => {
    const censored = latency(
      [
        [1, 0],
        [2, 0],
        [9, 0],
        [9, 0],
      ],
      3,
    )

    expect(weightedQuantile(censored, Uint16Array.of(1), 0.75)).toEqual({ valueMs: 9, censored: false })
    expect(weightedQuantile(censored, Uint16Array.of(1), 0.76)).toEqual({ valueMs: 9, censored: true })
  })

  test('is null when nothing was drawn', () => {
    expect(weightedQuantile(two, Uint16Array.of(0, 0), 0.5)).toBeNull()
  })
})
