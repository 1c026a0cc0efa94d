import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { quickClock, RecordedLock } from './lab/recording.ts'
import { RecordedLoad } from './lab/recording-load.ts'
import { type AloneDependencies, type RampOptions, runRamp, runSoak } from './load-alone.ts'

/** The recorded load: 5 requests a second and group, whatever was asked for, each answered after 10 ms. */
const ramp: RampOptions = {
  groups: ['control', 'experiment'],
  ratesPerSecond: [4.5, 5],
  stepSeconds: 10,
  writeShare: 0.2,
  limits: { failedShare: 0.01, p95Ms: 500 },
  seed: 7,
}
const forever = new AbortController().signal

let runsFolder: string
beforeEach(async () => {
  runsFolder = await mkdtemp(join(tmpdir(), 'load-alone-'))
})
afterEach(async () => await rm(runsFolder, { recursive: true }))

function rig() {
  const clock = quickClock(20)
  const load = new RecordedLoad(clock)
  const lock = new RecordedLock()
  const told: string[] = []
  const promises: string[] = []
  const dependencies: AloneDependencies = {
    load,
    lock,
    clock,
    runsFolder,
    urls: { control: 'http://c', experiment: 'http://e' },
    progress: message => void told.push(message),
    leases: {
      take: async ({ name, undo }) => {
        promises.push(`${undo.map(one => one.undo).join()} ${name}`)
        return { lost: forever, release: async () => void promises.push('released') }
      },
      list: async () => [],
      remove: async () => undefined,
    },
  }
  return { load, lock, told, promises, dependencies }
}

describe('runRamp()', () => {
  test('drives to the last step when nothing breaks, and leaves the table and the samples', async () => {
    const { load, dependencies } = rig()
    const report = await runRamp(ramp, dependencies, forever)

    expect(load.plan).toMatchObject({ profile: 'ramp', durationSeconds: 20, requestsPerSecond: 4.5 })
    expect(report.endedEarly).toBe(false)
    expect(report.results.map(({ group, heldPerSecond }) => [group, heldPerSecond])).toEqual([
      ['control', 5],
      ['experiment', 5],
    ])
    expect((await readdir(report.folder)).sort()).toEqual(['ramp.json', 'samples.csv.gz'])
    expect(JSON.parse(await readFile(join(report.folder, 'ramp.json'), 'utf8'))).toEqual(report)
  })

  test('ends as soon as every group has broken, with whole steps only', async () => {
    const { told, dependencies } = rig()
    const beganMs = dependencies.clock.nowMs()
    const slow = { ...ramp, ratesPerSecond: [4.5, 5, 6, 7, 8, 9], limits: { failedShare: 0.01, p95Ms: 5 } }
    const report = await runRamp(slow, dependencies, forever)

    expect(report.endedEarly).toBe(true)
    // The step of 10 s, and 5 s for the answers to its last requests.
    expect(dependencies.clock.nowMs() - beganMs).toBeGreaterThanOrEqual(15_000)
    expect(report.results[0]).toMatchObject({ heldPerSecond: null, breakpoint: { state: 'slow' } })
    expect(report.results[0]?.steps).toHaveLength(1)
    expect(told).toContain('ramp: 4.5 requests/s: control slow, experiment slow')
  })

  test('takes load, promise and lock away, whatever happens', async () => {
    const { load, lock, promises, dependencies } = rig()
    load.diesAfter = { seconds: 3, exitCode: 137 }

    await expect(runRamp(ramp, dependencies, forever)).rejects.toThrow('exit code 137: out of memory')
    // Before it starts, what others left; after it, its own.
    expect(load.removals).toBe(2)
    expect(promises).toEqual([expect.stringMatching(/^delete-load load-.*-ramp$/), 'released'])
    expect(lock.releases).toBe(1)
  })

  test('stops when it is told to, and leaves nothing running', async () => {
    const { load, lock, dependencies } = rig()
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 200)

    await expect(runRamp(ramp, dependencies, stop.signal)).rejects.toThrow('Ctrl-C')
    expect([load.removals, lock.releases]).toEqual([2, 1])
  })

  test('refuses what cannot be driven before it touches anything', async () => {
    const { load, lock, dependencies } = rig()
    const falling = { ...ramp, ratesPerSecond: [20, 10] }

    await expect(runRamp(falling, dependencies, forever)).rejects.toMatchObject({ code: 'LOAD_IMPOSSIBLE' })
    expect([load.removals, lock.releases]).toEqual([0, 0])
  })
})

describe('runSoak()', () => {
  test('divides the time and finds no wear in a load that stays as it is', async () => {
    const { dependencies } = rig()
    const options = { requestsPerSecond: 5, writeShare: 0.2, durationSeconds: 40, seed: 7 }
    const report = await runSoak(options, dependencies, forever)

    expect(report.windows).toHaveLength(20)
    expect(report.windows[19]?.groups.control.sent).toBe(10)
    expect(report.wear.experiment).toEqual({ p95Factor: 1, failedShareRise: 0, worn: false })
    expect((await readdir(report.folder)).sort()).toEqual(['samples.csv.gz', 'soak.json'])
  })
})
