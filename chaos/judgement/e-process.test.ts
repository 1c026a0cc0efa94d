import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../platform/random.ts'
import { FailureEvidence } from './e-process.ts'

const alike = (failed: number) => ({ requests: 50, failed })

/** The failures of some looks, experiment and control, at equal load. */
function evidence(...looks: readonly (readonly [number, number])[]): FailureEvidence {
  const collected = new FailureEvidence()
  for (const [experiment, control] of looks) collected.add(alike(experiment), alike(control))
  return collected
}

describe('FailureEvidence', () => {
  test('says nothing before anything failed', () => {
    expect(evidence().eValue).toBeCloseTo(1, 9)
    expect(evidence([0, 0], [0, 0]).eValue).toBeCloseTo(1, 9)
  })

  // B(a + x, a + m - x) / B(a, a) = (1 3 5 .. (2x-1)) (1 3 .. (2(m-x)-1)) / (2^m m!) for a = 1/2; the 2^m goes
  test.each([
    { x: 1, y: 0, eValue: 1 },
    { x: 2, y: 0, eValue: 3 / 2 },
    { x: 6, y: 0, eValue: 10_395 / 720 },
    { x: 5, y: 1, eValue: 945 / 720 },
  ])('$x failures of the experiment and $y of the control: e = $eValue', ({ x, y, eValue }) => {
    expect(evidence([x, y]).eValue).toBeCloseTo(eValue, 9)
    // In one look or in many.
    expect(evidence(...Array<[number, number]>(x).fill([1, 0]), [0, y]).eValue).toBeCloseTo(eValue, 9)
  })

  test('counts against the experiment only what is more than its share', () => {
    expect(evidence([0, 20]).eValue).toBe(1)
    expect(evidence([3, 20]).eValue).toBe(1)
    expect(evidence([20, 3]).eValue).toBeGreaterThan(20)
  })

  test('expects of a group that gets more requests more failures', () => {
    const twice = new FailureEvidence()
    twice.add({ requests: 200, failed: 20 }, { requests: 100, failed: 10 })
    expect(twice.expected).toBeCloseTo(20, 9)
    expect(twice.eValue).toBeLessThanOrEqual(1)
    expect(evidence([20, 10]).expected).toBeCloseTo(15, 9)
    expect(evidence([20, 10]).eValue).toBeGreaterThan(twice.eValue)
    const half = new FailureEvidence()
    half.add({ requests: 50, failed: 20 }, { requests: 100, failed: 10 })
    expect(half.eValue).toBeGreaterThan(evidence([20, 10]).eValue)
  })

  test("divides by what was to be expected: 3 failures of 300 requests, 200 of them the experiment's", () => {
    const twice = new FailureEvidence()
    twice.add({ requests: 200, failed: 2 }, { requests: 100, failed: 1 })
    // (1 3 1) / (2^3 3!) by (2/3)^2 (1/3)
    expect(twice.eValue).toBeCloseTo(3 / 48 / (4 / 27), 9)
  })

  test('weighs each look by the requests of that look', () => {
    const alone = new FailureEvidence()
    // Nothing of the control came: that the failures are the experiment's could not be otherwise.
    alone.add({ requests: 50, failed: 10 }, { requests: 0, failed: 0 })
    expect(alone.eValue).toBeLessThanOrEqual(1)
  })

  test('stays a number however much fails', () => {
    const { eValue } = evidence([1e6, 0])
    expect(eValue).toBeCloseTo(1e300, -290)
    expect(JSON.parse(JSON.stringify(eValue))).toBe(eValue)
  })
})

/** 50 requests a second and group, looked at twice a second, until e reaches 100. */
function secondsToCall(seed: number, ratios: readonly [number, number], most: number): number | null {
  const random = seededRandom(seed)
  const failed = (ratio: number) => Array.from({ length: 25 }, random).filter(draw => draw < ratio).length
  const collected = new FailureEvidence()
  for (let look = 1; look <= 2 * most; look++) {
    collected.add({ requests: 25, failed: failed(ratios[0]) }, { requests: 25, failed: failed(ratios[1]) })
    if (collected.eValue >= 100) return look / 2
  }
  return null
}

describe('FailureEvidence, simulated at alpha 0.01', () => {
  // Seeded: the same draws every time. Alike, at most one in a hundred may be called; 0 to 9 of 500 is what that allows.
  test.each([0.001, 0.01, 0.2])('calls hardly ever what is alike: %d of both fail', ratio => {
    const calls = Array.from({ length: 500 }, (_, seed) => secondsToCall(seed, [ratio, ratio], 120))
    expect(calls.filter(seconds => seconds !== null).length).toBeLessThanOrEqual(9)
  })

  test.each([
    { ratio: 0.1, median: 2.5, within: 5 },
    { ratio: 0.02, median: 14, within: 30 },
  ])('calls 0.1 % against $ratio within $median s in half of the runs', ({ ratio, median, within }) => {
    const calls = Array.from({ length: 200 }, (_, seed) => secondsToCall(seed, [ratio, 0.001], within))
    const called = calls.filter(seconds => seconds !== null).sort((a, b) => a - b)
    expect(called.length).toBeGreaterThanOrEqual(190)
    expect(called[100]).toBeLessThanOrEqual(median)
  })
})
