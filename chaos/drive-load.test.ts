import { describe, expect, test } from '@jest/globals'
import { planFromEnvironment, planToEnvironment } from '../load/plan.ts'
import { planOf } from './drive-load.ts'
import type { Experiment } from './experiment.ts'

const surge = {
  kind: 'surge',
  select: { group: 'experiment' },
  factor: 3,
  offsetSeconds: 5,
  durationSeconds: 20,
}
const killed = { kind: 'kill-pod', select: { group: 'experiment' }, offsetSeconds: 0 }

const plan = (...faults: object[]) =>
  planOf({
    runId: 'r',
    experiment: {
      load: { profile: 'steady', requestsPerSecond: 40, writeShare: 0.1, durationSeconds: 90 },
      phases: {
        warmupSeconds: 10,
        baselineSeconds: 30,
        holdSeconds: 30,
        recoverySeconds: 20,
        transitionSeconds: 2,
      },
      seed: 7,
      faults,
    } as unknown as Experiment,
    dependencies: { urls: { control: 'http://c', experiment: 'http://e' } },
  })

describe('planOf()', () => {
  test('counts a surge from the first request: after warm-up, baseline and its own offset', () => {
    expect(plan(killed, surge).surges).toEqual([
      { group: 'experiment', factor: 3, startSeconds: 45, durationSeconds: 20 },
    ])
  })

  test('has no surges without such a fault', () => {
    expect(plan(killed)).not.toHaveProperty('surges')
  })

  test('makes what the generator can read back', () => {
    const made = plan(surge, { ...surge, offsetSeconds: 25, durationSeconds: 5 })
    expect(planFromEnvironment(planToEnvironment(made))).toEqual(made)
  })

  test('refuses two surges at a time before anything is started', () => {
    expect(() => plan(surge, { ...surge, offsetSeconds: 20 })).toThrow('one at a time')
  })
})
