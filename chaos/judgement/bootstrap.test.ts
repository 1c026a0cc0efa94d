import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../platform/random.ts'
import { drawBlocks, percentileInterval, replicates } from './bootstrap.ts'

/** Hands out the given numbers one after the other. */
const scripted = (numbers: readonly number[]) => {
  const left = [...numbers]
  return () => left.shift() ?? 0
}

describe('drawBlocks()', () => {
  test('draws neighbours, wraps around, and cuts the last block', () => {
    const weights = new Uint16Array(5)

    // Starts at places 3 and 1: 3, 4, 0 and 1, 2.
    drawBlocks([0, 1, 2, 3, 4], 3, scripted([0.61, 0.21]), weights)
    expect([...weights]).toEqual([1, 1, 1, 1, 1])

    // Starts at places 3 and 3: 3, 4, 0 and 3, 4.
    weights.fill(0)
    drawBlocks([0, 1, 2, 3, 4], 3, scripted([0.61, 0.61]), weights)
    expect([...weights]).toEqual([1, 0, 0, 2, 2])
  })

  test('draws only among the seconds it is given, and adds to what was drawn before', () => {
    const weights = Uint16Array.of(1, 0, 0, 0)

    drawBlocks([1, 3], 1, scripted([0.9, 0.9]), weights)

    expect([...weights]).toEqual([1, 0, 0, 2])
  })
})

describe('replicates()', () => {
  const series = [3, 4, 6, 5, 9, 12, 11, 8, 5, 4, 2, 1, 2, 3, 7, 9, 8, 6, 4, 5, 6, 3, 2, 1]

  // Exact, over all n places where a block of length b may begin; numpy 2.4.6, s the series, n = 24:
  // numpy.sqrt(n / b * numpy.var([numpy.take(s, range(i, i + b), mode='wrap').sum() for i in range(n)])) / n
  test.each([
    { length: 1, standardError: 0.6102424381615338 },
    { length: 3, standardError: 0.9111259314512803 },
    { length: 6, standardError: 0.9001028747788694 },
  ])('has the standard error of the mean that blocks of $length s have', ({ length, standardError }) => {
    const random = seededRandom(1)
    const seconds = series.map((_, second) => second)
    const means = Float64Array.from({ length: 20_000 }, () => {
      const weights = new Uint16Array(series.length)
      drawBlocks(seconds, length, random, weights)
      return series.reduce((sum, value, second) => sum + value * (weights[second] ?? 0), 0) / series.length
    })

    const found = replicates(means, means.slice(), series.length / length)

    // The standard error of a standard deviation of 20,000 values is 0.5 %.
    expect(Math.abs((found.standardError ?? 0) / standardError - 1)).toBeLessThan(0.02)
  })
})

describe('percentileInterval()', () => {
  const upTo = (count: number) => Float64Array.from({ length: count }, (_, index) => index + 1)

  test('moves the tails out for few blocks', () => {
    // scipy 1.17: stats.norm.cdf(stats.t.ppf(.05, 6) * sqrt(7 / 6)) = 0.017913978756019574; x 2,000 = 35.8
    const statistic = replicates(upTo(1999), upTo(1999), 7)

    expect(percentileInterval(statistic, 1000, 0.05)).toEqual({ low: 35, high: 1965 })
  })

  test('uses the t interval where replicates run out', () => {
    // Two blocks: scipy t.ppf(.05, 1) = -6.3138 and sqrt(2) standard errors; no replicate lies that far out.
    const statistic = replicates(upTo(99), upTo(99), 2)
    const reach = 6.313751514675044 * Math.SQRT2 * Math.sqrt((99 * 100) / 12)

    const { low, high } = percentileInterval(statistic, 50, 0.05)

    expect(low).toBeCloseTo(50 - reach, 4)
    expect(high).toBeCloseTo(50 + reach, 4)
  })

  test('keeps one end when only the other is unknown', () => {
    const statistic = replicates(upTo(1999), new Float64Array(1999).fill(Number.POSITIVE_INFINITY), 7)

    expect(percentileInterval(statistic, 1000, 0.05)).toEqual({ low: 35, high: Number.POSITIVE_INFINITY })
    expect(statistic.standardError).toBeNull()
  })

  test('is a point when nothing varies', () => {
    const same = () => new Float64Array(2000).fill(0.25)

    expect(percentileInterval(replicates(same(), same(), 7), 0.25, 0.05)).toEqual({ low: 0.25, high: 0.25 })
  })
})
