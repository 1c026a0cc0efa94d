import { describe, expect, test } from '@jest/globals'
import { disturbance } from './disturbance.ts'
import { CALM, type Disturbance as Change, inputOf, type Scenario, simulate } from './simulation.ts'
import type { SignalSpec } from './verdict.ts'

const P99: SignalSpec = { name: 'latency_p99', margin: 3, primary: true }
const SUCCESS: SignalSpec = { name: 'success_ratio', margin: 0.01, primary: true }
const SLOW: Change = { slowShare: 0.3, slowMs: 2000 }

/** 50 s of baseline, attack and recovery; `changes` to the experiment by second after the fault. */
function found(changes: (second: number) => Change, signal = P99, both: Partial<Scenario> = {}) {
  const scenario: Scenario = {
    ...CALM,
    rate: 50,
    baselineSeconds: 50,
    attackSeconds: 50,
    recoverySeconds: 50,
    disturb: (group, second) => (group === 'experiment' ? changes(second) : {}),
    ...both,
  }
  return disturbance(simulate(scenario), inputOf(scenario), signal)
}

describe('disturbance()', () => {
  test('finds the slow seconds that the fault set off, and how unlikely they are by chance', () => {
    const result = found(second => (second >= 1 && second < 7 ? SLOW : {}))

    // It may set in from second -1 to 2. Untouched are 49 s of the experiment and 150 s of the control: 46 + 147
    // instants with four seconds ahead, and no disturbance after any: 4 / (193 + 4).
    expect(result).toEqual({ delaySeconds: 1, lengthSeconds: 6, chance: 4 / 197, from: 1, until: 7 })
  })

  test('does not let a quiet second or two cut it in pieces', () => {
    const result = found(second => ([0, 1, 4, 5].includes(second) ? SLOW : {}))

    expect(result).toMatchObject({ from: 0, until: 6 })
  })

  test('counts a request under way when the fault began', () => {
    const result = found(second => (second === -1 || second === 0 ? SLOW : {}))

    expect(result).toMatchObject({ delaySeconds: -1, lengthSeconds: 2, from: 0, until: 1 })
  })

  test('finds a burst of failures', () => {
    const result = found(second => (second >= 0 && second < 3 ? { errorRatio: 0.5 } : {}), SUCCESS)

    expect(result).toMatchObject({ delaySeconds: 0, lengthSeconds: 3 })
  })

  test('is nothing in a calm run, and nothing late in the attack', () => {
    expect(found(() => ({}))).toBeNull()
    expect(found(second => (second >= 3 && second < 9 ? SLOW : {}))).toBeNull()
    expect(found(second => (second >= 2 && second < 9 ? SLOW : {}))).not.toBeNull()
  })

  test('is nothing where such seconds are common without a fault', () => {
    const bursts = (second: number) => (((second % 12) + 12) % 12 < 2 ? SLOW : {})

    expect(found(bursts)).toBeNull()
    expect(found(bursts, P99, { disturb: (_, second) => bursts(second) })).toBeNull()
  })

  test('is not mistaken for the lesser ones that come without a fault', () => {
    // Every twelve seconds, in the control, two in which one request in 25 is slow: too few to move its own p99.
    const withBursts =
      (slowMs: number): Scenario['disturb'] =>
      (group, second) => {
        if (group === 'experiment') return second >= 0 && second < 6 ? SLOW : {}
        return (second + 48) % 12 < 2 ? { slowShare: 0.04, slowMs } : {}
      }

    expect(found(() => ({}), P99, { disturb: withBursts(400) })).toMatchObject({ lengthSeconds: 6 })
    expect(found(() => ({}), P99, { disturb: withBursts(4000) })).toBeNull()
  })

  test('is nothing when it had begun before the fault', () => {
    // Few enough before the fault to leave the baseline's own p99 where it is.
    const few: Change = { slowShare: 0.1, slowMs: 2000 }

    expect(found(second => (second >= 0 && second < 4 ? few : {}))).not.toBeNull()
    expect(found(second => (second >= -3 && second < 4 ? few : {}))).toBeNull()
  })

  test('leaves an attack that is slow for more than half its length in one piece', () => {
    expect(found(second => (second >= 0 && second < 40 ? SLOW : {}))).toBeNull()
  })

  test('knows nothing without a baseline', () => {
    expect(found(second => (second < 0 ? { silent: true } : SLOW))).toBeNull()
  })
})
