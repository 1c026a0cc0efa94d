import { describe, expect, test } from '@jest/globals'
import type { LoadPlan } from './plan.ts'
import { summarize } from './summary.ts'

const plan = { requestsPerSecond: 100 } as LoadPlan

describe('summarize()', () => {
  test('counts requests by group and what was never sent', () => {
    const data = {
      metrics: {
        dropped_iterations: { values: { count: 3, rate: 0.1 } },
        'http_reqs{group:control}': { values: { count: 1000, rate: 100 } },
        'http_reqs{group:experiment}': { values: { count: 997, rate: 99 } },
      },
    }
    expect(summarize(plan, data)).toEqual({
      targetRate: 100,
      droppedIterations: 3,
      requests: { control: 1000, experiment: 997 },
    })
  })

  test('takes a counter that k6 leaves out for 0', () => {
    expect(summarize(plan, { metrics: {} })).toEqual({
      targetRate: 100,
      droppedIterations: 0,
      requests: { control: 0, experiment: 0 },
    })
  })
})
