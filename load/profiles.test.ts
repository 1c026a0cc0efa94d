import { describe, expect, test } from '@jest/globals'
import type { LoadPlan } from './plan.ts'
import { arrivalsPerSecond, sampleEvery, scenarios } from './profiles.ts'
import { firstSequence } from './surge.ts'

const plan: LoadPlan = {
  runId: 'r',
  profile: 'steady',
  requestsPerSecond: 100,
  writeShare: 0.1,
  durationSeconds: 60,
  seed: 1,
  urls: { control: 'http://c', experiment: 'http://e' },
  readTimeoutMs: 4000,
  writeTimeoutMs: 16000,
}

describe('scenarios()', () => {
  test('drives both groups by the same schedule from the same instant', () => {
    const all = scenarios(plan)
    for (const kind of ['reads', 'writes']) {
      const { env: _c, tags: _ct, ...control } = all[`control_${kind}`] ?? {}
      const { env: _e, tags: _et, ...experiment } = all[`experiment_${kind}`] ?? {}
      expect(control).toEqual(experiment)
      expect(control).toMatchObject({ startTime: '0s', executor: 'constant-arrival-rate' })
    }
  })

  test('has a virtual user for every arrival of a stall as long as the time-out', () => {
    // Reads: 90/s stalled 4 s. Writes: 10/s stalled 16 s.
    expect(scenarios(plan).control_reads?.preAllocatedVUs).toBeGreaterThanOrEqual(360)
    expect(scenarios(plan).control_writes?.preAllocatedVUs).toBeGreaterThanOrEqual(160)
    for (const scenario of Object.values(scenarios(plan)))
      expect(scenario.maxVUs).toBe(scenario.preAllocatedVUs)
  })

  test('waits for the answers of the last requests', () => {
    for (const scenario of Object.values(scenarios(plan))) {
      const timeoutMs = scenario.exec === 'read' ? plan.readTimeoutMs : plan.writeTimeoutMs
      expect(Number.parseInt(scenario.gracefulStop, 10) * 1000).toBeGreaterThan(timeoutMs)
    }
  })

  test('has no scenario for a kind that never arrives', () => {
    expect(Object.keys(scenarios({ ...plan, writeShare: 0 }))).toEqual(['control_reads', 'experiment_reads'])
  })
})

describe('scenarios() of a surge', () => {
  const surges = [
    { group: 'experiment', factor: 3, startSeconds: 20, durationSeconds: 10 },
    { group: 'experiment', factor: 1.5, startSeconds: 40, durationSeconds: 5 },
  ] as const
  const all = scenarios({ ...plan, surges })

  test('add to the experiment what makes up the factor, and leave the base as it is', () => {
    expect(all).toMatchObject(scenarios(plan))
    // Base 90 reads and 10 writes a second, in units of 10 s.
    expect(all.experiment_reads_surge_1).toMatchObject({
      rate: 1800,
      startTime: '20s',
      duration: '10s',
      exec: 'read',
    })
    expect(all.experiment_writes_surge_1).toMatchObject({
      rate: 200,
      tags: { group: 'experiment', kind: 'write' },
    })
    expect(all.experiment_reads_surge_2).toMatchObject({ rate: 450, startTime: '40s', duration: '5s' })
  })

  test('never touch the control', () => {
    const touched = Object.keys(all).filter(name => !(name in scenarios(plan)))
    expect(touched).toHaveLength(4)
    for (const name of touched) expect(all[name]?.env.LOAD_GROUP).toBe('experiment')
  })

  test('number their requests apart from the base and from each other', () => {
    expect(all.experiment_writes?.env).toEqual({ LOAD_GROUP: 'experiment', LOAD_FIRST_SEQUENCE: '0' })
    expect(all.experiment_writes_surge_1?.env).toMatchObject({
      LOAD_FIRST_SEQUENCE: String(firstSequence(0)),
      LOAD_SURGE: '0',
    })
    expect(all.experiment_writes_surge_2?.env).toMatchObject({
      LOAD_FIRST_SEQUENCE: String(firstSequence(1)),
      LOAD_SURGE: '1',
    })
  })

  test('have virtual users for a stall of the surplus', () => {
    // 180/s stalled 4 s.
    expect(all.experiment_reads_surge_1?.preAllocatedVUs).toBeGreaterThanOrEqual(720)
  })
})

describe('scenarios() of a ramp', () => {
  const ramp = { groups: ['control', 'experiment'], ratesPerSecond: [50, 100], stepSeconds: 10 } as const
  const rising: LoadPlan = { ...plan, profile: 'ramp', durationSeconds: 20, ramp }

  test('jump from step to step, alike in all groups', () => {
    const { control_reads: control, experiment_reads: experiment } = scenarios(rising)
    expect(control).toMatchObject({
      executor: 'ramping-arrival-rate',
      startRate: 450,
      stages: [
        { target: 450, duration: '0s' },
        { target: 450, duration: '10s' },
        { target: 900, duration: '0s' },
        { target: 900, duration: '10s' },
      ],
    })
    expect({ ...experiment, env: control?.env, tags: control?.tags }).toEqual(control)
  })

  test('have virtual users for a stall at the highest step', () => {
    expect(scenarios(rising).control_reads?.preAllocatedVUs).toBeGreaterThanOrEqual(360)
  })

  test('leave the other group alone, and kinds that never arrive', () => {
    const alone = scenarios({ ...rising, writeShare: 0, ramp: { ...ramp, groups: ['experiment'] } })
    expect(Object.keys(alone)).toEqual(['experiment_reads'])
  })
})

describe('sampleEvery()', () => {
  test.each([
    { profile: 'soak', requestsPerSecond: 100, durationSeconds: 3600, expected: 1 },
    // 2 x 100 x 86,400 = 17.28 million requests for 1 million samples.
    { profile: 'soak', requestsPerSecond: 100, durationSeconds: 86_400, expected: 18 },
    { profile: 'steady', requestsPerSecond: 100, durationSeconds: 86_400, expected: 1 },
  ] as const)(
    '$profile, $requestsPerSecond/s for $durationSeconds s: one in $expected',
    ({ expected, ...shape }) => {
      expect(sampleEvery({ ...plan, ...shape })).toBe(expected)
    },
  )
})

describe('arrivalsPerSecond()', () => {
  test.each([
    { requestsPerSecond: 100, writeShare: 0.1, read: 90, write: 10 },
    { requestsPerSecond: 1, writeShare: 0.25, read: 0.7, write: 0.3 },
    { requestsPerSecond: 10, writeShare: 0, read: 10, write: 0 },
  ])('gives every arrival to one kind: $requestsPerSecond/s, $writeShare', ({ read, write, ...rates }) => {
    expect(arrivalsPerSecond(rates, 'read')).toBeCloseTo(read, 9)
    expect(arrivalsPerSecond(rates, 'write')).toBeCloseTo(write, 9)
  })
})
