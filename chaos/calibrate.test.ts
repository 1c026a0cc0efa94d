import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { CALIBRATION_FILE, calibrate, readCalibration } from './calibrate.ts'
import type { Experiment } from './experiment.ts'
import { RUN_FILES } from './journal.ts'
import { judge } from './judgement/judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './judgement/simulation.ts'
import { experiment as fixture } from './run-fixture.ts'

/** Trials of 24 + 24 + 6 s at 10 requests/s. */
const experiment: Experiment = {
  ...fixture,
  load: { profile: 'steady', requestsPerSecond: 10, writeShare: 0, durationSeconds: 60 },
  phases: {
    warmupSeconds: 2,
    baselineSeconds: 24,
    holdSeconds: 24,
    recoverySeconds: 6,
    transitionSeconds: 1,
  },
  steadyState: { signals: [{ name: 'latency_p50', margin: 2, primary: true }], whenUnderpowered: 'warn' },
}
const quiet: Scenario = { ...CALM, rate: 10, baselineSeconds: 24, attackSeconds: 24, recoverySeconds: 6 }

let runsFolder: string
beforeEach(async () => {
  runsFolder = await mkdtemp(join(tmpdir(), 'runs-'))
})
const dependencies = (version = 'one') => ({
  judge,
  progress: () => undefined,
  runsFolder,
  versions: { judge: version },
  nowMs: () => 1_772_442_000_000,
})

type Written = { readonly opened?: unknown; readonly scenario?: Scenario; readonly isJudged?: boolean }

/** A run as it stands on the disk. */
async function writeRun(id: string, { opened, scenario = quiet, isJudged = true }: Written = {}) {
  const folder = join(runsFolder, id)
  await mkdir(folder)
  const entries = [
    { entry: 'opened', experiment: opened ?? { faults: [], load: experiment.load } },
    isJudged
      ? { entry: 'judge-input', input: inputOf(scenario, { runId: id, faults: [] }) }
      : { entry: 'interrupted', reason: 'Ctrl-C' },
  ]
  const journal = entries.map(entry => `${JSON.stringify({ atMs: 1, ...entry })}\n`).join('')
  await writeFile(join(folder, RUN_FILES.journal), journal)
  const lines = simulate(scenario).map(
    ({ group, route, kind, startMs, durationMs, status, outcome }, sequence) =>
      `${[group, route, kind, startMs, durationMs, status, outcome, 0, sequence].join(',')}\n`,
  )
  await writeFile(join(folder, RUN_FILES.samples), gzipSync(lines.join('')))
}

describe('calibrate()', () => {
  test('counts over the quiet runs under the same load, each as often as it is long', async () => {
    await writeRun('a-short')
    await writeRun('b-twice', { scenario: { ...quiet, baselineSeconds: 78 } })
    await writeRun('c-attacked', { opened: { faults: [{ kind: 'cpu' }], load: experiment.load } })

    const { calibration, leftOut } = await calibrate(experiment, dependencies())

    expect(calibration.runs).toEqual(['a-short', 'b-twice'])
    expect(calibration.verdicts.diverged).toMatchObject({ events: 0, trials: 3 })
    expect(leftOut).toEqual([])
  })

  test('names each quiet run that it could not use, and why', async () => {
    await writeRun('a-good')
    const load = { ...experiment.load, requestsPerSecond: 50 }
    await writeRun('b-other', { opened: { faults: [], load } })
    await writeRun('c-short', { scenario: { ...quiet, recoverySeconds: 5 } })
    await writeRun('d-stopped', { isJudged: false })
    await mkdir(join(runsFolder, 'e-damaged'))
    await writeFile(join(runsFolder, 'e-damaged', RUN_FILES.journal), '{}\n')
    await mkdir(join(runsFolder, 'f-no-run'))

    const { calibration, leftOut } = await calibrate(experiment, dependencies())

    expect(calibration.runs).toEqual(['a-good'])
    expect(leftOut.map(({ run, why }) => `${run}: ${why}`).sort()).toEqual([
      expect.stringMatching(/^b-other: another load, 50 requests\/s/),
      'c-short: shorter than the phases',
      expect.stringMatching(/^d-stopped: .*interrupted \(Ctrl-C\)/),
      expect.stringMatching(/^e-damaged: .*line 1 is not a journal entry/),
    ])
  })

  test('is no answer without a single run', async () => {
    await writeRun('d-stopped', { isJudged: false })
    await expect(calibrate(experiment, dependencies())).rejects.toMatchObject({
      code: 'CALIBRATION_WITHOUT_RUNS',
      message: expect.stringMatching(/at least 54 s long, under 10 requests\/s(.|\n)*d-stopped: .*Ctrl-C/),
    })
  })
})

describe('readCalibration()', () => {
  test('finds what was kept for the same judge, load, phases, margins and abort rule, and nothing else', async () => {
    await writeRun('a')
    const { calibration } = await calibrate(experiment, dependencies())

    expect(await readCalibration(experiment, dependencies())).toEqual(calibration)
    expect(await readCalibration({ ...experiment, name: 'b', seed: 9 }, dependencies())).toEqual(calibration)
    const others: Partial<Experiment>[] = [
      { load: { ...experiment.load, requestsPerSecond: 11 } },
      { phases: { ...experiment.phases, holdSeconds: 25 } },
      {
        steadyState: {
          ...fixture.steadyState,
          signals: [{ name: 'latency_p50', margin: 2.5, primary: true }],
        },
      },
      { abort: { ...experiment.abort, alpha: 0.02 } },
    ]
    for (const other of others) {
      expect(await readCalibration({ ...experiment, ...other }, dependencies())).toBeNull()
    }
    expect(await readCalibration(experiment, dependencies('two'))).toBeNull()
  })

  test('keeps one for each of them, the newest', async () => {
    await writeRun('a')
    const wider: Experiment = {
      ...experiment,
      steadyState: { ...fixture.steadyState, signals: [{ name: 'latency_p50', margin: 3, primary: true }] },
    }
    await calibrate(experiment, dependencies())
    await calibrate(wider, dependencies())
    await writeRun('b')
    await calibrate(experiment, dependencies())

    expect((await readCalibration(experiment, dependencies()))?.runs).toEqual(['a', 'b'])
    expect((await readCalibration(wider, dependencies()))?.runs).toEqual(['a'])
    expect(JSON.parse(await readFile(join(runsFolder, CALIBRATION_FILE), 'utf8'))).toHaveLength(2)
  })

  test('does not take a damaged file for none', async () => {
    await writeFile(join(runsFolder, CALIBRATION_FILE), '[{"scope":1')
    await expect(readCalibration(experiment, dependencies())).rejects.toMatchObject({
      code: 'CALIBRATION_DAMAGED',
    })
    await writeFile(join(runsFolder, CALIBRATION_FILE), '[{}]')
    await expect(readCalibration(experiment, dependencies())).rejects.toMatchObject({
      code: 'CALIBRATION_DAMAGED',
    })
  })
})
