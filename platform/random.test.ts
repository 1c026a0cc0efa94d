import { describe, expect, test } from '@jest/globals'
import { seededRandom } from './random.ts'

describe('seededRandom()', () => {
  const draw = (seed: number, stream?: number) => {
    const random = seededRandom(seed, stream)
    return Array.from({ length: 10_000 }, random)
  }

  test('gives the same numbers for the same seed and stream, others for others', () => {
    expect(draw(7, 1)).toEqual(draw(7, 1))
    expect(draw(7, 1)).not.toEqual(draw(7, 2))
    expect(draw(7, 1)).not.toEqual(draw(8, 1))
  })

  test('is spread evenly over [0, 1) and does not remember its last number', () => {
    const values = draw(20260302)
    const tenths = new Array<number>(10).fill(0)
    for (const value of values) tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1
    // 1,000 expected in each, standard deviation 30.
    expect(Math.min(...tenths)).toBeGreaterThan(850)
    expect(Math.max(...tenths)).toBeLessThan(1150)
    const products = values.slice(1).map((value, index) => (value - 0.5) * ((values[index] ?? 0) - 0.5))
    const mean = products.reduce((sum, value) => sum + value, 0) / products.length
    // Standard deviation of the mean of products: 1 / 12 / 100.
    expect(Math.abs(mean)).toBeLessThan(4 / 1200)
  })
})
