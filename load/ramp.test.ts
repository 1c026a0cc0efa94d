import { describe, expect, test } from '@jest/globals'
import { DEFAULT_RATES, MOST_STEPS, type Ramp, rampProblem } from './ramp.ts'

const ramp: Ramp = { groups: ['control', 'experiment'], ratesPerSecond: [50, 100], stepSeconds: 10 }

describe('rampProblem()', () => {
  test('has nothing against a ramp', () => {
    expect(rampProblem(ramp)).toBeNull()
    expect(rampProblem({ ...ramp, groups: ['control'], ratesPerSecond: DEFAULT_RATES })).toBeNull()
  })

  test.each([
    [{ ...ramp, groups: [] }, 'at least one'],
    [{ ...ramp, groups: ['control', 'control'] as const }, 'each at most once'],
    [{ ...ramp, ratesPerSecond: [] }, '0 steps'],
    [
      { ...ramp, ratesPerSecond: Array.from({ length: MOST_STEPS + 1 }, (_, index) => index + 1) },
      '101 steps',
    ],
    [{ ...ramp, ratesPerSecond: [50, 0] }, '0 requests/s'],
    [{ ...ramp, ratesPerSecond: [Number.POSITIVE_INFINITY] }, 'Infinity requests/s'],
    [{ ...ramp, ratesPerSecond: [50, 100, 100] }, 'step 3 has 100 requests/s after 100'],
    [{ ...ramp, stepSeconds: 0 }, '0 s'],
  ])('refuses %j', (wrong, expected) => {
    expect(rampProblem(wrong)).toContain(expected)
  })
})
