import { describe, expect, test } from '@jest/globals'
import { whyOver } from './lease.ts'

describe('whyOver()', () => {
  const lease = { begunMs: 1_000, renewedMs: 5_000, durationSeconds: 20, leaseSeconds: 8 }

  test.each([
    { title: 'lets a fault go on whose lease is fresh', nowMs: 12_999, why: null },
    { title: 'ends it when nobody renewed the lease in time', nowMs: 13_000, why: 'lease' },
    { title: 'names the duration when both are over', nowMs: 21_000, why: 'duration' },
  ])('$title', ({ nowMs, why }) => {
    expect(whyOver(lease, nowMs)).toBe(why)
  })

  test('ends a fault at its duration however fresh the lease is', () => {
    expect(whyOver({ ...lease, renewedMs: 20_999 }, 21_000)).toBe('duration')
  })
})
