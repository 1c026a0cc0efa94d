import { describe, expect, test } from '@jest/globals'
import { cellsOf } from './judge.ts'
import { assess, holm } from './signals.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import type { SignalName } from './verdict.ts'

describe('holm()', () => {
  const tests = (...pValues: number[]) => pValues.map(p => (alpha: number) => p <= alpha)

  test.each([
    {
      title: 'rejects none when the smallest misses a third',
      pValues: [0.02, 0.03, 0.04],
      expected: [false, false, false],
    },
    // 0.01 <= 0.05 / 3, then 0.02 <= 0.05 / 2, then 0.05 <= 0.05
    { title: 'steps down through all', pValues: [0.05, 0.01, 0.02], expected: [true, true, true] },
    // 0.01 <= 0.05 / 3, then 0.03 > 0.05 / 2: stop, though 0.04 <= 0.05
    { title: 'stops at the first that misses', pValues: [0.03, 0.01, 0.04], expected: [false, true, false] },
    { title: 'rejects none of none', pValues: [], expected: [] },
  ])('$title', ({ pValues, expected }) => {
    expect(holm(tests(...pValues), 0.05)).toEqual(expected)
  })
})

describe('assess()', () => {
  const outcomes = (scenario: Scenario, signals = inputOf(scenario).signals) => {
    const cells = cellsOf(simulate(scenario), inputOf(scenario))
    const assessments = assess(
      cells,
      signals.map(signal => [signal, null] as const),
      scenario.seed,
    )
    return Object.fromEntries(assessments.map(({ result }) => [result.name, result.outcome])) as Record<
      SignalName,
      string
    >
  }
  const attacked = (factor: number, errorRatio = 0): Scenario => ({
    ...CALM,
    disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor, errorRatio } : {}),
  })

  test('places a signal inside, outside or between, by where its whole interval lies', () => {
    expect(outcomes(CALM).latency_p95).toBe('inside')
    expect(outcomes(attacked(2.2)).latency_p95).toBe('outside')
    expect(outcomes(attacked(1.5)).latency_p95).toBe('undecided')
  })

  test('does not call an improvement a divergence', () => {
    expect(outcomes(attacked(0.3)).latency_p95).toBe('inside')
  })

  test('sees a success ratio beyond its margin', () => {
    expect(outcomes(attacked(1, 0.03)).success_ratio).toBe('outside')
    expect(outcomes(attacked(1, 0.001)).success_ratio).toBe('inside')
  })

  test('does not let exploratory signals take from what the primary ones may err', () => {
    const scenario = attacked(2.2)
    const signals = inputOf(scenario).signals.map(signal => ({
      ...signal,
      primary: signal.name === 'latency_p95',
    }))

    expect(outcomes(scenario, signals).latency_p95).toBe('outside')
    expect(outcomes(scenario, signals).latency_p50).toBe('outside')
  })

  test('reports a quantile among time-outs as a bound, and the signal as outside', () => {
    const scenario: Scenario = {
      ...CALM,
      timeoutMs: 2000,
      disturb: (group, second) =>
        group === 'experiment' && second >= 0 ? { slowShare: 0.08, slowMs: 9000 } : {},
    }
    const cells = cellsOf(simulate(scenario), inputOf(scenario))

    const [assessment] = assess(cells, [[{ name: 'latency_p95', margin: 1.5, primary: true }, null]], 1)

    expect(assessment?.result).toMatchObject({
      experiment: 2000,
      censored: true,
      high: null,
      outcome: 'outside',
    })
    expect(assessment?.result.low).toBeGreaterThan(20)
    expect(assessment?.result.effect).toBeGreaterThan(40)
  })

  test('cannot place a signal whose control timed out as well', () => {
    const scenario: Scenario = {
      ...CALM,
      timeoutMs: 2000,
      disturb: (_, second) => (second >= 0 ? { slowShare: 0.08, slowMs: 9000 } : {}),
    }
    const cells = cellsOf(simulate(scenario), inputOf(scenario))

    const [assessment] = assess(cells, [[{ name: 'latency_p95', margin: 1.5, primary: true }, null]], 1)

    expect(assessment?.result).toMatchObject({ effect: null, low: null, high: null, outcome: 'undecided' })
  })

  test('has no data where every request failed', () => {
    const scenario = attacked(1, 1)

    expect(outcomes(scenario).latency_p95).toBe('no_data')
    expect(outcomes(scenario).success_ratio).toBe('outside')
  })

  test('tells how small an effect such a run would have seen, also without any failure', () => {
    const cells = cellsOf(simulate(CALM), inputOf(CALM))

    const results = assess(
      cells,
      inputOf(CALM).signals.map(signal => [signal, null] as const),
      1,
    ).map(({ result }) => result)

    // 6,000 requests a cell: 2.8 / 1.645 x sqrt(2) x 2.7055 / 6,002.7
    expect(results[0]?.smallestVisible).toBeCloseTo(-0.001085, 6)
    expect(results[2]?.smallestVisible).toBeGreaterThan(1.03)
    expect(results[2]?.smallestVisible).toBeLessThan(1.25)
  })
})
