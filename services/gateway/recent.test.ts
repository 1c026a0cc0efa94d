import { describe, expect, test } from '@jest/globals'
import { RecentChanges } from './recent.ts'

describe('RecentChanges', () => {
  test('count what is shed instead of listing it', () => {
    let nowMs = 1000
    const recent = new RecentChanges(() => nowMs)
    for (let count = 0; count < 500; count++) recent.shed('queue_full')
    recent.shed('queue_wait')
    nowMs = 2500
    recent.shed('queue_wait')

    expect(recent.since(0).map(({ message, data }) => [message, data?.reason])).toEqual([
      ['500 requests shed', 'queue_full'],
      ['1 requests shed', 'queue_wait'],
      ['1 requests shed', 'queue_wait'],
    ])
  })

  test('tell breakers from endpoints, and bad news from good', () => {
    const recent = new RecentChanges(() => 5)
    recent.changed('endpoint ejected', { endpoint: 'a' })
    recent.changed('endpoint back', { endpoint: 'a' })
    recent.changed('endpoint gone', { endpoint: 'a' })
    recent.changed('look-up failed', { error: 'e' })

    expect(recent.since(5).map(({ category, level }) => [category, level])).toEqual([
      ['breaker', 'warning'],
      ['breaker', 'info'],
      ['endpoints', 'warning'],
      ['endpoints', 'warning'],
    ])
  })

  test('forget what is old', () => {
    let nowMs = 0
    const recent = new RecentChanges(() => nowMs)
    for (nowMs = 1; nowMs <= 100; nowMs++) recent.changed(`endpoint gone`, { endpoint: String(nowMs) })

    expect(recent.since(0)).toHaveLength(40)
    expect(recent.since(100).map(({ atMs }) => atMs)).toEqual([100])
  })
})
