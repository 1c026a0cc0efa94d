import { describe, expect, test } from '@jest/globals'
import { type ClockSpec, clock } from './clock.ts'
import { CONTAINER_V2, recordedProbe, subjectOf } from './container-fixture.ts'

const SPEC: ClockSpec = { action: 'clock', offsetMs: -5000 }

describe('clock', () => {
  test('sets the clock of the whole group, again at every heartbeat, and gives the right one back', () => {
    const set = { do: 'set-clock', cgroup: '/groups/memory/x', offsetMs: -5000 }
    expect(clock.begin(subjectOf(SPEC))).toEqual([set])
    expect(clock.renew?.(subjectOf(SPEC))).toEqual([set])
    expect(clock.end(subjectOf(SPEC))).toEqual([{ ...set, offsetMs: 0 }])
    expect(clock.begin(subjectOf(SPEC, CONTAINER_V2))).toEqual([{ ...set, cgroup: '/groups/x' }])
  })

  test.each([
    { before: 3, now: -4990, proven: true },
    { before: -5000, now: -5000, proven: false },
    { before: 0, now: 5000, proven: false },
    { before: 0, now: -4600, proven: false },
  ])('finds from $before to $now ms: $proven', async ({ before, now, proven }) => {
    const first = await clock.read(subjectOf(SPEC), recordedProbe({ clockOffsetMs: before }))
    const second = await clock.read(subjectOf(SPEC), recordedProbe({ clockOffsetMs: now }))
    expect(clock.finding(SPEC, first, second).proven).toBe(proven)
  })

  test.each([0, 999, -999, 1000.5, 86_400_001])('refuses an offset of %s ms', offsetMs => {
    expect(clock.schema.safeParse({ action: 'clock', offsetMs }).success).toBe(false)
  })

  test.each([1000, -86_400_000])('takes an offset of %s ms', offsetMs => {
    expect(clock.schema.safeParse({ action: 'clock', offsetMs }).success).toBe(true)
  })
})
