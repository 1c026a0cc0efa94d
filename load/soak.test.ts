import { describe, expect, test } from '@jest/globals'
import type { Outcome } from './breakpoint.ts'
import { soakWindows, wearOf } from './soak.ts'

const ZERO_MS = 1_795_241_633_000

/** 10 requests a second and group for 40 s, changed by second. */
function soak(change: (second: number) => Partial<Outcome> = () => ({})): Outcome[] {
  return Array.from({ length: 400 }, (_, index) => index / 10).flatMap(second =>
    (['control', 'experiment'] as const).map(group => ({
      group,
      startMs: ZERO_MS + second * 1000,
      durationMs: 20,
      status: 200,
      outcome: 'ok' as const,
      ...(group === 'experiment' ? change(second) : {}),
    })),
  )
}

describe('soakWindows()', () => {
  test('counts by window and group, and drops what lies beyond the last whole window', () => {
    const windows = soakWindows(soak(), ZERO_MS, 15, 2)
    expect(
      windows.map(({ fromSeconds, groups }) => [fromSeconds, groups.control.sent, groups.experiment.sent]),
    ).toEqual([
      [0, 150, 150],
      [15, 150, 150],
    ])
  })
})

describe('wearOf()', () => {
  test('finds none in a load that stays as it is', () => {
    expect(wearOf(soak(), ZERO_MS, 40)).toEqual({
      control: { p95Factor: 1, failedShareRise: 0, worn: false },
      experiment: { p95Factor: 1, failedShareRise: 0, worn: false },
    })
  })

  test.each([
    {
      title: 'slower',
      change: (second: number) => ({ durationMs: 20 + second }),
      p95Factor: 59.4 / 29.4,
      rise: 0,
    },
    {
      title: 'less reliable',
      change: (second: number) => (second >= 38 ? { outcome: 'error' as const, status: 503 } : {}),
      p95Factor: 1,
      rise: 0.2,
    },
  ])('sees a group that becomes $title', ({ change, p95Factor, rise }) => {
    const { control, experiment } = wearOf(soak(change), ZERO_MS, 40)
    expect(control.worn).toBe(false)
    expect(experiment.worn).toBe(true)
    expect(experiment.p95Factor).toBeCloseTo(p95Factor, 1)
    expect(experiment.failedShareRise).toBeCloseTo(rise, 12)
  })

  test('takes no data for wear, not for a pass', () => {
    expect(wearOf([], ZERO_MS, 40).control).toEqual({ p95Factor: null, failedShareRise: null, worn: true })
  })
})
