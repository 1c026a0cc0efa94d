import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { planFromEnvironment, planToEnvironment } from '../load/plan.ts'
import { driveLoad, planOf } from './drive-load.ts'
import type { Experiment } from './experiment.ts'
import { quickClock } from './lab/recording.ts'
import { RecordedLoad } from './lab/recording-load.ts'
import type { Run } from './run-dependencies.ts'

const surge = {
  kind: 'surge',
  select: { group: 'experiment' },
  factor: 3,
  offsetSeconds: 5,
  durationSeconds: 20,
}
const killed = { kind: 'kill-pod', select: { group: 'experiment' }, offsetSeconds: 0 }

const plan = (...faults: object[]) => planOf(planned(...faults))

function planned(...faults: object[]) {
  return {
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
  }
}

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

describe('driveLoad()', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drive-load-'))
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  function rig(...faults: object[]) {
    const clock = quickClock(20)
    const load = new RecordedLoad(clock)
    const given = planned(...faults)
    const dependencies = { ...given.dependencies, load, clock, progress: () => undefined }
    const journal = { folder, append: async () => undefined }
    return { load, run: { ...given, journal, dependencies } as unknown as Run }
  }

  test('ends the load with a surge that is called off, and takes what was measured until then', async () => {
    const { run } = rig(surge)
    const driven = await driveLoad(run, new AbortController().signal)

    const endedMs = await driven.callOff()
    const { records, load } = await driven.collect()

    expect(endedMs).toBeGreaterThanOrEqual(driven.startMs)
    // Far less than the 90 s that were planned.
    expect(load.requests.control).toBeLessThan(5 * 60)
    expect(records).toHaveLength(load.requests.control + load.requests.experiment)
  })

  test('lets the load go on without a surge that could outlast the attack', async () => {
    const { run, load } = rig(killed)
    const driven = await driveLoad(run, new AbortController().signal)

    expect(await driven.callOff()).toBeNull()
    expect(load.diesAfter).toBeNull()
    await driven.stop()
  })

  test('takes an interrupt that was not ours for a failure', async () => {
    const { run, load } = rig(surge)
    const driven = await driveLoad(run, new AbortController().signal)
    load.die(105)

    await expect(driven.collect()).rejects.toThrow('exit code 105')
  })
})
