import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { CALIBRATION_FILE } from './calibrate.ts'
import { clusterExecutor, type Executor } from './faults/executor.ts'
import { RUN_FILES, readJournal, readRun } from './journal.ts'
import { judge } from './judgement/judge.ts'
import { recordedDatabase } from './lab/recording-load.ts'
import { experiment, killPods, never, type RunFixture, runFixture } from './run-fixture.ts'
import { UNDO_FILE } from './undo-file.ts'

let fixture: RunFixture
beforeEach(async () => {
  fixture = await runFixture()
})

describe('runExperiment()', () => {
  test('goes the whole way: verdict, files, nothing left', async () => {
    const { actions, expectNothingLeft, pendingUndo, run } = fixture
    const result = await run()
    expect(result).toMatchObject({ ended: 'judged', residue: [] })
    expect(actions()).toEqual(['power-off', 'power-on'])
    expect(await pendingUndo()).toEqual([])
    expect((await readdir(result.folder)).sort()).toEqual(
      [...Object.values(RUN_FILES).filter(name => name !== RUN_FILES.growingSamples), UNDO_FILE].sort(),
    )
    await expectNothingLeft()
  })

  test('hands the judge what was measured, phases on the generator clock', async () => {
    const { load, run } = fixture
    const { folder, verdict } = await run()
    const { input, samples } = await readRun(folder)
    const loadStartMs = Math.min(...samples.map(({ startMs }) => startMs))
    const { baseline, attack, recovery } = input.phases
    expect(samples).toHaveLength(24 * 5 * 2)
    expect(baseline.startMs - loadStartMs).toBeCloseTo(2_000, 6)
    expect(attack.startMs).toBeGreaterThanOrEqual(loadStartMs + 10_000)
    expect(baseline.endMs).toBeLessThanOrEqual(attack.startMs - 1_000)
    expect(attack.endMs - attack.startMs).toBeCloseTo(6_000, 6)
    expect(recovery.startMs).toBe(attack.endMs)
    expect(attack.startMs - input.fault.beginMs).toBeCloseTo(load.offsetMs, 6)
    expect(input.fault.endMs - input.fault.beginMs).toBeGreaterThanOrEqual(6_000)
    expect(input.faults).toEqual([
      {
        kind: 'zone-outage',
        targets: ['experiment-b'],
        effect: { proven: true, detail: expect.stringMatching(/NotReady after/) },
      },
    ])
    expect(input.writes.experiment).toEqual({ acknowledged: 24, lost: 0, unacknowledged: 0 })
    expect(verdict).toEqual(judge(samples, input))
    const kept = JSON.parse(await readFile(join(folder, RUN_FILES.verdict), 'utf8'))
    expect(kept).toEqual({ ...verdict, calibration: null })
  })

  test('keeps how often its judge errs as it was known when it began', async () => {
    const { dependencies, run } = fixture
    const { load, phases, steadyState, abort } = experiment
    const { durationSeconds: _, ...rate } = load
    const { warmupSeconds: __, ...lengths } = phases
    const scope = { judge: 'recorded', load: rate, phases: lengths, signals: steadyState.signals, abort }
    const calibration = { scope, atMs: 1, runs: ['r'] }
    const file = join(dependencies.runsFolder, CALIBRATION_FILE)
    await writeFile(file, JSON.stringify([calibration]))
    const renderers = { html: () => '', markdown: (...given: unknown[]) => JSON.stringify(given[3]) }
    const result = await run({ renderers })
    await rm(file)
    expect(result.calibration).toEqual(calibration)
    expect((await readRun(result.folder)).calibration).toEqual(calibration)
    const kept = JSON.parse(await readFile(join(result.folder, RUN_FILES.verdict), 'utf8'))
    expect(kept).toEqual({ ...result.verdict, calibration })
    const report = await readFile(join(result.folder, RUN_FILES.markdown), 'utf8')
    expect(JSON.parse(report)).toEqual(calibration)
  })

  test('says before the attack what it cannot see, on the time line too', async () => {
    const { run, told } = fixture
    const { folder } = await run()
    const [before] = (await readJournal(folder)).filter(({ entry }) => entry === 'foresight')
    expect(before).toMatchObject({
      signals: [{ name: 'success_ratio', smallestVisible: null, isEnough: false }],
    })
    const warning =
      'warning: success ratio: what the run could see is not known, the baseline has too little data'
    expect(told.indexOf(warning)).toBeGreaterThan(told.findIndex(line => line.startsWith('baseline')))
    expect(told.indexOf(warning)).toBeLessThan(told.findIndex(line => line.startsWith('attack')))
    expect((await readRun(folder)).input.events.map(({ text }) => text)).toContain(warning)
  })

  test('does not attack what it cannot see where the experiment asks for that', async () => {
    const { actions, expectNothingLeft, onlyRun, run } = fixture
    const steadyState = { ...experiment.steadyState, whenUnderpowered: 'refuse' } as const
    await expect(run({}, never, { steadyState })).rejects.toMatchObject({ code: 'RUN_UNDERPOWERED' })
    expect(actions()).toEqual([])
    await expectNothingLeft()
    expect((await readJournal(await onlyRun())).at(-1)).toMatchObject({ entry: 'failed' })
  })

  test('says where the baseline cannot tell what is slow, and goes on', async () => {
    const { run, told } = fixture
    const abort = { ...experiment.abort, slowShare: 0.2 }
    const { ended, folder } = await run({}, never, { abort })
    expect(ended).toBe('judged')
    const fixed = (await readJournal(folder)).find(({ entry }) => entry === 'slow-limit')
    // Seven whole seconds of five requests.
    expect(fixed).toMatchObject({ limitMs: null, answers: 35 })
    expect(told.join('\n')).toContain('warning: latency will not end this attack: of 35 answers')
  })

  test('puts what happened on the time line', async () => {
    const { run } = fixture
    const { folder } = await run()
    const { events } = (await readRun(folder)).input
    const texts = events.map(({ text }) => text)
    for (const text of [
      'power off zone b (experiment-b)',
      'node experiment-b NotReady',
      'power on zone b (experiment-b)',
    ]) {
      expect(texts).toContain(text)
    }
  })

  test('has the undo on the disk before the fault begins', async () => {
    const { dependencies, pendingUndo, run } = fixture
    const seen: unknown[] = []
    const executor: Executor = {
      async perform(work, signal) {
        if (work.actions[0]?.action === 'power-off') seen.push(await pendingUndo())
        return await dependencies.executor.perform(work, signal)
      },
    }
    await run({ executor })
    expect(seen).toEqual([
      [
        {
          fault: 0,
          kind: 'zone-outage',
          targets: ['experiment-b'],
          actions: [{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }],
        },
      ],
    ])
  })

  test('counts writes that were acknowledged and are gone', async () => {
    const { load, run } = fixture
    const { verdict, folder } = await run({ database: recordedDatabase(load, [3, 5]) })
    expect((await readRun(folder)).input.writes.experiment.lost).toBe(2)
    expect(verdict?.verdict).not.toBe('resilient')
  })

  test('kills pods in the zone of the primary and waits for their replacement', async () => {
    const { actions, run } = fixture
    const { folder } = await run({}, never, { faults: killPods })
    expect(actions()).toEqual(['delete-pod', 'delete-pod'])
    const { input } = await readRun(folder)
    expect(input.faults[0]?.targets).toEqual(['gateway-a', 'database-a'])
    expect(input.faults[0]?.effect.proven).toBe(true)
    // The fault was over when it had been done; what follows is the healing.
    const shown = (await readJournal(folder)).find(({ entry }) => entry === 'fault-effect')
    expect(input.fault.endMs).toBeLessThanOrEqual(shown?.atMs ?? 0)
    expect(input.fault.endMs).toBeLessThan(input.phases.attack.endMs)
  })

  test('runs without a fault (A/A) and touches nothing', async () => {
    const { actions, run } = fixture
    const { folder } = await run({}, never, { faults: [] })
    expect(actions()).toEqual([])
    const { phases, fault } = (await readRun(folder)).input
    expect(fault.endMs - fault.beginMs).toBeCloseTo(6_000, 6)
    expect(phases.attack.endMs - phases.attack.startMs).toBeCloseTo(6_000, 6)
  })

  test('calls a fault that shows no effect not proven', async () => {
    const { agents, api, dependencies, lab, run } = fixture
    const cluster = { ...lab.cluster, powerOff: async () => undefined }
    const { clock } = dependencies
    const executor = clusterExecutor({ cluster, lab, pods: lab, api, agents, clock })
    const { folder, verdict } = await run({ executor })
    expect((await readRun(folder)).input.faults[0]?.effect.proven).toBe(false)
    expect(verdict?.verdict).toBe('invalid')
  })
})
