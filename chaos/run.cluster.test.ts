import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { stringify } from 'yaml'
import { labFolders } from '../platform/cluster/local/folders.ts'
import { LocalCluster } from '../platform/cluster/local/local.ts'
import { type LabRecord, readRecord, recordPath } from '../platform/lab.ts'
import { FORWARDED_PORTS } from '../platform/topology.ts'
import type { RunDetail } from '../services/oncall/contract.ts'
import { leftovers, residue, type Snapshot, takeSnapshot, undoLeftovers } from './audit.ts'
import { type Experiment, loadExperiment } from './experiment.ts'
import { readJournal, readRun } from './journal.ts'
import { judge } from './judgement/judge.ts'
import { connectLab } from './lab/connect.ts'
import { primaryZone } from './lab/view.ts'
import { type RunResult, runExperiment } from './run.ts'
import type { RunDependencies } from './run-dependencies.ts'
import { UNDO_FILE } from './undo-file.ts'

/*
 * On the running local lab (`./divergence up`). Short phases and little load: this is about the way and its ways out,
 * not about the verdict.
 */

const MINUTE_MS = 60_000
jest.setTimeout(6 * MINUTE_MS)
const never = new AbortController().signal

type Phases = Experiment['phases']
/** Long enough for a verdict with data. */
const JUDGED: Phases = {
  warmupSeconds: 3,
  baselineSeconds: 25,
  holdSeconds: 22,
  recoverySeconds: 10,
  transitionSeconds: 2,
}
/** Where something else than the verdict is looked at. */
const BRIEF: Phases = { ...JUDGED, baselineSeconds: 10, holdSeconds: 16, recoverySeconds: 6 }

/** A shipped experiment, shortened. */
async function shortened(name: string, phases: Phases, requestsPerSecond = 30): Promise<Experiment> {
  const { experiment } = await loadExperiment(join(import.meta.dirname, 'experiments', `${name}.yaml`))
  const { warmupSeconds, baselineSeconds, holdSeconds, recoverySeconds } = phases
  const durationSeconds = warmupSeconds + baselineSeconds + holdSeconds + recoverySeconds + 2
  return {
    ...experiment,
    // A machine that does other things beside may well fail a request in twenty.
    abort: { ...experiment.abort, failedShare: 1 },
    load: { ...experiment.load, requestsPerSecond, durationSeconds },
    phases,
    faults: experiment.faults.map(fault =>
      'durationSeconds' in fault ? { ...fault, durationSeconds: holdSeconds } : fault,
    ),
  }
}

let record: LabRecord
let dependencies: RunDependencies
let told: string[] = []
let before: Snapshot
/** Each holds open connections to agents, which would keep the tests from ending. */
const connections: RunDependencies[] = []

const takeNow = () => takeSnapshot(dependencies, 'all')

beforeAll(async () => {
  record = await readRecord(recordPath(labFolders().state, undefined))
})

async function connect(): Promise<RunDependencies> {
  const isAlive = (pid: number) => pid === process.pid
  const lab = connectLab({
    access: record.access,
    cluster: new LocalCluster(labFolders()),
    images: record.images,
    remoteWriteUrl: null,
    self: { host: hostname(), pid: process.pid, isAlive },
  })
  told = []
  const made: RunDependencies = {
    ...lab,
    progress: message => void told.push(message),
    judge,
    renderers: { html: () => '', markdown: () => '' },
    runsFolder: await mkdtemp(join(tmpdir(), 'runs-')),
    baselineFile: join(await mkdtemp(join(tmpdir(), 'state-')), 'baseline.json'),
    versions: { judge: 'recorded' },
  }
  connections.push(made)
  return made
}

beforeAll(async () => {
  dependencies = await connect()
  before = await takeNow()
})

afterEach(async () => {
  // Whatever a test did, the next one and the user find a whole lab.
  const healed = await undoLeftovers(await leftovers(dependencies), dependencies.executor, never)
  await dependencies.load.remove()
  expect(healed).toEqual([])
})

afterAll(() => {
  for (const { agents } of connections) agents.close()
})

async function run(
  name: string,
  phases: Phases,
  { signal = never, requestsPerSecond }: { signal?: AbortSignal; requestsPerSecond?: number } = {},
): Promise<RunResult> {
  dependencies = await connect()
  const experiment = await shortened(name, phases, requestsPerSecond)
  return await runExperiment({ experiment, text: '' }, dependencies, signal)
}

/** Waits for a condition, looking twice a second. */
async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpMs = Date.now() + 3 * MINUTE_MS
  while (!(await condition())) {
    if (Date.now() > giveUpMs) throw new Error(`Waited in vain for: ${what}`)
    await sleep(500)
  }
}

async function expectJudged({ folder, verdict, residue: left }: RunResult) {
  expect(left).toEqual([])
  expect(residue(before, await takeNow())).toEqual([])
  const { input, samples } = await readRun(folder)
  expect(judge(samples, input)).toEqual(verdict)
  expect(input.writes.control).toMatchObject({ lost: 0 })
  expect(input.writes.experiment).toMatchObject({ lost: 0 })
  // One request in ten is a write.
  expect(input.writes.experiment.acknowledged).toBeGreaterThan(0.08 * input.load.requests.experiment)
  expect(input.load.droppedIterations).toBe(0)
  expect(samples).toHaveLength(input.load.requests.control + input.load.requests.experiment)
  for (const signal of verdict?.signals ?? []) expect(signal.outcome).not.toBe('no_data')
  for (const fault of input.faults) expect(fault.effect).toMatchObject({ proven: true })
  return input
}

describe('runExperiment() on the local lab', () => {
  test('zone outage: proven, undone, no acknowledged write lost, a verdict with data', async () => {
    const zoneBefore = primaryZone('experiment', await dependencies.lab.view())
    const input = await expectJudged(await run('zone-outage', JUDGED))
    expect(input.faults[0]?.targets).toEqual([`experiment-${zoneBefore}`])
    const texts = input.events.map(({ text }) => text)
    expect(texts).toContain(`node experiment-${zoneBefore} NotReady`)
    expect(texts).toContain(`node experiment-${zoneBefore} Ready`)
    expect(texts.some(text => text.endsWith('is the Postgres primary'))).toBe(true)
    expect(input.events.filter(({ group }) => group === 'control')).toEqual([])
  })

  test('pod kill: gateway, recommender and the primary replaced, no acknowledged write lost', async () => {
    const input = await expectJudged(await run('pod-kill', BRIEF))
    expect(input.faults[0]?.targets).toHaveLength(3)
  })

  test('surge: twice the load for the experiment alone, for as long as it was asked for', async () => {
    const input = await expectJudged(await run('load-surge', BRIEF, { requestsPerSecond: 20 }))
    expect(input.faults[0]).toMatchObject({ kind: 'surge', targets: ['load'] })
    const { control, experiment } = input.load.requests
    // 20 more a second for 16 s; a generator whose clocks of the two groups begin apart may be off by a second's worth.
    expect(experiment - control).toBeGreaterThan(300)
    expect(experiment - control).toBeLessThan(340)
  })

  test('an attack that turns everybody away is called off, undone, and told in the console', async () => {
    dependencies = await connect()
    const base = await shortened('network-latency', BRIEF)
    const faults: Experiment['faults'] = [
      {
        kind: 'blackhole',
        select: { group: 'experiment', services: ['gateway'] },
        peer: { services: ['recommender'] },
        offsetSeconds: 0,
        durationSeconds: 16,
      },
    ]
    const experiment: Experiment = {
      ...base,
      faults,
      abort: { alpha: 0.01, failedShare: 0.05, windowSeconds: 5 },
      blastRadius: { maxTargets: 3, keepHealthy: 0 },
    }
    const {
      runId,
      folder,
      verdict,
      residue: left,
    } = await runExperiment({ experiment, text: '' }, dependencies, never)
    expect(left).toEqual([])
    expect(verdict).toMatchObject({ verdict: 'diverged', aborted: true })
    const entries = await readJournal(folder)
    const at = (kind: string) => entries.find(({ entry }) => entry === kind)?.atMs ?? Number.NaN
    // Reads are given up after 2.5 s at the latest; the rest of it is three looks, and the machine's.
    expect(at('aborted') - at('fault-begun')).toBeLessThan(12_000)
    // As soon as after a runner that died, at the latest.
    expect(at('fault-ended') - at('aborted')).toBeLessThan(10_000)

    const shown = async () => {
      const response = await fetch(`http://127.0.0.1:${FORWARDED_PORTS.oncall}/api/runs/${runId}`)
      return (await response.json()) as RunDetail
    }
    await until(async () => (await shown()).state === 'judged', 'the console to know the verdict')
    const { aborted, abort } = await shown()
    expect(aborted).toBe(true)
    expect(abort?.limit).toBe(100)
    expect(abort?.eValue).toBeGreaterThanOrEqual(100)
    expect(abort?.detail).toMatch(/^\d+ of \d+ failed requests of the attack are the experiment's/)
  })

  test('Ctrl-C in the attack gives the zone its power back', async () => {
    const stop = new AbortController()
    const running = run('zone-outage', BRIEF, { signal: stop.signal })
    await until(async () => (await dependencies.cluster.poweredOff()).length > 0, 'a powered-off node')
    stop.abort(new Error('Ctrl-C'))
    expect(await running).toMatchObject({ ended: 'interrupted', verdict: null, residue: [] })
    expect(residue(before, await takeNow())).toEqual([])
  })

  test('a runner killed with -9 in the attack: the next command heals', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'killed-'))
    const file = join(folder, 'experiment.yaml')
    await writeFile(file, stringify(await shortened('zone-outage', BRIEF)))
    const cli = join(import.meta.dirname, '..', 'cli.ts')
    const runner = spawn(process.execPath, [cli, 'run', file], { cwd: folder, stdio: 'ignore' })
    const ended = once(runner, 'exit')
    await until(async () => (await dependencies.cluster.poweredOff()).length > 0, 'a powered-off node')
    runner.kill('SIGKILL')
    await ended

    const runsFolder = join(folder, 'runs')
    const [runId = ''] = await readdir(runsFolder)
    expect(JSON.parse(await readFile(join(runsFolder, runId, UNDO_FILE), 'utf8'))).toHaveLength(1)
    const found = await leftovers({ ...dependencies, runsFolder })
    expect(await undoLeftovers(found, dependencies.executor, never)).toEqual([
      expect.stringContaining(`run ${runId} did not undo zone-outage`),
    ])
    await dependencies.load.remove()
    await until(async () => residue(before, await takeNow()).length === 0, 'the lab to be as it was')
  })
})
