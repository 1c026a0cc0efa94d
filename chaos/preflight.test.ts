import { describe, expect, test } from '@jest/globals'
import { MachineryError, UserError } from '../platform/errors.ts'
import { CAPABILITIES } from '../services/agent/actions/action.ts'
import type { AnyFault } from './faults/catalogue.ts'
import { quickClock, RecordedLab, wholeLab } from './lab/recording.ts'
import { RecordedAgents } from './lab/recording-agents.ts'
import type { Database } from './lab/roles.ts'
import { agentCheck, planAhead, preflight } from './preflight.ts'

const never = new AbortController().signal
const clock = quickClock(100)
const healthy: Database = {
  column: async (_group, sql) => (sql.includes('pg_stat_replication') ? ['database-1'] : ['1000']),
}

const check = (lab: RecordedLab, database: Database, withinMs: number, agents = new RecordedAgents(clock)) =>
  preflight({ lab, database, agents, clock }, withinMs, never)

describe('preflight()', () => {
  test('passes a whole lab and says what it saw', async () => {
    const checks = await check(new RecordedLab(), healthy, 1000)
    expect(checks.every(({ ok }) => ok)).toBe(true)
    expect(checks).toContainEqual({ check: 'experiment gateway ready', ok: true, detail: '3 of 3 pods' })
    expect(checks).toContainEqual({ check: 'control has songs', ok: true, detail: '1000 songs' })
  })

  test('waits for a lab that is on its way', async () => {
    const lab = new RecordedLab()
    await lab.cluster.powerOff('experiment', 'b')
    const checking = check(lab, healthy, 60_000)
    await clock.sleep(3_000, never)
    await lab.cluster.powerOn('experiment', 'b')
    expect((await checking).every(({ ok }) => ok)).toBe(true)
  })

  test('names everything that is wrong at once', async () => {
    const lab = new RecordedLab()
    await lab.cluster.powerOff('experiment', 'b')
    lab.current = { ...lab.current, loadJobs: ['load-x'] }
    const database: Database = { column: async (_group, sql) => (sql.includes('count') ? ['0'] : []) }
    const checking = check(lab, database, 100)
    await expect(checking).rejects.toBeInstanceOf(MachineryError)
    for (const words of [
      'not ready: experiment-b',
      'experiment gateway ready (2 of 3 pods)',
      'control database has a synchronous standby (none)',
      'experiment has songs (0 songs)',
      'no load from another run (load-x)',
    ]) {
      await expect(checking).rejects.toThrow(words)
    }
  })

  test('takes a database that cannot be asked for one that is not ready', async () => {
    const database: Database = { column: () => Promise.reject(new Error('connection refused')) }
    await expect(check(new RecordedLab(), database, 100)).rejects.toThrow('connection refused')
  })

  test('asks no database without a primary', async () => {
    const lab = new RecordedLab({ ...wholeLab(), pods: wholeLab().pods.map(pod => ({ ...pod, role: null })) })
    const database: Database = { column: () => Promise.reject(new Error('asked')) }
    await expect(check(lab, database, 100)).rejects.not.toThrow('asked')
  })

  test('wants an agent that answers on every node that may be attacked', async () => {
    const agents = new RecordedAgents(clock)
    agents.silent.add('experiment-b')
    await expect(check(new RecordedLab(), healthy, 100, agents)).rejects.toThrow(
      'agent on experiment-b (Cannot reach the agent on experiment-b',
    )
  })

  test('waits for no agent that is halted, and says how to release it', async () => {
    const agents = new RecordedAgents(clock)
    agents.halted.add('experiment-c')
    await expect(check(new RecordedLab(), healthy, 100, agents)).rejects.toThrow('divergence halt --release')
  })
})

describe('agentCheck()', () => {
  const hello = { node: 'experiment-a', group: 'experiment', halted: false, capabilities: {} as never }

  test.each([
    ['the agent of another node', { node: 'experiment-b' }, 'it says that it is on experiment-b'],
    ['an agent of the control group', { group: 'control' }, 'it says that it is in group control'],
  ])('does not take %s', (_title, change, detail) => {
    expect(agentCheck('experiment-a', { ...hello, ...change })).toMatchObject({ ok: false, detail })
  })

  test('takes the agent of the node', () => {
    expect(agentCheck('experiment-a', hello)).toMatchObject({ ok: true })
  })
})

describe('planAhead()', () => {
  const latency: AnyFault = {
    kind: 'latency',
    select: { group: 'experiment', services: ['gateway'], zone: 'b' },
    offsetSeconds: 0,
    durationSeconds: 10,
    delayMs: 100,
    jitterMs: 0,
  }
  const plan = (agents: RecordedAgents, faults: readonly AnyFault[] = [latency], powerSwitch = true) =>
    planAhead({ faults, seed: 1 }, { lab: new RecordedLab(), agents, cluster: { powerSwitch } })

  test('tells the targets, and by what the nodes can do it', async () => {
    const { faults, capabilities } = await plan(new RecordedAgents(clock))
    expect(faults).toMatchObject([{ kind: 'latency', targets: ['gateway-b'] }])
    expect(capabilities['experiment-b']).toMatchObject({ nft: 'tried' })
  })

  test.each<AnyFault>([
    {
      kind: 'zone-outage',
      select: { group: 'experiment', zone: 'b' },
      offsetSeconds: 0,
      durationSeconds: 10,
    },
    { kind: 'power-off', select: { group: 'experiment', zone: 'b' }, offsetSeconds: 0, durationSeconds: 10 },
  ])('plans no $kind on a cluster whose nodes have no switch', async fault => {
    const agents = new RecordedAgents(clock)
    await expect(plan(agents, [fault])).resolves.toMatchObject({ faults: [{ targets: ['experiment-b'] }] })
    const attempt = plan(agents, [fault], false)
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(`Cannot do ${fault.kind} of experiment-b: this cluster gives no`)
  })

  test('says what a node cannot do before anything starts', async () => {
    const agents = new RecordedAgents(clock)
    agents.missing = CAPABILITIES.filter(name => name !== 'tbf')
    await expect(plan(agents)).rejects.toThrow('Cannot do latency on node experiment-b')
    expect(agents.told).toEqual([])
  })
})
