import { describe, expect, test } from '@jest/globals'
import { MachineryError, UserError } from '../../platform/errors.ts'
import { AgentRefusal } from '../lab/agent-refusal.ts'
import { quickClock, RecordedLab } from '../lab/recording.ts'
import { RecordedAgents, RecordedApi } from '../lab/recording-agents.ts'
import { clusterExecutor, type Executor } from './executor.ts'
import type { Action } from './fault.ts'

const never = new AbortController().signal
const powerOff: Action = { action: 'power-off', zone: 'b', nodes: ['experiment-b'] }
const killGateway: Action = {
  action: 'delete-pod',
  namespace: 'experiment',
  name: 'gateway-b',
  uid: 'experiment-gateway-b',
  graceSeconds: 0,
}

const clock = quickClock(200)
const perform = (executor: Executor, actions: readonly Action[], signal = never) =>
  executor.perform({ runId: 'run-1', actions, atMostSeconds: 30 }, signal)

function fixture() {
  const lab = new RecordedLab()
  const agents = new RecordedAgents(clock)
  const api = new RecordedApi()
  const executor = clusterExecutor({ cluster: lab.cluster, lab, pods: lab, api, agents, clock })
  return { lab, agents, api, executor }
}

describe('clusterExecutor()', () => {
  test('does what the plan says', async () => {
    const { lab, executor } = fixture()
    const { actedAtMs } = await perform(executor, [powerOff, killGateway])
    expect(actedAtMs).toBeLessThanOrEqual(clock.nowMs())
    expect(lab.done.map(({ action }) => action).sort()).toEqual(['delete-pod', 'power-off'])
  })

  test.each([
    [
      'a node of the control group',
      { ...powerOff, nodes: ['control-b'] },
      "node control-b': it is in the control group",
    ],
    ['the system node', { ...powerOff, nodes: ['system'] }, 'it is in the system group'],
    ['one node too many', { ...powerOff, nodes: ['experiment-b', 'control-b'] }, 'control-b'],
    [
      'a pod of the control group',
      { ...killGateway, namespace: 'control', uid: 'control-gateway-b' },
      'control group',
    ],
  ])('refuses %s and does nothing at all', async (_title, action, words) => {
    const { lab, executor } = fixture()
    const attempt = perform(executor, [killGateway, action as Action])
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(words)
    expect(lab.done).toEqual([])
  })

  test('refuses a node whose label changed after it was selected', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await expect(perform(executor, [powerOff])).rejects.toThrow('it is in the control group')
    expect(lab.done).toEqual([])
  })

  test('refuses a pod on a node that was given to the control group', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await expect(perform(executor, [killGateway])).rejects.toThrow('on node experiment-b')
    expect(lab.done).toEqual([])
  })

  test('refuses a pod in the namespace of the control group, whatever its label and its node say', async () => {
    const { lab, executor } = fixture()
    const pods = lab.current.pods.map(pod =>
      pod.namespace === 'control' ? { ...pod, group: 'experiment', nodeName: 'experiment-b' } : pod,
    )
    lab.current = { ...lab.current, pods }
    const forged: Action = { ...killGateway, namespace: 'control', uid: 'control-gateway-b' }
    await expect(perform(executor, [forged])).rejects.toThrow('it is in the control group')
    expect(lab.done).toEqual([])
  })

  test('leaves a pod alone that took the name of the selected one', async () => {
    const { lab, executor } = fixture()
    await expect(perform(executor, [{ ...killGateway, uid: 'earlier' }])).rejects.toBeInstanceOf(
      MachineryError,
    )
    expect(lab.done).toEqual([])
  })

  test('refuses a node that is in another zone now', async () => {
    const { lab, executor } = fixture()
    await expect(perform(executor, [{ ...powerOff, zone: 'c' }])).rejects.toThrow('it is in zone b now')
    expect(lab.done).toEqual([])
  })

  test('refuses the power of one node where another shares its switch', async () => {
    const { lab, executor } = fixture()
    const nodes = lab.current.nodes.map(node =>
      node.name === 'experiment-c' ? { ...node, zone: 'b' as const } : node,
    )
    lab.current = { ...lab.current, nodes }
    const attempt = perform(executor, [powerOff])
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow('from experiment-b alone: experiment-c in zone b would lose it')
    expect(lab.done).toEqual([])
    await perform(executor, [{ ...powerOff, nodes: ['experiment-b', 'experiment-c'] }])
    expect(lab.done).toHaveLength(1)
  })

  test('gives power back even when the label says control now: an undo is never refused', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await perform(executor, [{ ...powerOff, action: 'power-on' }])
    expect(lab.done).toEqual([{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }])
  })

  test('begins nothing after the run was stopped', async () => {
    const { lab, executor } = fixture()
    await expect(perform(executor, [powerOff], AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    expect(lab.done).toEqual([])
  })

  test('says which action failed', async () => {
    const { lab, executor } = fixture()
    lab.failingPowerOns = 1
    await expect(perform(executor, [{ ...powerOff, action: 'power-on' }])).rejects.toThrow(
      'the engine does not answer',
    )
  })
})

describe('clusterExecutor() with agents', () => {
  const begin = (zone: 'a' | 'b'): Action => ({
    action: 'agent-begin',
    node: `experiment-${zone}`,
    id: `f${zone}`,
    kind: 'latency',
    target: {
      kind: 'container',
      pod: `gateway-${zone}`,
      podUid: `experiment-gateway-${zone}`,
      container: 'gateway',
    },
    actions: [{ action: 'delay', delayMs: 100, jitterMs: 0 }],
    durationSeconds: 30,
  })
  const end = (zone: 'a' | 'b'): Action => ({
    action: 'agent-end',
    node: `experiment-${zone}`,
    id: `f${zone}`,
  })

  test('prepares everywhere before it begins anywhere', async () => {
    const { agents, executor } = fixture()
    await perform(executor, [begin('a'), begin('b')])
    expect(agents.told.map(line => line.split(' ')[1])).toEqual(['prepare', 'prepare', 'begin', 'begin'])
    expect(agents.active()).toHaveLength(2)
  })

  test.each([
    ['CAPABILITY_MISSING', UserError],
    ['FAILED', MachineryError],
  ] as const)('begins nothing at all when one agent refuses with %s', async (code, type) => {
    const { agents, lab, executor } = fixture()
    agents.refusals.set('experiment-b', new AgentRefusal('experiment-b', code, 'no'))
    const attempt = perform(executor, [begin('a'), begin('b'), killGateway])
    await expect(attempt).rejects.toBeInstanceOf(type)
    await expect(attempt).rejects.toThrow('The agent on experiment-b refuses')
    expect(agents.told.filter(line => line.includes('begin'))).toEqual([])
    expect(agents.told).toContain('experiment-a end latency')
    expect(lab.done).toEqual([])
  })

  test.each([
    [
      'a node that was given to the control group',
      (lab: RecordedLab) => lab.relabel('experiment-b', 'control'),
    ],
    [
      'a pod that is on another node now',
      (lab: RecordedLab) => {
        const pods = lab.current.pods.map(pod =>
          pod.uid === 'experiment-gateway-b' ? { ...pod, nodeName: 'experiment-c' } : pod,
        )
        lab.current = { ...lab.current, pods }
      },
    ],
    [
      'a pod that took the name of the selected one',
      (lab: RecordedLab) => {
        const pods = lab.current.pods.map(pod =>
          pod.uid === 'experiment-gateway-b' ? { ...pod, uid: 'other' } : pod,
        )
        lab.current = { ...lab.current, pods }
      },
    ],
  ])('asks no agent about %s', async (_title, change) => {
    const { agents, lab, executor } = fixture()
    change(lab)
    await expect(perform(executor, [begin('b')])).rejects.toThrow('Cannot attack')
    expect(agents.told).toEqual([])
  })

  test('asks no agent about another node than its own', async () => {
    const { agents, executor } = fixture()
    const forged: Action = { ...begin('b'), target: { kind: 'node', node: 'control-b' } } as Action
    await expect(perform(executor, [forged])).rejects.toThrow('the agent is on experiment-b')
    expect(agents.told).toEqual([])
  })

  test('ends what is on, and takes what an agent never heard of for ended', async () => {
    const { agents, executor } = fixture()
    await perform(executor, [begin('a')])
    await perform(executor, [end('a'), end('b')])
    expect(agents.active()).toEqual([])
  })

  test('says which agent it could not reach to end a fault', async () => {
    const { agents, executor } = fixture()
    await perform(executor, [begin('a')])
    agents.silent.add('experiment-a')
    await expect(perform(executor, [end('a')])).rejects.toThrow('Cannot reach the agent on experiment-a')
  })
})

describe('clusterExecutor() in the API', () => {
  const evict: Action = {
    action: 'evict-pod',
    namespace: 'experiment',
    name: 'gateway-b',
    uid: 'experiment-gateway-b',
  }

  test('cordons, scales, occupies and undoes', async () => {
    const { api, executor } = fixture()
    await perform(executor, [
      { action: 'cordon', node: 'experiment-b' },
      { action: 'scale', resource: 'deployments', name: 'gateway', replicas: 1 },
      { action: 'occupy', name: 'o', pods: 3, cpuRequest: 1, memoryRequestMiB: 64, priority: 'low' },
      { action: 'surge', factor: 3 },
    ])
    expect(api.done).toEqual(['cordon experiment-b', 'scale gateway 1', 'occupy o'])
    await perform(executor, [{ action: 'api-undo', undo: { undo: 'uncordon', node: 'experiment-b' } }])
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-b' }])
  })

  test('cordons no node of the control group', async () => {
    const { api, executor } = fixture()
    await expect(perform(executor, [{ action: 'cordon', node: 'control-b' }])).rejects.toThrow(
      'control group',
    )
    expect(api.done).toEqual([])
  })

  test('asks again for an eviction that a budget puts off', async () => {
    const { api, executor } = fixture()
    api.refusedEvictions = 2
    const { pending } = await perform(executor, [evict])
    expect(api.done).toEqual([])
    await pending
    expect(api.done).toEqual(['evict gateway-b'])
  })

  test('stops asking when the fault is over', async () => {
    const { api, executor } = fixture()
    api.refusedEvictions = Number.POSITIVE_INFINITY
    const over = new AbortController()
    const { pending } = await perform(executor, [evict], over.signal)
    over.abort()
    await pending
    expect(api.done).toEqual([])
  })

  test('no longer asks for a pod that went by itself, nor for one that was given to control', async () => {
    for (const change of [
      (lab: RecordedLab) => lab.deletePod({ ...evict, graceSeconds: 0 }),
      async (lab: RecordedLab) => lab.relabel('experiment-b', 'control'),
    ]) {
      const { api, lab, executor } = fixture()
      api.refusedEvictions = 1
      const { pending } = await perform(executor, [evict])
      await change(lab)
      await pending
      expect(api.done).toEqual([])
    }
  })
})
