import { describe, expect, test } from '@jest/globals'
import { harmShown } from './called-off.ts'
import { cellsOf, judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import type { SignalSpec } from './verdict.ts'

/** Called off after three seconds: too few for any interval. */
const failing = (experiment: number, control = 0): Scenario => ({
  ...{ ...CALM, rate: 50, baselineSeconds: 30, attackSeconds: 3, recoverySeconds: 20 },
  disturb: (group, second) =>
    second >= 0 && second < 3 ? { errorRatio: group === 'experiment' ? experiment : control } : {},
})
const success = (margin: number, primary = true): SignalSpec => ({ name: 'success_ratio', margin, primary })
const shown = (scenario: Scenario, signal = success(0.01)) =>
  harmShown(cellsOf(simulate(scenario), inputOf(scenario)), [signal])
const verdictOf = (scenario: Scenario, aborted: boolean) =>
  judge(simulate(scenario), inputOf(scenario, { aborted }))

describe('harmShown()', () => {
  test('tells the counts, the evidence and the least excess', () => {
    const found = shown(failing(1))
    expect(found).toMatchObject({
      experiment: { requests: 150, failed: 150 },
      control: { requests: 150, failed: 0 },
      margin: 0.01,
    })
    // Newcombe's interval of 150/150 - 0/150, one-sided 95 %: 1 - sqrt(2) z^2 / (n + z^2).
    expect(found?.least).toBeCloseTo(1 - (Math.SQRT2 * 1.644854 ** 2) / (150 + 1.644854 ** 2), 4)
    expect(found?.eValue).toBeGreaterThan(1e40)
  })

  test.each([
    ['few failures, which chance explains', failing(0.02), success(0.002)],
    ['as many failures of the control', failing(0.3, 0.3), success(0.01)],
    ['an excess that is surely there, within the margin', failing(0.3), success(0.5)],
    ['a success ratio that does not decide', failing(1), success(0.01, false)],
    ['no success ratio', failing(1), { name: 'latency_p50', margin: 2, primary: true } as const],
  ])('shows nothing by %s', (_title, scenario, signal) => {
    expect(shown(scenario, signal)).toBeNull()
  })
})

describe('judge() of an attack that was called off', () => {
  test('is diverged by what called it off, although it was too short for an interval', () => {
    const verdict = verdictOf(failing(0.4), true)
    expect(verdict).toMatchObject({ verdict: 'diverged', aborted: true })
    expect(verdict.reasons[0]).toMatch(
      /^The attack was called off, and it did harm: \d+ of 150 requests to the experiment failed in it, 0 of 150 to the control \(evidence e = .*, 20 is enough\); that is −\d\d\.\d\d pp or worse, the margin is −1\.00 pp\.$/,
    )
    expect(verdict.validity.find(({ check }) => check === 'enough data')).toMatchObject({ ok: false })
  })

  test('is diverged also when the fault had no time to be proven otherwise', () => {
    const scenario = failing(0.4)
    const unproven = { kind: 'zone-outage', targets: ['experiment-a'], effect: { proven: false, detail: '' } }
    const verdict = (aborted: boolean, fault = unproven) =>
      judge(simulate(scenario), inputOf(scenario, { aborted, faults: [fault] })).verdict
    expect(verdict(true)).toBe('diverged')
    expect(verdict(false)).toBe('invalid')
    expect(verdict(true, { ...unproven, targets: [] })).toBe('invalid')
  })

  test('is inconclusive when that was not so', () => {
    expect(verdictOf(failing(0), true).verdict).toBe('inconclusive')
    expect(verdictOf(failing(0.4), false).verdict).toBe('inconclusive')
  })

  test('is invalid when the run cannot be believed', () => {
    const scenario = failing(0.4)
    const load = { ...inputOf(scenario).load, droppedIterations: 3 }
    expect(judge(simulate(scenario), inputOf(scenario, { aborted: true, load })).verdict).toBe('invalid')
  })
})
