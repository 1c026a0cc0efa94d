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
})
