import { describe, expect, test } from '@jest/globals'
import { aftermath } from './recovery.ts'
import { CALM, type Disturbance, inputOf, type Scenario, simulate } from './simulation.ts'

const SLOW: Disturbance = { slowShare: 0.5, slowMs: 2000 }
const BROKEN: Disturbance = { errorRatio: 1 }

/** 30 s each of baseline, attack and recovery; `changes` to the experiment by second after the fault began. */
function after(changes: (second: number) => Disturbance, input: Partial<ReturnType<typeof inputOf>> = {}) {
  const scenario: Scenario = {
    ...CALM,
    rate: 50,
    baselineSeconds: 30,
    attackSeconds: 30,
    recoverySeconds: 30,
    disturb: (group, second) => (group === 'experiment' ? changes(second) : {}),
  }
  return aftermath(simulate(scenario), inputOf(scenario, input))
}

describe('aftermath()', () => {
  test('takes no time where nothing happened', () => {
    expect(after(() => ({})).recovery).toEqual({ fromFaultStartSeconds: 0, fromFaultEndSeconds: 0 })
  })

  test('counts from the start of the fault when the system heals by itself', () => {
    // Slow from 2 s to 9 s: the window from 9 s is the first without a slow second.
    const { recovery } = after(second => (second >= 2 && second < 9 ? SLOW : {}))

    expect(recovery).toEqual({ fromFaultStartSeconds: 9, fromFaultEndSeconds: 0 })
  })

  test('does not take the calm before the system notices for its recovery', () => {
    const { recovery } = after(second => (second >= 14 && second < 20 ? BROKEN : {}))

    expect(recovery.fromFaultStartSeconds).toBe(20)
  })

  test('wants two windows in a row, so that a lull is no recovery', () => {
    // Calm for 6 s from 6 s on: one window fits, two do not.
    const { recovery } = after(second =>
      second < 0 || (second >= 6 && second < 12) || second >= 18 ? {} : SLOW,
    )

    expect(recovery.fromFaultStartSeconds).toBe(18)
  })

  test('counts from the end of the fault when that is what heals', () => {
    const { recovery } = after(second => (second >= 0 && second < 37 ? SLOW : {}))

    expect(recovery).toEqual({ fromFaultStartSeconds: 37, fromFaultEndSeconds: 7 })
  })

  test('is null when it was not seen to recover', () => {
    const { recovery } = after(second => (second >= 5 ? BROKEN : {}))

    expect(recovery).toEqual({ fromFaultStartSeconds: null, fromFaultEndSeconds: null })
  })

  test('compares with the control, which may be slow in the same seconds', () => {
    const scenario: Scenario = {
      ...CALM,
      rate: 50,
      baselineSeconds: 30,
      attackSeconds: 30,
      recoverySeconds: 30,
      // Short enough to leave the p95 of the control's whole attack where it is.
      disturb: (_, second) => (second >= 2 && second < 4 ? SLOW : {}),
    }

    expect(aftermath(simulate(scenario), inputOf(scenario)).recovery.fromFaultStartSeconds).toBe(0)
  })

  test('follows the clock of the generator', () => {
    const scenario: Scenario = {
      ...CALM,
      rate: 50,
      baselineSeconds: 30,
      attackSeconds: 30,
      recoverySeconds: 30,
    }
    const { beginMs, endMs } = inputOf(scenario).fault
    // The runner's clock is four seconds behind the generator's.
    const shifted = { clockOffsetMs: 4000, fault: { beginMs: beginMs - 4000, endMs: endMs - 4000 } }

    const slow = (second: number) => (second >= 0 && second < 9 ? SLOW : {})

    expect(after(slow, shifted)).toEqual(after(slow))
  })

  test('names the worst window of each signal', () => {
    const { worst } = after(second => (second >= 10 && second < 15 ? BROKEN : {}))

    const success = worst.find(({ name }) => name === 'success_ratio')

    expect(success).toEqual({ name: 'success_ratio', afterFaultSeconds: 10, control: 1, experiment: 0 })
  })
})
