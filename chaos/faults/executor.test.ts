import { describe, expect, test } from '@jest/globals'
import { MachineryError, UserError } from '../../platform/errors.ts'
import { RecordedLab } from '../lab/recording.ts'
import { clusterExecutor, dryRunExecutor } from './executor.ts'
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

const clock = { nowMs: () => 1795241633240 }

function fixture() {
  const lab = new RecordedLab()
  return { lab, executor: clusterExecutor({ cluster: lab.cluster, lab, pods: lab, clock }) }
}

describe('clusterExecutor()', () => {
  test('does what the plan says', async () => {
    const { lab, executor } = fixture()
    expect(await executor.perform([powerOff, killGateway], never)).toBe(clock.nowMs())
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
    const attempt = executor.perform([killGateway, action as Action], never)
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(words)
    expect(lab.done).toEqual([])
  })

  test('refuses a node whose label changed after it was selected', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await expect(executor.perform([powerOff], never)).rejects.toThrow('it is in the control group')
    expect(lab.done).toEqual([])
  })

  test('refuses a pod on a node that was given to the control group', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await expect(executor.perform([killGateway], never)).rejects.toThrow('on node experiment-b')
    expect(lab.done).toEqual([])
  })

  test('refuses a pod in the namespace of the control group, whatever its label and its node say', async () => {
    const { lab, executor } = fixture()
    const pods = lab.current.pods.map(pod =>
      pod.namespace === 'control' ? { ...pod, group: 'experiment', nodeName: 'experiment-b' } : pod,
    )
    lab.current = { ...lab.current, pods }
    const forged: Action = { ...killGateway, namespace: 'control', uid: 'control-gateway-b' }
    await expect(executor.perform([forged], never)).rejects.toThrow('it is in the control group')
    expect(lab.done).toEqual([])
  })

  test('leaves a pod alone that took the name of the selected one', async () => {
    const { lab, executor } = fixture()
    await expect(executor.perform([{ ...killGateway, uid: 'earlier' }], never)).rejects.toBeInstanceOf(
      MachineryError,
    )
    expect(lab.done).toEqual([])
  })

  test('refuses a node that is in another zone now', async () => {
    const { lab, executor } = fixture()
    await expect(executor.perform([{ ...powerOff, zone: 'c' }], never)).rejects.toThrow('it is in zone b now')
    expect(lab.done).toEqual([])
  })

  test('gives power back even when the label says control now: an undo is never refused', async () => {
    const { lab, executor } = fixture()
    lab.relabel('experiment-b', 'control')
    await executor.perform([{ ...powerOff, action: 'power-on' }], never)
    expect(lab.done).toEqual([{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }])
  })

  test('begins nothing after the run was stopped', async () => {
    const { lab, executor } = fixture()
    await expect(executor.perform([powerOff], AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    expect(lab.done).toEqual([])
  })

  test('says which action failed', async () => {
    const { lab, executor } = fixture()
    lab.failingPowerOns = 1
    await expect(executor.perform([{ ...powerOff, action: 'power-on' }], never)).rejects.toThrow(
      'the engine does not answer',
    )
  })
})

describe('dryRunExecutor()', () => {
  test('tells, does nothing, and refuses the same targets', async () => {
    const { lab } = fixture()
    const told: string[] = []
    const executor = dryRunExecutor({ lab, clock }, message => told.push(message))
    await executor.perform([powerOff, killGateway], never)
    expect(told).toEqual([
      'would power off zone b (experiment-b)',
      'would delete pod experiment/gateway-b with 0 s of grace',
    ])
    await expect(executor.perform([{ ...powerOff, nodes: ['control-b'] }], never)).rejects.toThrow(
      'control group',
    )
    expect(lab.done).toEqual([])
  })
})
