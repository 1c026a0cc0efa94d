import { describe, expect, test } from '@jest/globals'
import type { Sample } from '../measurement/sample.ts'
import { bySecond } from './seconds.ts'

const sample = (startMs: number, durationMs: number, changes: Partial<Sample> = {}): Sample => ({
  group: 'control',
  route: 'songs',
  kind: 'read',
  startMs,
  durationMs,
  status: 200,
  outcome: 'ok',
  ...changes,
})

describe('bySecond()', () => {
  const phase = { startMs: 1000, endMs: 3500 }

  test('takes the requests of one group that started in the half-open phase', () => {
    const seconds = bySecond(
      [
        sample(999.9, 1),
        sample(1000, 5),
        sample(1999.9, 3),
        sample(2000, 4),
        sample(3499, 2),
        sample(3500, 1),
        sample(1500, 9, { group: 'experiment' }),
      ],
      'control',
      phase,
    )

    expect(seconds.count).toBe(3)
    expect([...seconds.requests]).toEqual([2, 1, 1])
    expect([...seconds.latency.durationMs]).toEqual([2, 3, 4, 5])
    expect([...seconds.latency.second]).toEqual([2, 0, 1, 0])
  })

  test('counts a time-out as a failure and as a censored latency, an error as a failure without one', () => {
    const seconds = bySecond(
      [
        sample(1000, 5000, { outcome: 'timeout', status: 0 }),
        sample(1100, 1, { outcome: 'error', status: 503 }),
        sample(1200, 5000),
        sample(1300, 7),
      ],
      'control',
      phase,
    )

    expect([...seconds.requests]).toEqual([4, 0, 0])
    expect([...seconds.failures]).toEqual([2, 0, 0])
    expect([...seconds.latency.durationMs]).toEqual([7, 5000, 5000])
    expect(seconds.latency.firstCensored).toBe(2)
    expect([...seconds.latency.perSecond]).toEqual([3, 0, 0])
  })

  test('keeps the logarithm of a latency finite', () => {
    const { latency } = bySecond([sample(1000, 0)], 'control', phase)

    expect(Number.isFinite(Math.log(latency.durationMs[0] ?? 0))).toBe(true)
  })
})
