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

const surge = { group: 'experiment', factor: 3, startSeconds: 30, durationSeconds: 20 } as const
const surging: LoadPlan = { ...plan, surges: [surge] }
const ramp = { groups: ['control'], ratesPerSecond: [50, 100], stepSeconds: 10 } as const
const ramping: LoadPlan = { ...plan, profile: 'ramp', durationSeconds: 20, ramp }

describe('planFromEnvironment()', () => {
  test('reads back what planToEnvironment() wrote', () => {
    expect(planFromEnvironment(planToEnvironment(plan))).toEqual(plan)
  })

  test('reads back surges, ramps and soaks as well', () => {
    for (const other of [surging, ramping, { ...plan, profile: 'soak' } as const]) {
      expect(planFromEnvironment(planToEnvironment(other))).toEqual(other)
    }
  })

  test.each([
    {
      title: 'a ramp under another name',
      other: { ...ramping, profile: 'steady' as const },
      told: 'with a ramp',
    },
    { title: 'a ramp without steps', other: { ...plan, profile: 'ramp' as const }, told: 'without a ramp' },
    { title: 'a ramp with surges', other: { ...ramping, surges: [surge] }, told: 'one of them' },
    {
      title: 'a ramp that outlasts its steps',
      other: { ...ramping, durationSeconds: 21 },
      told: 'its steps 20 s',
    },
    {
      title: 'a step without load',
      other: { ...ramping, ramp: { ...ramp, ratesPerSecond: [0, 5] } },
      told: '0 requests/s',
    },
    { title: 'a surge beyond the end', other: { ...surging, durationSeconds: 45 }, told: 'at most 45' },
  ])('refuses $title', ({ other, told }) => {
    expect(() => planFromEnvironment(planToEnvironment(other))).toThrow(told)
  })

  test.each([
    ['LOAD_PROFILE', 'wild', 'one of steady, ramp, soak'],
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
