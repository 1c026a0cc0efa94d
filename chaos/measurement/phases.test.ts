import { describe, expect, test } from '@jest/globals'
import { phasesOf } from './phases.ts'

const lengths = { holdSeconds: 40, recoverySeconds: 30, transitionSeconds: 2 }

describe('phasesOf()', () => {
  test('trims the end of the baseline and nothing of the attack', () => {
    const { phases } = phasesOf(lengths, { warmMs: 8_000, attackMs: 50_300, loadEndMs: 130_000 })
    expect(phases).toEqual({
      baseline: { startMs: 8_000, endMs: 48_300 },
      attack: { startMs: 50_300, endMs: 90_300 },
      recovery: { startMs: 90_300, endMs: 120_300 },
    })
  })

  test('ends the recovery with the load: what was not sent was not slow', () => {
    const { recoveryEndMs, phases } = phasesOf(lengths, {
      warmMs: 8_000,
      attackMs: 52_000,
      loadEndMs: 120_000,
    })
    expect(recoveryEndMs).toBe(120_000)
    expect(phases.recovery.endMs).toBe(120_000)
  })

  test.each([
    { calledOffMs: 52_001, loadEndMs: 130_000, endMs: 53_000 },
    { calledOffMs: 53_000, loadEndMs: 130_000, endMs: 53_000 },
    // A surge is called off with the load itself.
    { calledOffMs: 55_400, loadEndMs: 55_400, endMs: 55_000 },
    { calledOffMs: 52_400, loadEndMs: 52_400, endMs: 52_400 },
  ])('an attack called off at $calledOffMs ends at $endMs, by whole seconds', edges => {
    const { calledOffMs, loadEndMs, endMs } = edges
    const { phases, attackEndMs } = phasesOf(lengths, {
      warmMs: 8_000,
      attackMs: 52_000,
      calledOffMs,
      loadEndMs,
    })
    expect(phases.attack).toEqual({ startMs: 52_000, endMs })
    expect(phases.recovery.startMs).toBe(endMs)
    expect(attackEndMs).toBe(endMs)
  })
})
