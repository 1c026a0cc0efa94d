import { describe, expect, test } from '@jest/globals'
import { idempotencyKey, type LoadPlan, planFromEnvironment, planToEnvironment } from './plan.ts'

const plan: LoadPlan = {
  runId: '20261121T060102Z-zone-outage',
  profile: 'steady',
  requestsPerSecond: 100,
  writeShare: 0.1,
  durationSeconds: 100,
  seed: 7,
  urls: { control: 'http://control:8080', experiment: 'http://experiment:8080' },
  readTimeoutMs: 4000,
  writeTimeoutMs: 16000,
}

describe('planFromEnvironment()', () => {
  test('reads back what planToEnvironment() wrote', () => {
    expect(planFromEnvironment(planToEnvironment(plan))).toEqual(plan)
  })

  test.each([
    ['LOAD_PROFILE', 'wild', 'one of steady'],
    ['LOAD_WRITE_SHARE', '1', 'below 1'],
    ['LOAD_REQUESTS_PER_SECOND', 'many', 'larger than 0'],
    ['LOAD_SEED', '4294967296', 'unsigned 32-bit'],
    ['LOAD_RUN_ID', '', 'not set'],
  ])('refuses %s=%s and says what is allowed', (name, value, allowed) => {
    const environment = { ...planToEnvironment(plan), [name]: value }
    expect(() => planFromEnvironment(environment)).toThrow(name)
    expect(() => planFromEnvironment(environment)).toThrow(allowed)
  })
})

describe('idempotencyKey()', () => {
  test('tells run, group and sequence apart', () => {
    const keys = [
      idempotencyKey('r1', 'control', 1),
      idempotencyKey('r1', 'control', 11),
      idempotencyKey('r1', 'experiment', 1),
      idempotencyKey('r2', 'control', 1),
    ]
    expect(new Set(keys).size).toBe(4)
  })
})
