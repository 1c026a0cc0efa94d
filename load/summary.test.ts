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

  test('counts what came inside of each surge', () => {
    const surge = { group: 'experiment', factor: 3, startSeconds: 30, durationSeconds: 20 } as const
    const second = { ...surge, startSeconds: 60 }
    const data = {
      metrics: {
        'surge_arrivals{group:control,surge:0}': { values: { count: 200 } },
        'surge_arrivals{group:experiment,surge:0}': { values: { count: 600 } },
        'surge_arrivals{group:control,surge:1}': { values: { count: 201 } },
      },
    }
    expect(summarize({ ...plan, surges: [surge, second] }, data).surges).toEqual([
      { ...surge, inside: { control: 200, experiment: 600 } },
      { ...second, inside: { control: 201, experiment: 0 } },
    ])
  })

  test('says when only some of the requests have left a sample', () => {
    const soak = { ...plan, profile: 'soak', durationSeconds: 86_400 } as const
    expect(summarize(soak, { metrics: {} }).sampleEvery).toBe(18)
    expect(summarize({ ...soak, durationSeconds: 60 }, { metrics: {} })).not.toHaveProperty('sampleEvery')
  })

  test('takes a counter that k6 leaves out for 0', () => {
    expect(summarize(plan, { metrics: {} })).toEqual({
      targetRate: 100,
      droppedIterations: 0,
      requests: { control: 0, experiment: 0 },
    })
  })
})
