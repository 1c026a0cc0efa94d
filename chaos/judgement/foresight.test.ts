import { describe, expect, test } from '@jest/globals'
import { foresee } from './foresight.ts'
import { cellsOf, judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import type { SignalSpec } from './verdict.ts'

const scenario: Scenario = { ...CALM, rate: 40, baselineSeconds: 60, attackSeconds: 60, recoverySeconds: 10 }
const p50: SignalSpec = { name: 'latency_p50', margin: 1.5, primary: true }
const success: SignalSpec = { name: 'success_ratio', margin: 0.01, primary: true }
const baselineOf = (changes: Partial<Scenario> = {}) => {
  const changed = { ...scenario, ...changes }
  return cellsOf(simulate(changed), inputOf(changed)).baseline
}
const logOf = (found: ReturnType<typeof foresee>) => Math.log(found[0]?.smallestVisible ?? Number.NaN)

describe('foresee()', () => {
  test('foretells what the judge finds after the run, in the middle of many runs', () => {
    const factors = Array.from({ length: 9 }, (_, index) => {
      const changed = { ...scenario, seed: index + 1 }
      const samples = simulate(changed)
      const input = inputOf(changed, { signals: [p50] })
      const before = logOf(foresee(cellsOf(samples, input).baseline, [p50], 60, 1))
      return before / Math.log(judge(samples, input).signals[0]?.smallestVisible ?? Number.NaN)
    }).sort((one, other) => one - other)

    expect(factors[4]).toBeGreaterThan(0.7)
    expect(factors[4]).toBeLessThan(1.4)
  })

  test('scales with the length of the attack: s sqrt(1 + baseline / attack)', () => {
    const baseline = baselineOf()
    const as = (attackSeconds: number) => logOf(foresee(baseline, [p50], attackSeconds, 1))

    // 60 s against 60 s: sqrt(2); against 20 s: sqrt(4); against 180 s: sqrt(4 / 3).
    expect(as(20) / as(60)).toBeCloseTo(Math.SQRT2, 9)
    expect(as(180) / as(60)).toBeCloseTo(Math.sqrt(2 / 3), 9)
  })

  test('is not blinded by a baseline without a failure', () => {
    const [found] = foresee(baselineOf(), [success], 60, 1)

    // Four times 0 of 2,400 at 95 %: z^2 / (n + z^2) sqrt(2) / z in standard errors, 2.8 of them.
    const z = 1.6448536269514722
    expect(found?.smallestVisible).toBeCloseTo((-2.8 * Math.SQRT2 * z) / (2400 + z ** 2), 6)
    expect(found?.isEnough).toBe(true)
  })

  test('says where the margin is finer than what would be seen', () => {
    const baseline = baselineOf({ wander: { own: 0.3, common: 0 } })

    expect(foresee(baseline, [{ ...p50, margin: 1.02 }], 60, 1)).toMatchObject([{ isEnough: false }])
    expect(foresee(baseline, [{ ...p50, margin: 9 }], 60, 1)).toMatchObject([{ isEnough: true }])
  })

  test.each([
    ['too short a baseline', baselineOf({ baselineSeconds: 19 })],
    ['no data', baselineOf({ disturb: () => ({ silent: true }) })],
  ])('never says enough of %s', (_title, baseline) => {
    expect(foresee(baseline, [p50], 60, 1)).toEqual([
      { name: 'latency_p50', margin: 1.5, smallestVisible: null, isEnough: false },
    ])
  })

  test('tells of primary signals only, and the same each time', () => {
    const signals = [p50, { ...success, primary: false }]
    const once = foresee(baselineOf(), signals, 60, 1)

    expect(once.map(({ name }) => name)).toEqual(['latency_p50'])
    expect(foresee(baselineOf(), signals, 60, 1)).toEqual(once)
  })
})
