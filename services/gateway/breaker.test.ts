import { describe, expect, test } from '@jest/globals'
import { Breaker } from './breaker.ts'

const SOFT = false
const HARD = true

function breakerOf(limits: { failures: number; ejectMs: number }) {
  const clock = { ms: 0 }
  return { clock, breaker: new Breaker(limits, () => clock.ms) }
}

describe('Breaker', () => {
  test('opens after failures in a row, and a success in between starts the count again', () => {
    const { breaker } = breakerOf({ failures: 2, ejectMs: 100 })
    breaker.fail(SOFT, true)
    breaker.succeed()
    expect(breaker.fail(SOFT, true)).toBe(false)
    expect(breaker.admits).toBe(true)
    expect(breaker.fail(SOFT, true)).toBe(true)
    expect(breaker.admits).toBe(false)
  })

  test('opens at once when the endpoint could not be reached', () => {
    const { breaker } = breakerOf({ failures: 5, ejectMs: 100 })
    expect(breaker.fail(HARD, false)).toBe(true)
    expect(breaker.open).toBe(true)
  })

  test('stays closed for slowness when it may not eject', () => {
    const { breaker } = breakerOf({ failures: 1, ejectMs: 100 })
    expect(breaker.fail(SOFT, false)).toBe(false)
    expect(breaker.open).toBe(false)
  })

  test('lets exactly one probe through when the time is over', () => {
    const { breaker, clock } = breakerOf({ failures: 1, ejectMs: 100 })
    breaker.fail(HARD, true)
    clock.ms = 99
    expect(breaker.admits).toBe(false)
    clock.ms = 100
    expect(breaker.admits).toBe(true)
    breaker.begin()
    expect(breaker.admits).toBe(false)
  })

  test('closes when the probe is answered', () => {
    const { breaker, clock } = breakerOf({ failures: 1, ejectMs: 100 })
    breaker.fail(HARD, true)
    clock.ms = 100
    breaker.begin()
    expect(breaker.succeed()).toBe(true)
    expect(breaker.admits).toBe(true)
  })

  test('opens again for as long when the probe fails', () => {
    const { breaker, clock } = breakerOf({ failures: 3, ejectMs: 100 })
    breaker.fail(HARD, true)
    clock.ms = 150
    breaker.begin()
    expect(breaker.fail(SOFT, false)).toBe(true)
    clock.ms = 249
    expect(breaker.admits).toBe(false)
    clock.ms = 250
    expect(breaker.admits).toBe(true)
  })

  test('is not prolonged by late failures of what was sent before it opened', () => {
    const { breaker, clock } = breakerOf({ failures: 1, ejectMs: 100 })
    breaker.fail(HARD, true)
    clock.ms = 90
    expect(breaker.fail(HARD, true)).toBe(false)
    clock.ms = 100
    expect(breaker.admits).toBe(true)
  })

  test('lets another probe through when the first was given up', () => {
    const { breaker, clock } = breakerOf({ failures: 1, ejectMs: 100 })
    breaker.fail(HARD, true)
    clock.ms = 100
    breaker.begin()
    breaker.abandon()
    expect(breaker.admits).toBe(true)
  })
})
