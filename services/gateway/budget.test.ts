import { describe, expect, test } from '@jest/globals'
import { RetryBudget } from './budget.ts'

/** A budget with a clock that a test moves. */
function budgetOf(limits: { ratio: number; burst: number; perSecond: number }) {
  const clock = { ms: 0 }
  return { clock, budget: new RetryBudget(limits, () => clock.ms) }
}

const takeAll = (budget: RetryBudget): number => {
  let taken = 0
  while (budget.take('read')) taken += 1
  return taken
}

describe('RetryBudget', () => {
  test('starts with the burst and then refuses', () => {
    const { budget } = budgetOf({ ratio: 0.1, burst: 3, perSecond: 0 })
    expect(takeAll(budget)).toBe(3)
  })

  test('earns one repeat by ten first requests at a ratio of a tenth', () => {
    const { budget } = budgetOf({ ratio: 0.1, burst: 3, perSecond: 0 })
    takeAll(budget)
    for (let request = 0; request < 9; request++) budget.earn()
    expect(budget.take('read')).toBe(false)
    budget.earn()
    expect(budget.take('read')).toBe(true)
    expect(budget.take('read')).toBe(false)
  })

  test('keeps repeats at the ratio however many are asked for', () => {
    const { budget } = budgetOf({ ratio: 0.1, burst: 5, perSecond: 0 })
    takeAll(budget)
    let repeats = 0
    for (let request = 0; request < 1000; request++) {
      budget.earn()
      repeats += takeAll(budget)
    }
    expect(repeats).toBe(100)
  })

  test('never saves up more than the burst', () => {
    const { budget, clock } = budgetOf({ ratio: 1, burst: 4, perSecond: 10 })
    for (let request = 0; request < 100; request++) budget.earn()
    clock.ms = 60_000
    expect(takeAll(budget)).toBe(4)
  })

  test('gives tokens with time, so that a quiet gateway can repeat', () => {
    const { budget, clock } = budgetOf({ ratio: 0, burst: 2, perSecond: 1 })
    takeAll(budget)
    clock.ms = 999
    expect(budget.take('read')).toBe(false)
    clock.ms = 1000
    expect(budget.take('read')).toBe(true)
  })

  test('keeps half of the burst for reads while writes want everything', () => {
    const { budget } = budgetOf({ ratio: 0, burst: 5, perSecond: 0 })
    let writes = 0
    while (budget.take('write')) writes += 1
    expect([writes, takeAll(budget)]).toEqual([3, 2])
  })

  test('of nothing repeats nothing', () => {
    const { budget, clock } = budgetOf({ ratio: 1, burst: 0, perSecond: 1 })
    budget.earn()
    clock.ms = 5000
    expect(budget.take('read')).toBe(false)
  })
})
