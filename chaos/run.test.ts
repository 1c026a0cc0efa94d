import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { MachineryError, UserError } from '../platform/errors.ts'
import type { Experiment } from './experiment.ts'
import { clusterExecutor, type Executor } from './faults/executor.ts'
import { RUN_FILES, readJournal, readRun } from './journal.ts'
import { judge } from './judgement/judge.ts'
import { quickClock, RecordedLab, RecordedLoad, RecordedLock, recordedDatabase } from './lab/recording.ts'
import { RecordedAgents, RecordedApi, RecordedHalt, RecordedLeases } from './lab/recording-agents.ts'
import { runExperiment } from './run.ts'
import type { RunDependencies } from './run-dependencies.ts'
import { UNDO_FILE, writeUndoFile } from './undo-file.ts'

const SPEED = 60
const never = new AbortController().signal

const experiment: Experiment = {
  name: 'zone-outage',
  hypothesis: 'Nobody notices.',
  level: 'zone',
  steadyState: { signals: [{ name: 'success_ratio', margin: 0.001, primary: true }] },
  load: { profile: 'steady', requestsPerSecond: 5, writeShare: 0.2, durationSeconds: 24 },
  phases: { warmupSeconds: 2, baselineSeconds: 8, holdSeconds: 6, recoverySeconds: 6, transitionSeconds: 1 },
  settle: { readySeconds: 10 },
  abort: { failedShare: 0.5, windowSeconds: 2, fewestRequests: 5 },
  blastRadius: { maxTargets: 3, keepHealthy: 1 },
  seed: 7,
  faults: [
    { kind: 'zone-outage', select: { group: 'experiment', zone: 'b' }, offsetSeconds: 0, durationSeconds: 6 },
  ],
}
const killPods: Experiment['faults'] = [
  {
    kind: 'kill-pod',
    select: { group: 'experiment', zone: 'primary', services: ['gateway', 'database'] },
    offsetSeconds: 1,
  },
]

let lab = new RecordedLab()
let load = new RecordedLoad(quickClock(SPEED))
let lock = new RecordedLock()
let agents = new RecordedAgents(quickClock(SPEED))
let api = new RecordedApi()
let leases = new RecordedLeases()
let halt = new RecordedHalt()
let told: string[] = []
let dependencies: RunDependencies

beforeEach(async () => {
  const clock = quickClock(SPEED)
  lab = new RecordedLab()
  load = new RecordedLoad(clock)
  lock = new RecordedLock()
  agents = new RecordedAgents(clock)
  api = new RecordedApi()
  leases = new RecordedLeases()
  halt = new RecordedHalt()
  told = []
  const runsFolder = await mkdtemp(join(tmpdir(), 'runs-'))
  dependencies = {
    cluster: lab.cluster,
    lab,
    executor: clusterExecutor({ cluster: lab.cluster, lab, pods: lab, api, agents, clock }),
    agents,
    api,
    leases,
    halt,
    database: recordedDatabase(load),
    load,
    lock,
    clock,
    progress: message => void told.push(message),
    judge,
    renderers: { html: verdict => `<p>${verdict.verdict}</p>`, markdown: verdict => verdict.verdict },
    runsFolder,
    baselineFile: join(await mkdtemp(join(tmpdir(), 'state-')), 'baseline.json'),
    urls: { control: 'http://control', experiment: 'http://experiment' },
    versions: { divergence: '0.1.0' },
  }
})

const run = (changes: Partial<RunDependencies> = {}, signal = never, change: Partial<Experiment> = {}) =>
  runExperiment(
    { experiment: { ...experiment, ...change }, text: 'name: x\n' },
    { ...dependencies, ...changes },
    signal,
  )

const actions = () => lab.done.map(({ action }) => action)
const onlyRun = async () => join(dependencies.runsFolder, (await readdir(dependencies.runsFolder))[0] ?? '')
const pendingUndo = async () => JSON.parse(await readFile(join(await onlyRun(), UNDO_FILE), 'utf8'))

/** Resolves when the run says `words`. */
function saying(words: string): { progress: RunDependencies['progress']; said: Promise<void> } {
  const { promise: said, resolve } = Promise.withResolvers<void>()
  const progress = (message: string) => {
    told.push(message)
    if (message.includes(words)) resolve()
  }
  return { progress, said }
}

/** Everything that must hold however a run ended. */
async function expectNothingLeft(): Promise<void> {
  expect(actions().filter(action => action === 'power-on')).toHaveLength(
    actions().filter(action => action === 'power-off').length,
  )
  expect(lab.dark.size).toBe(0)
  expect(load.removals).toBeGreaterThanOrEqual(2)
  expect(lock.current).toBeNull()
  expect(lock.releases).toBe(1)
  expect(agents.active()).toEqual([])
  expect(leases.current.size).toBe(0)
}

describe('runExperiment()', () => {
  test('goes the whole way: verdict, files, nothing left', async () => {
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
    expect(JSON.parse(await readFile(join(folder, RUN_FILES.verdict), 'utf8'))).toEqual(verdict)
  })

  test('puts what happened on the time line', async () => {
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
    const { verdict, folder } = await run({ database: recordedDatabase(load, [3, 5]) })
    expect((await readRun(folder)).input.writes.experiment.lost).toBe(2)
    expect(verdict?.verdict).not.toBe('resilient')
  })

  test('kills pods in the zone of the primary and waits for their replacement', async () => {
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
    const { folder } = await run({}, never, { faults: [] })
    expect(actions()).toEqual([])
    const { phases, fault } = (await readRun(folder)).input
    expect(fault.endMs - fault.beginMs).toBeCloseTo(6_000, 6)
    expect(phases.attack.endMs - phases.attack.startMs).toBeCloseTo(6_000, 6)
  })

  test('calls a fault that shows no effect not proven', async () => {
    const cluster = { ...lab.cluster, powerOff: async () => undefined }
    const { clock } = dependencies
    const executor = clusterExecutor({ cluster, lab, pods: lab, api, agents, clock })
    const { folder, verdict } = await run({ executor })
    expect((await readRun(folder)).input.faults[0]?.effect.proven).toBe(false)
    expect(verdict?.verdict).toBe('invalid')
  })
})

describe('runExperiment() on every other way out', () => {
  test.each(['warm-up', 'baseline', 'zone-outage: power off', 'recovery'])(
    'stopped at "%s": everything is undone',
    async words => {
      const stop = new AbortController()
      const { progress, said } = saying(words)
      const running = run({ progress }, stop.signal)
      await said
      stop.abort(new Error('Ctrl-C'))
      expect(await running).toMatchObject({ ended: 'interrupted', verdict: null, residue: [] })
      await expectNothingLeft()
      const entries = await readJournal(await onlyRun())
      expect(entries.at(-1)).toMatchObject({ entry: 'interrupted', reason: 'Ctrl-C' })
      await expect(readRun(await onlyRun())).rejects.toThrow('interrupted (Ctrl-C)')
    },
  )

  test('the generator dies in the attack: undone, and told as our own failure', async () => {
    const { progress, said } = saying('zone-outage: power off')
    void said.then(() => load.die(137))
    const phases = { ...experiment.phases, holdSeconds: 3000 }
    const running = run({ progress }, never, { phases, load: { ...experiment.load, durationSeconds: 3600 } })
    await expect(running).rejects.toBeInstanceOf(MachineryError)
    await expect(running).rejects.toThrow('exit code 137: out of memory')
    // At once, and not when the attack would have been over.
    expect(told.join()).not.toContain('recovery')
    expect(actions()).toEqual(['power-off', 'power-on'])
    await expectNothingLeft()
  })

  test('the fault fails to begin halfway: undone', async () => {
    const executor: Executor = {
      async perform(work, signal) {
        const performed = await dependencies.executor.perform(work, signal)
        if (work.actions[0]?.action === 'power-off') throw new MachineryError('the engine broke', '')
        return performed
      },
    }
    await expect(run({ executor })).rejects.toThrow('the engine broke')
    await expectNothingLeft()
  })

  test('the lab cannot be read in the attack: undone', async () => {
    const view = lab.view.bind(lab)
    lab.view = async () => {
      if (lab.dark.size > 0) throw new Error('etcd is gone')
      return await view()
    }
    await expect(run()).rejects.toThrow('etcd is gone')
    await expectNothingLeft()
  })

  test('the database cannot be asked at the end: told as our own failure, nothing left', async () => {
    const healthy = dependencies.database
    const database: RunDependencies['database'] = {
      column: (group, sql) =>
        sql.includes('FROM plays')
          ? Promise.reject(new MachineryError('no answer', ''))
          : healthy.column(group, sql),
    }
    await expect(run({ database })).rejects.toThrow('no answer')
    await expectNothingLeft()
  })

  test('the journal can no longer be written in the attack: undone all the same', async () => {
    const { progress, said } = saying('zone-outage: power off')
    const removed = said.then(async () => rm(await onlyRun(), { recursive: true }))
    const failure = await run({ progress }).then(
      () => null,
      error => error,
    )
    await removed
    expect(failure).toBeInstanceOf(MachineryError)
    expect(failure.message).toMatch(/is undone, but that cannot be written down: .*ENOENT/)
    await expectNothingLeft()
  })

  test('undoing fails once: it is tried again', async () => {
    lab.failingPowerOns = 1
    expect(await run()).toMatchObject({ ended: 'judged', residue: [] })
    await expectNothingLeft()
  })

  test('undoing fails for good: told as residue, and the recipe stays for the next command', async () => {
    lab.failingPowerOns = Number.POSITIVE_INFINITY
    const failure = await run().then(
      () => null,
      error => error,
    )
    expect(failure).toBeInstanceOf(MachineryError)
    expect(failure.message).toContain('is not undone')
    expect(failure.message).toContain('node experiment-b is powered off')
    expect(await pendingUndo()).toHaveLength(1)

    lab.failingPowerOns = 0
    await run()
    expect(lab.dark.size).toBe(0)
    expect(told.join('\n')).toMatch(/healing: run \S+ did not undo zone-outage of experiment-b/)
  })

  test('a target whose label changes after selection is refused, and nothing of the group is touched', async () => {
    const { progress, said } = saying('attack: 6 s')
    void said.then(() => lab.relabel('experiment-b', 'control'))
    const view = lab.view.bind(lab)
    const frozen = await view()
    // The selection still sees the old label, as it would a moment before the change.
    lab.view = async () => ({
      ...(await view()),
      nodes: (await view()).nodes.map(node => ({
        ...node,
        group: frozen.nodes.find(({ name }) => name === node.name)?.group ?? null,
      })),
    })
    const running = run({ progress })
    await expect(running).rejects.toBeInstanceOf(UserError)
    await expect(running).rejects.toThrow("'node experiment-b': it is in the control group")
    expect(actions()).not.toContain('power-off')
  })

  test('a lab that is not whole is not attacked', async () => {
    await lab.cluster.powerOff('experiment', 'c')
    lab.cluster.poweredOff = async () => []
    await expect(run()).rejects.toThrow('the lab is not ready')
    expect(load.plan).toBeNull()
    expect(lock.current).toBeNull()
  })

  test('another run on the cluster: refused before anything is made', async () => {
    const other = {
      ...lock,
      holder: async () => 'x',
      acquire: () => Promise.reject(new UserError('RUN_IN_PROGRESS', 'x runs', '')),
    }
    await expect(run({ lock: other })).rejects.toThrow('x runs')
    expect(await readdir(dependencies.runsFolder)).toEqual([])
  })

  test('what a run killed with -9 left is undone by the next one', async () => {
    await writeKilledRun()
    const { residue } = await run()
    expect(residue).toEqual([])
    expect(actions()).toEqual(['power-off', 'power-on', 'power-off', 'power-on'])
    expect(told).toContain(
      'healing: run 20261120T000000Z-zone-outage did not undo zone-outage of experiment-c',
    )
  })
})

const latency = (change: object = {}) =>
  ({
    kind: 'latency',
    select: { group: 'experiment', services: ['gateway'], zone: 'b' },
    offsetSeconds: 0,
    durationSeconds: 6,
    delayMs: 100,
    jitterMs: 0,
    ...change,
  }) as Experiment['faults'][number]
const drain = {
  kind: 'drain',
  select: { group: 'experiment', zone: 'c' },
  offsetSeconds: 0,
  durationSeconds: 6,
} as Experiment['faults'][number]

describe('runExperiment() with agents', () => {
  test('prepares, begins, proves, ends, and writes down who ended it', async () => {
    const { folder, residue } = await run({}, never, { faults: [latency()] })
    expect(residue).toEqual([])
    const { input } = await readRun(folder)
    expect(input.faults[0]).toMatchObject({
      kind: 'latency',
      targets: ['gateway-b'],
      effect: { proven: true, detail: expect.stringContaining('delay as recorded') },
    })
    const journal = await readJournal(folder)
    const ended = journal.find(({ entry }) => entry === 'fault-ended')
    // Its time was over for the runner and for the agent alike.
    const [endedBy] = Object.values((ended as { endedBy: Record<string, string> }).endedBy)
    expect(['request', 'duration']).toContain(endedBy)
    expect(journal.find(({ entry }) => entry === 'planned')).toMatchObject({
      faults: [{ kind: 'latency', targets: ['gateway-b'] }],
      capabilities: { 'experiment-b': { nft: 'tried' } },
    })
    expect(agents.told.map(line => line.split(' ')[1])).toEqual(['prepare', 'begin', 'end'])
    expect(agents.closed).toBe(1)
    await expectNothingLeft()
  })

  test('a capability that is missing is an error before anything starts', async () => {
    agents.missing = ['nfqueue', 'netem']
    await expect(run({}, never, { faults: [latency()] })).rejects.toThrow('Cannot do latency')
    expect(load.plan).toBeNull()
    expect(agents.told).toEqual([])
  })

  test.each(['lease', 'agent-restart'] as const)(
    'an agent that ends its fault by %s: our own failure, never a pass',
    async endedBy => {
      const { progress, said } = saying('latency: delay')
      void said.then(() => agents.endAlone(agents.active()[0]?.id ?? '', endedBy))
      const running = run({ progress }, never, { faults: [latency()] })
      await expect(running).rejects.toBeInstanceOf(MachineryError)
      await expect(running).rejects.toThrow(`ended latency by itself (${endedBy})`)
      await expect(readRun(await onlyRun())).rejects.toThrow('failed')
      await expectNothingLeft()
    },
  )

  test('everything is halted in the attack: interrupted, nothing left, and the next run is refused', async () => {
    const { progress, said } = saying('latency: delay')
    void said.then(() => halt.set('customer demo'))
    const result = await run({ progress }, never, { faults: [latency()] })
    expect(result).toMatchObject({ ended: 'interrupted', verdict: null, residue: [] })
    await expect(readRun(await onlyRun())).rejects.toThrow('customer demo')
    await expectNothingLeft()
    await expect(run()).rejects.toMatchObject({ code: 'HALTED' })
  })

  test('what is done in the API is promised before it is done, and no promise is left', async () => {
    const promisedAt: unknown[] = []
    const executor: Executor = {
      async perform(work, signal) {
        if (work.actions[0]?.action === 'cordon') promisedAt.push([...leases.current.values()])
        return await dependencies.executor.perform(work, signal)
      },
    }
    await run({ executor }, never, { faults: [drain], blastRadius: { maxTargets: 3, keepHealthy: 1 } })
    expect(promisedAt).toEqual([
      [
        expect.objectContaining({ undo: [expect.objectContaining({ undo: 'delete-load' })] }),
        expect.objectContaining({ undo: [{ undo: 'uncordon', node: 'experiment-c' }] }),
      ],
    ])
    expect(api.done).toContain('cordon experiment-c')
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-c' }])
    await expectNothingLeft()
  })

  test('an agent that undoes in the API what the runner still wants: our own failure', async () => {
    const { progress, said } = saying('drain: cordon')
    void said.then(() => leases.lose(leases.taken.find(name => name.startsWith('fault-')) ?? ''))
    await expect(run({ progress }, never, { faults: [drain] })).rejects.toThrow('ran out')
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-c' }])
    await expectNothingLeft()
  })

  test('a promise about the load that is kept by somebody else ends the run', async () => {
    const { progress, said } = saying('baseline: ')
    void said.then(() => leases.lose(leases.taken[0] ?? ''))
    await expect(run({ progress })).rejects.toThrow('ran out')
    await expectNothingLeft()
  })

  test('faults go on side by side, and one after the other', async () => {
    const after = latency({
      select: { group: 'experiment', services: ['gateway'], zone: 'c' },
      after: 'previous',
    })
    const { folder } = await run({}, never, {
      faults: [
        latency({ durationSeconds: 2 }),
        { ...after, durationSeconds: 2 } as Experiment['faults'][number],
        latency({
          select: { group: 'experiment', services: ['recommender'], zone: 'a' },
          durationSeconds: 2,
        }),
      ],
    })
    const journal = await readJournal(folder)
    const at = (entry: string, fault: number) =>
      journal.find(one => one.entry === entry && 'fault' in one && one.fault === fault)?.atMs ?? 0
    expect(at('fault-begun', 1)).toBeGreaterThanOrEqual(at('fault-ended', 0) - 50)
    expect(at('fault-begun', 2)).toBeLessThan(at('fault-ended', 0))
    await expectNothingLeft()
  })

  test('what follows a fault without length begins once that one has begun', async () => {
    const killed = { ...(killPods[0] as object), offsetSeconds: 0 } as Experiment['faults'][number]
    const { folder } = await run({}, never, {
      faults: [killed, latency({ after: 'previous', durationSeconds: 2 })],
      blastRadius: { maxTargets: 5, keepHealthy: 0 },
    })
    expect((await readRun(folder)).input.faults.map(({ effect }) => effect.proven)).toEqual([true, true])
  })

  test('a fault that would hit too much is refused right before it begins, and the other one is undone', async () => {
    const running = run({}, never, {
      faults: [
        latency(),
        latency({ select: { group: 'experiment', services: ['recommender'], zone: 'b' }, offsetSeconds: 2 }),
      ],
      blastRadius: { maxTargets: 1, keepHealthy: 1 },
    })
    await expect(running).rejects.toMatchObject({ code: 'BLAST_RADIUS_EXCEEDED' })
    expect(agents.told.filter(line => line.includes('begin'))).toHaveLength(1)
    await expectNothingLeft()
  })

  test('an agent that cannot be reached to end its fault: tried again until it can', async () => {
    const { progress, said } = saying('latency: proven')
    void said.then(async () => {
      agents.silent.add('experiment-b')
      await dependencies.clock.sleep(5_000, never)
      agents.silent.delete('experiment-b')
    })
    await run({ progress }, never, { faults: [latency()] }).catch(() => undefined)
    await expectNothingLeft()
  })

  test('the abort rule ends the attack early: undone, judged, and the verdict says so', async () => {
    const phases = { ...experiment.phases, holdSeconds: 600 }
    const failing = new RecordedLoad(dependencies.clock)
    load = failing
    const { progress, said } = saying('latency: delay')
    void said.then(() => failing.failExperiment())
    const { folder, verdict } = await run(
      { load: failing, progress, database: recordedDatabase(failing) },
      never,
      {
        faults: [latency({ durationSeconds: 600 })],
        phases,
        load: { ...experiment.load, durationSeconds: 40 },
        abort: { failedShare: 0.5, windowSeconds: 2, fewestRequests: 5 },
      },
    )
    const { input } = await readRun(folder)
    expect(verdict?.aborted).toBe(true)
    expect(input.aborted).toBe(true)
    expect(input.phases.attack.endMs - input.phases.attack.startMs).toBeLessThan(30_000)
    expect(input.phases.recovery.startMs).toBe(input.phases.attack.endMs)
    expect((await readJournal(folder)).find(({ entry }) => entry === 'aborted')).toMatchObject({
      reason: expect.stringContaining('requests of the experiment group failed within 2 s'),
    })
    await expectNothingLeft()
  })
})

async function writeKilledRun(): Promise<void> {
  const folder = join(dependencies.runsFolder, '20261120T000000Z-zone-outage')
  await mkdir(folder)
  await writeUndoFile(folder, [
    {
      fault: 0,
      kind: 'zone-outage',
      targets: ['experiment-c'],
      actions: [{ action: 'power-on', zone: 'c', nodes: ['experiment-c'] }],
    },
  ])
  await lab.cluster.powerOff('experiment', 'c')
}
