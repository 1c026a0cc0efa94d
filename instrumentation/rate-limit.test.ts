import { describe, expect, test } from '@jest/globals'
import { KeyedLimiter } from './rate-limit.ts'

describe('KeyedLimiter', () => {
  test('lets the burst through, then one in each interval, and counts what it refused', () => {
    let nowMs = 0
    const limiter = new KeyedLimiter({ burst: 2, everyMs: 1000 }, () => nowMs)

    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, undefined, undefined])
    nowMs = 999
    expect(limiter.take('a')).toBeUndefined()
    nowMs = 1000
    expect(limiter.take('a')).toBe(3)
    expect(limiter.take('a')).toBeUndefined()
  })

  test('keeps keys apart, and saves up no more than the burst', () => {
    let nowMs = 0
    const limiter = new KeyedLimiter({ burst: 1, everyMs: 1000 }, () => nowMs)
    limiter.take('a')

    expect(limiter.take('b')).toBe(0)
    nowMs = 60_000
    expect([limiter.take('a'), limiter.take('a')]).toEqual([0, undefined])
  })

  test('forgets what was quiet longest, so that no flood of keys fills the memory', () => {
    const limiter = new KeyedLimiter({ burst: 1, everyMs: 1000 }, () => 0)
    limiter.take('old')
    limiter.take('busy')
    for (let index = 0; index < 254; index++) limiter.take(`key ${index}`)
    limiter.take('busy')
    limiter.take('one more')

    expect(limiter.take('busy')).toBeUndefined()
    expect(limiter.take('old')).toBe(0)
  })
})
