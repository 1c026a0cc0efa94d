import { describe, expect, test } from '@jest/globals'
import type { LoadPlan } from './plan.ts'
import { arrivalsPerSecond, scenarios } from './profiles.ts'

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
