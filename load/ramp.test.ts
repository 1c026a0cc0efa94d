import { describe, expect, test } from '@jest/globals'
import { evenRates, MOST_STEPS, type Ramp, rampProblem } from './ramp.ts'

const ramp: Ramp = { groups: ['control', 'experiment'], ratesPerSecond: [50, 100], stepSeconds: 10 }

describe('evenRates()', () => {
  test.each([
    { from: 100, to: 500, steps: 5, expected: [100, 200, 300, 400, 500] },
    { from: 1, to: 2, steps: 4, expected: [1, 1.3, 1.7, 2] },
    { from: 100, to: 500, steps: 1, expected: [500] },
  ])('$steps steps from $from to $to, to a tenth', ({ from, to, steps, expected }) => {
    expect(evenRates(from, to, steps)).toEqual(expected)
  })
})

describe('rampProblem()', () => {
  test('has nothing against a ramp', () => {
    expect(rampProblem(ramp)).toBeNull()
    expect(rampProblem({ ...ramp, groups: ['control'] })).toBeNull()
  })

  test.each([
    [{ ...ramp, groups: [] }, 'at least one'],
    [{ ...ramp, groups: ['control', 'control'] as const }, 'each at most once'],
    [{ ...ramp, ratesPerSecond: [] }, '0 steps'],
    [{ ...ramp, ratesPerSecond: new Array(MOST_STEPS + 1).fill(1) }, '101 steps'],
    [{ ...ramp, ratesPerSecond: [50, 0] }, '0 requests/s'],
    [{ ...ramp, ratesPerSecond: [Number.POSITIVE_INFINITY] }, 'Infinity requests/s'],
    [{ ...ramp, stepSeconds: 0 }, '0 s'],
  ])('refuses %j', (wrong, expected) => {
    expect(rampProblem(wrong)).toContain(expected)
  })
})
