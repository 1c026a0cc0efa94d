import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import {
  AgentOnTrial,
  agentPid,
  kubectl,
  kubectlArguments,
  LONGEST_UNDO_MS,
  NODE,
  newId,
  onNode,
  podOf,
  refusal,
  run,
} from './agent-fixture.ts'
import { CHAOS_NAMESPACE, type NodeSnapshot } from './protocol.ts'

jest.setTimeout(90_000)

let agent: AgentOnTrial

beforeEach(async () => {
  agent = await AgentOnTrial.connect()
})

afterEach(async () => {
  await agent.leaveNothing()
})

describe('a fault', () => {
  test('is on, proves it, ends when told, and leaves nothing', async () => {
    const before = (await agent.ask({ op: 'snapshot' })) as { value: NodeSnapshot }
    const { id } = await agent.begin()
    expect(await agent.isFrozen()).toBe(true)
    const during = (await agent.ask({ op: 'snapshot' })) as { value: NodeSnapshot }

    expect(await agent.ask({ op: 'end', id })).toMatchObject({
      value: { state: 'ended', endedBy: 'request', proof: { proven: true } },
    })

    expect(await agent.isFrozen()).toBe(false)
    expect(during.value).not.toEqual(before.value)
    expect(await agent.ask({ op: 'snapshot' })).toMatchObject({ value: before.value })
    expect(await agent.ask({ op: 'begin', id })).toMatchObject({ ok: false, code: 'ALREADY_BEGUN' })
  })

  test('lives on heartbeats and ends when they stop', async () => {
    const { id, runId } = await agent.begin({ leaseSeconds: 2 })
    for (let beat = 0; beat < 8; beat++) {
      await sleep(500)
      await agent.ask({ op: 'heartbeat', runId })
    }
    expect(await agent.isFrozen()).toBe(true)

    expect(await agent.msUntilThawed()).toBeLessThan(5_000)
    expect(await agent.statusOf(id)).toMatchObject({ state: 'ended', endedBy: 'lease' })
  })

  test('ends when the runner is gone', async () => {
    await agent.begin()
    await agent.close()

    expect(await agent.msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
  })

  test('ends when the agent is killed, and tells its proof afterwards', async () => {
    const { id } = await agent.begin()
    await sleep(1_500)
    await onNode('kill', '-9', await agentPid())

    expect(await agent.msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    await agent.again()
    expect(await agent.statusOf(id)).toMatchObject({ endedBy: 'agent-restart', proof: { proven: true } })
  })

  test('ends when the agent hangs', async () => {
    await agent.begin({ durationSeconds: 60, leaseSeconds: 30 })
    await onNode('kill', '-STOP', await agentPid())

    expect(await agent.msUntilThawed()).toBeLessThan(20_000)
  })

  test('ends when the pod of the agent is deleted', async () => {
    await agent.begin()
    const { metadata } = await podOf(CHAOS_NAMESPACE, 'agent', NODE)
    await kubectl('delete', 'pod', '-n', CHAOS_NAMESPACE, metadata.name, '--wait=false')

    expect(await agent.msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    await kubectl('rollout', 'status', 'daemonset/agent', '-n', CHAOS_NAMESPACE, '--timeout=40s')
  })

  test('that is a program dies with the agent', async () => {
    const cpu = { action: 'stress', resource: 'cpu', workers: 1, loadPercent: 20 } as const
    await agent.begin({ kind: 'cpu', actions: [cpu] })
    const workers = () => onNode('sh', '-c', 'grep -l ^stress-ng /proc/[0-9]*/comm 2>/dev/null | wc -l')
    expect(Number(await workers())).toBeGreaterThan(0)

    await onNode('kill', '-9', await agentPid())
    await sleep(1_000)

    expect(Number(await workers())).toBe(0)
  })

  test('ends at a halt, and none begins until the release, also after a restart', async () => {
    const { id } = await agent.begin()
    expect(await agent.ask({ op: 'halt' })).toMatchObject({ ok: true })
    try {
      expect(await agent.isFrozen()).toBe(false)
      expect(await agent.statusOf(id)).toMatchObject({ endedBy: 'halt' })
      await onNode('kill', '-9', await agentPid())
      await agent.again()
      expect(await agent.ask({ op: 'prepare', fault: agent.fault() })).toMatchObject({
        ok: false,
        code: 'HALTED',
      })
    } finally {
      // It may be gone: whoever comes after it must not find it halted.
      await agent.again()
      await agent.ask({ op: 'release' })
    }
    expect(await agent.ask({ op: 'prepare', fault: agent.fault() })).toMatchObject({ ok: true })
  })
})

describe('with the network of its node cut', () => {
  const cut = `table inet cut {
    chain in { type filter hook input priority -300; ip saddr 172.30.77.2 drop; }
    chain out { type filter hook output priority -300; ip daddr 172.30.77.2 drop; }
    chain through { type filter hook forward priority -300; ip daddr 172.30.77.2 drop; ip saddr 172.30.77.2 drop; }
  }`

  afterAll(async () => {
    await onNode('nft', 'destroy', 'table', 'inet', 'cut').catch(() => undefined)
  })

  test('a fault ends by itself', async () => {
    const address = (
      await run('docker', [
        'inspect',
        '-f',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
        'divergence-control-plane',
      ])
    ).stdout.trim()
    await agent.begin()

    await onNode('nft', cut.replaceAll('172.30.77.2', address))
    try {
      expect(await agent.msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    } finally {
      await onNode('nft', 'delete', 'table', 'inet', 'cut')
    }
    await kubectl('wait', 'node', NODE, '--for=condition=Ready', '--timeout=30s')
  })
})

describe('a fault in the API', () => {
  const lease = (undo: object) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: `test-${newId()}`,
      namespace: CHAOS_NAMESPACE,
      labels: { 'divergence/fault-lease': 'true' },
      annotations: { 'divergence/undo': JSON.stringify([undo]) },
    },
    spec: {
      holderIdentity: 'test',
      leaseDurationSeconds: 3,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  })

  async function apply(object: object): Promise<void> {
    const child = spawn('docker', [...kubectlArguments, 'apply', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    child.stdin.end(JSON.stringify(object))
    expect(await once(child, 'exit')).toEqual([0, null])
  }

  test('is undone by the agents when nobody renews its lease', async () => {
    const promise = lease({ undo: 'uncordon', node: 'experiment-b' })
    await apply(promise)
    await kubectl('cordon', 'experiment-b')
    const cordoned = () => kubectl('get', 'node', 'experiment-b', '-o', 'jsonpath={.spec.unschedulable}')
    expect(await cordoned()).toBe('true')

    const startMs = performance.now()
    while ((await cordoned()) === 'true' && performance.now() - startMs < 20_000) await sleep(250)

    expect(performance.now() - startMs).toBeLessThan(LONGEST_UNDO_MS)
    await sleep(500)
    expect(await refusal('get', 'lease', '-n', CHAOS_NAMESPACE, promise.metadata.name)).toContain('NotFound')
  })
})
