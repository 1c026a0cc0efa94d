import { describe, expect, test } from '@jest/globals'
import { benjaminiHochberg, explore } from './exploratory.ts'
import { judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'

describe('benjaminiHochberg()', () => {
  test('divides by the rank and never overtakes a larger one, by hand', () => {
    // 3 of 3 / 3, 0.04 of 3 / 2 = 0.06, 0.01 of 3 / 1 = 0.03
    expect(benjaminiHochberg([0.04, 0.01, 0.5])).toEqual([
      expect.closeTo(0.06, 12),
      expect.closeTo(0.03, 12),
      0.5,
    ])
    // 0.02 of 2 / 1 = 0.04 is more than 0.03 of 2 / 2.
    expect(benjaminiHochberg([0.02, 0.03])).toEqual([expect.closeTo(0.03, 12), expect.closeTo(0.03, 12)])
    expect(benjaminiHochberg([])).toEqual([])
  })

  // scipy 1.17.1: scipy.stats.false_discovery_control(p, method='bh')
  test('agrees with scipy', () => {
    const pValues = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.9]
    const expected = [
      0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.1057142857142857, 0.23555555555555555, 0.23555555555555555, 0.9,
    ]
    benjaminiHochberg(pValues).forEach((adjusted, index) => {
      expect(adjusted).toBeCloseTo(expected[index] ?? Number.NaN, 12)
    })
  })
})

describe('explore()', () => {
  const scenario: Scenario = {
    ...CALM,
    rate: 30,
    baselineSeconds: 30,
    attackSeconds: 30,
    recoverySeconds: 10,
  }
  const slower: Scenario = {
    ...scenario,
    disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 2.5 } : {}),
  }
  const explored = (changed: Scenario) => {
    const samples = simulate(changed)
    const input = inputOf(changed)
    return { found: explore(samples, input), verdict: judge(samples, input) }
  }

  test('marks what is beyond its margin, and tells how strong the effect is', () => {
    const { found, verdict } = explored(slower)

    expect(found.map(({ name, beyond }) => [name, beyond?.isMarked])).toEqual([
      ['success_ratio', undefined],
      ['latency_p50', true],
      ['latency_p95', undefined],
      ['latency_p99', true],
    ])
    expect(found[1]?.delta).toBeGreaterThan(0.9)
    expect(found[0]?.delta).toBeNull()
    expect(verdict.signals[1]?.outcome).toBe('outside')
  })

  test('sees what the fault set off as the judge does: a failover of six seconds', () => {
    const { found, verdict } = explored({
      ...scenario,
      rate: 40,
      attackSeconds: 40,
      disturb: (group, second) =>
        group === 'experiment' && second >= 0 && second < 6 ? { slowShare: 0.2, slowMs: 1500 } : {},
    })

    expect(verdict.signals[3]?.outcome).toBe('outside')
    expect(found[3]?.beyond?.isMarked).toBe(true)
  })

  test('marks nothing where nothing differs', () => {
    const { found } = explored(scenario)

    for (const { beyond, delta } of found) {
      expect(beyond?.isMarked ?? false).toBe(false)
      expect(Math.abs(delta ?? 0)).toBeLessThan(0.5)
    }
  })

  test('is certain of nothing without samples', () => {
    const found = explore([], inputOf(scenario))
    expect(found.map(({ delta, beyond }) => [delta, beyond?.pValue ?? null])).toEqual([
      [null, null],
      [null, 1],
      [null, null],
      [null, 1],
    ])
  })
})
