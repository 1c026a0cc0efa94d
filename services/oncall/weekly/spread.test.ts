import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { meanOf, spreadOf } from './spread.ts'

describe('spreadOf()', () => {
  test.each([
    { of: [], is: { n: 0, meanMs: null, p50Ms: null, p90Ms: null } },
    { of: [7], is: { n: 1, meanMs: 7, p50Ms: 7, p90Ms: 7 } },
    // 90 %: place 0.9 of 0 to 1, so nine tenths of the way from 10 to 20.
    { of: [20, 10], is: { n: 2, meanMs: 15, p50Ms: 15, p90Ms: 19 } },
    // 90 %: place 3.6 of 0 to 4, so 40 + 0.6 x 60.
    { of: [100, 10, 40, 20, 30], is: { n: 5, meanMs: 40, p50Ms: 30, p90Ms: 76 } },
  ])('$of', ({ of, is }) => {
    expect(spreadOf(of)).toEqual(is)
  })
})

describe('meanOf()', () => {
  test.each([
    { of: [], isFew: true },
    { of: [5], isFew: true },
  ])('has no interval for $of', ({ of, isFew }) => {
    expect(meanOf(of, 1)).toEqual({ ...spreadOf(of), lowMs: null, highMs: null, isFew })
  })

  test('says when there are fewer than five', () => {
    expect(meanOf([1, 2, 3, 4], 1).isFew).toBe(true)
    expect(meanOf([1, 2, 3, 4, 5], 1).isFew).toBe(false)
  })

  test('has the interval of all resamples of two: a quarter of them is all of one', () => {
    expect(meanOf([0, 10], 7)).toMatchObject({ meanMs: 5, lowMs: 0, highMs: 10 })
  })

  test('is about two standard errors wide', () => {
    // Variance of 0 to 99: (100^2 - 1) / 12; standard error 28.87 / 10.
    const { lowMs, highMs } = meanOf(
      Array.from({ length: 100 }, (_, index) => index),
      7,
    )
    expect(lowMs).toBeGreaterThan(49.5 - 1.96 * 2.887 - 0.7)
    expect(lowMs).toBeLessThan(49.5 - 1.96 * 2.887 + 0.7)
    expect(highMs).toBeGreaterThan(49.5 + 1.96 * 2.887 - 0.7)
    expect(highMs).toBeLessThan(49.5 + 1.96 * 2.887 + 0.7)
  })

  test('is the same whatever the order, and holds the mean', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 1e7 }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(durations, fc.nat(), (of, seed) => {
        const mean = meanOf(of, seed)
        expect(meanOf([...of].reverse(), seed)).toEqual(mean)
        expect(mean.lowMs).toBeLessThanOrEqual((mean.meanMs ?? 0) + 1e-6)
        expect(mean.highMs).toBeGreaterThanOrEqual((mean.meanMs ?? 0) - 1e-6)
      }),
      { numRuns: 30 },
    )
  })
})
