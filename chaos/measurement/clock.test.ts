import { describe, expect, test } from '@jest/globals'
import { offsetOf, systemClock } from './clock.ts'

describe('offsetOf()', () => {
  test('takes the reading with the shortest round trip', () => {
    const readings = [
      { askedMs: 1000, answeredMs: 1100, theirMs: 2000 },
      // Middle of the question: 1204; theirs: 1304.
      { askedMs: 1200, answeredMs: 1208, theirMs: 1304 },
      { askedMs: 1300, answeredMs: 1330, theirMs: 1000 },
    ]
    expect(offsetOf(readings)).toEqual({ offsetMs: 100, roundTripMs: 8 })
  })

  test('refuses to guess from nothing', () => {
    expect(() => offsetOf([])).toThrow('0 readings')
  })
})

describe('systemClock', () => {
  test('sleep() ends with the reason of the signal', async () => {
    const stop = new AbortController()
    const sleeping = systemClock.sleep(60_000, stop.signal)
    stop.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    await expect(systemClock.sleep(1, stop.signal)).rejects.toThrow('enough')
  })
})
