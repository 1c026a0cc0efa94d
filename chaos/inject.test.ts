import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { dryRun } from './dry-run.ts'
import type { Experiment } from './experiment.ts'
import { type Injection, inject } from './inject.ts'
import { type Recorded, recordedDependencies } from './lab/recorded-dependencies.ts'
import { quickClock } from './lab/recording.ts'
import { auditEverywhere } from './residue-everywhere.ts'
import { UNDO_FILE } from './undo-file.ts'

const clock = quickClock(60)
const never = new AbortController().signal
const latency = {
  kind: 'latency',
  select: { group: 'experiment', services: ['gateway'], zone: 'b' },
  offsetSeconds: 0,
  durationSeconds: 6,
  delayMs: 100,
  jitterMs: 0,
} as Injection['faults'][number]
const kill = {
  kind: 'kill-pod',
  select: { group: 'experiment', services: ['gateway'], zone: 'b' },
  offsetSeconds: 0,
} as Injection['faults'][number]
const injection: Injection = {
  faults: [latency],
  blastRadius: { maxTargets: 3, keepHealthy: 1 },
  seed: 1,
  settleSeconds: 10,
  watchSeconds: 6,
}

let recorded: Recorded
beforeEach(async () => {
  recorded = await recordedDependencies(clock)
})

describe('inject()', () => {
  test('attacks for as long as it was told to, proves it, and leaves nothing', async () => {
    const { agents, dependencies, lock } = recorded
    const result = await inject(injection, dependencies, never)
    expect(result).toMatchObject({ ended: 'over', residue: [], faults: [{ effect: { proven: true } }] })
    const [fault] = result.faults
    expect((fault?.endMs ?? 0) - (fault?.beginMs ?? 0)).toBeGreaterThanOrEqual(6_000)
    expect(agents.active()).toEqual([])
    expect(JSON.parse(await readFile(join(result.folder, UNDO_FILE), 'utf8'))).toEqual([])
    expect(lock.releases).toBe(1)
  })

  test('watches what heals by itself', async () => {
    const { dependencies } = recorded
    const result = await inject({ ...injection, faults: [kill] }, dependencies, never)
    expect(result).toMatchObject({ residue: [], faults: [{ effect: { proven: true } }] })
  })

  test('undoes at once when it is stopped', async () => {
    const { agents, dependencies } = recorded
    const stop = new AbortController()
    const running = inject(
      { ...injection, faults: [{ ...latency, durationSeconds: 3000 } as never] },
      dependencies,
      stop.signal,
    )
    while (agents.active().length === 0) await clock.sleep(500, never)
    stop.abort(new Error('Ctrl-C'))
    expect(await running).toMatchObject({ ended: 'interrupted', residue: [] })
    expect(agents.active()).toEqual([])
  })

  test('tells what an agent shows that was not there before', async () => {
    const { agents, dependencies } = recorded
    const running = inject(injection, dependencies, never)
    while (agents.active().length === 0) await clock.sleep(100, never)
    agents.snapshots.set('experiment-b', { node: ['table inet divergence_f'] })
    const { residue } = await running
    expect(residue).toEqual([])
    agents.snapshots.set('experiment-b', { node: [] })
    const again = inject(injection, dependencies, never)
    while (agents.active().length === 0) await clock.sleep(100, never)
    agents.snapshots.set('experiment-b', { node: ['table inet divergence_f'] })
    expect((await again).residue).toEqual(['experiment-b, node: table inet divergence_f'])
  })

  test('begins nothing while everything is halted', async () => {
    const { agents, dependencies, halt } = recorded
    halt.current = 'customer demo'
    await expect(inject(injection, dependencies, never)).rejects.toMatchObject({ code: 'HALTED' })
    expect(agents.told).toEqual([])
  })
})

describe('auditEverywhere()', () => {
  const audit = () => auditEverywhere(recorded.dependencies)

  test('finds nothing on a lab that was left as it was found', async () => {
    const { dependencies } = recorded
    await inject(injection, dependencies, never)
    expect(await audit()).toEqual({
      running: null,
      halted: null,
      residue: [],
      unfinished: [],
      comparedWithBaseline: true,
    })
  })

  test('says that it has nothing to compare with before the first run', async () => {
    expect(await audit()).toMatchObject({ comparedWithBaseline: false, residue: [] })
  })

  test('lists whatever is left: power, cordons, promises, faults, silent agents, what agents see', async () => {
    const { agents, dependencies, lab, leases } = recorded
    agents.snapshots.set('experiment-b', { node: [] })
    await inject(injection, dependencies, never)
    await lab.cluster.powerOff('experiment', 'c')
    const nodes = lab.current.nodes.map(node =>
      node.name === 'experiment-a' ? { ...node, cordoned: true } : node,
    )
    lab.current = { ...lab.current, nodes, loadJobs: ['load-x'] }
    await leases.take({ name: 'fault-x', runId: 'r', undo: [{ undo: 'uncordon', node: 'experiment-a' }] })
    await agents.hold('experiment-a', 'left', 'r')
    agents.snapshots.set('experiment-b', { node: ['table inet divergence_f'] })
    const { residue } = await audit()
    for (const line of [
      'node experiment-c is powered off',
      'node experiment-a is cordoned',
      'load job load-x is still there',
      'lease fault-x: nobody did uncordon node experiment-a',
      'the agent on experiment-a has loss of node experiment-a active (run r)',
      'experiment-b, node: table inet divergence_f',
    ]) {
      expect(residue).toContain(line)
    }
    agents.silent.add('experiment-c')
    expect((await audit()).residue.join('\n')).toContain('Cannot reach the agent on experiment-c')
  })

  test('does not blame a run that is in progress for what it does', async () => {
    const { dependencies, lab, leases, lock } = recorded
    await inject(injection, dependencies, never)
    lock.current = 'run-1'
    await lab.cluster.powerOff('experiment', 'c')
    await leases.take({ name: 'fault-x', runId: 'run-1', undo: [] })
    expect(await audit()).toMatchObject({ running: 'run-1', residue: [] })
  })
})

describe('dryRun()', () => {
  const experiment = {
    faults: [kill, { ...latency, after: 'previous', offsetSeconds: 2 }],
    phases: {
      warmupSeconds: 2,
      baselineSeconds: 8,
      holdSeconds: 10,
      recoverySeconds: 6,
      transitionSeconds: 1,
    },
    load: { profile: 'steady', requestsPerSecond: 5, writeShare: 0.2, durationSeconds: 30 },
    blastRadius: { maxTargets: 3, keepHealthy: 1 },
    steadyState: { signals: [{ name: 'latency_p50', margin: 2, primary: true }] },
    seed: 1,
  } as unknown as Experiment
  const rehearse = () => dryRun(experiment, recorded.dependencies, never)

  test('tells who would be hit and when, and touches nothing', async () => {
    const { agents, api, lab, leases, lock } = recorded
    const { timeline, faults, foreseen, problems } = await rehearse()
    expect(problems).toEqual([])
    expect(foreseen.join()).toContain('What the run could see is not known')
    expect(timeline).toEqual([
      { atSeconds: 0, what: 'warm-up, 5 requests/s a group' },
      { atSeconds: 2, what: 'baseline' },
      { atSeconds: 10, what: 'attack' },
      { atSeconds: 10, what: 'begin kill-pod of gateway-b' },
      { atSeconds: 12, what: 'begin latency of gateway-b' },
      { atSeconds: 18, what: 'end latency of gateway-b' },
      { atSeconds: 20, what: 'recovery' },
      { atSeconds: 30, what: 'end of the load' },
    ])
    expect(faults[1]?.begin[0]).toContain(
      'delay on gateway-b/gateway for at most 6 s (agent on experiment-b)',
    )
    expect([...lab.done, ...agents.told, ...api.done, ...leases.taken]).toEqual([])
    expect(lock.releases).toBe(0)
  })

  test('says everything that would keep it from starting', async () => {
    const { agents, api, halt, lock } = recorded
    halt.current = 'customer demo'
    lock.current = 'run-1'
    api.mayNot = ['may not delete pods in namespace experiment']
    agents.silent.add('experiment-c')
    const { problems } = await rehearse()
    for (const words of [
      'customer demo',
      'run run-1 is in progress',
      'may not delete pods',
      'experiment-c',
    ]) {
      expect(problems.join('\n')).toContain(words)
    }
  })

  test('refuses what cannot be done at all', async () => {
    const { agents } = recorded
    agents.missing = ['nfqueue', 'netem']
    await expect(rehearse()).rejects.toThrow('Cannot do latency')
  })
})
