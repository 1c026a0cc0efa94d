import { describe, expect, test } from '@jest/globals'
import { blockLength } from './block-length.ts'

/** `length` numbers in [-0.5, 0.5) by the generator x -> 1103515245 x + 12345 modulo 2^31, from 7. */
function noise(length: number): number[] {
  let x = 7n
  return Array.from({ length }, () => {
    x = (1103515245n * x + 12345n) % 2147483648n
    return Number(x) / 2147483648 - 0.5
  })
}

function autoregression(persistence: number, length: number): number[] {
  let value = 0
  return noise(length).map(step => {
    value = persistence * value + step
    return value
  })
}

describe('blockLength()', () => {
  // The column `circular` of arch 8.0.0, arch.bootstrap.base._single_optimal_block, on the same series. That function
  // counts m from the first quiet lag; the paper (footnote c of section 3) from the lag before it, so for these
  // numbers its line was changed to m = 2 * max(opt_m - 1, 1). For 0.9 both give the same.
  test.each([
    { persistence: 0.3, length: 90, expected: 2.592474130533113 },
    { persistence: 0.6, length: 120, expected: 3.543654372653959 },
    { persistence: 0.9, length: 400, expected: 25.508835002225887 },
  ])('agrees with arch at persistence $persistence', ({ persistence, length, expected }) => {
    expect(blockLength(autoregression(persistence, length))).toBeCloseTo(expected, 9)
  })

  test('is 1 for independent, constant and very short series: nothing to keep together', () => {
    expect(blockLength(autoregression(0, 60))).toBe(1)
    expect(blockLength(new Array<number>(60).fill(3.3))).toBe(1)
    expect(blockLength([1, 5])).toBe(1)
    expect(blockLength([])).toBe(1)
  })

  test('is at most a third of the series', () => {
    const trend = Array.from({ length: 30 }, (_, index) => index)

    expect(blockLength(trend)).toBeLessThanOrEqual(10)
    expect(blockLength(trend)).toBeGreaterThan(3)
  })
})
