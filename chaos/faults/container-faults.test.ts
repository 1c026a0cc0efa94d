import { describe, expect, test } from '@jest/globals'
import { ZONES } from '../../platform/topology.ts'
import { wholeLab } from '../lab/recording.ts'
import {
  agentActions,
  codeOf,
  examplePlan,
  GATEWAY_IN_B,
  LASTING,
  planOf,
  withPods,
} from './example-plans.ts'

describe('killContainer', () => {
  test('is over once it has begun, and shows by the end of the container that ran', () => {
    const fault = examplePlan('kill-container')
    expect(agentActions(fault)).toEqual([[{ action: 'signal', signal: 'KILL', process: 'main' }]])
    expect(fault.end).toEqual([])
    expect(fault.proofs).toEqual([
      {
        proof: 'container-ended',
        namespace: 'experiment',
        pod: 'gateway-b',
        uid: 'experiment-gateway-b',
        container: 'gateway',
        runningIdBefore: 'containerd://gateway-b',
      },
    ])
  })
})

describe('killProcess', () => {
  test('kills by name, and the agent sees them gone', () => {
    const fault = planOf('kill-process', { services: ['database'], role: 'primary' }, { process: 'postgres' })
    expect(agentActions(fault)).toEqual([[{ action: 'signal', signal: 'KILL', process: 'postgres' }]])
    expect(fault.proofs).toMatchObject([{ proof: 'agent-measured', what: 'processes postgres gone' }])
  })
})

describe('cpu', () => {
  test('takes as many workers and as much of a core as asked for, of the target alone', () => {
    expect(agentActions(planOf('cpu', GATEWAY_IN_B, { ...LASTING, workers: 3, loadPercent: 40 }))).toEqual([
      [{ action: 'stress', resource: 'cpu', workers: 3, loadPercent: 40 }],
    ])
  })
})

describe('pause', () => {
  test('freezes each container by itself', () => {
    expect(agentActions(planOf('pause', { services: ['gateway'] }, LASTING))).toEqual(
      ZONES.map(() => [{ action: 'freeze' }]),
    )
  })
})

describe('clockSkew', () => {
  test('sets the clock off by so much, forwards or back', () => {
    expect(agentActions(planOf('clock-skew', GATEWAY_IN_B, { ...LASTING, skewMs: -600_000 }))).toEqual([
      [{ action: 'clock', offsetMs: -600_000 }],
    ])
  })
})

describe('bandwidth', () => {
  test.each([
    ['both ways unless told', {}, 'both'],
    ['one way when told', { direction: 'out' }, 'out'],
  ])('narrows the line %s', (_title, rest, direction) => {
    expect(
      agentActions(planOf('bandwidth', GATEWAY_IN_B, { ...LASTING, kbitPerSecond: 256, ...rest })),
    ).toEqual([[{ action: 'shape', kbitPerSecond: 256, direction }]])
  })
})

describe('memory', () => {
  test('turns MiB into a share of the limit', () => {
    expect(agentActions(planOf('memory', GATEWAY_IN_B, { ...LASTING, useMiB: 160 }))).toEqual([
      [{ action: 'memory', percentOfLimit: 50, killsTarget: false }],
    ])
  })

  test('goes to the limit and looks for a kill when the kernel is to kill the target', () => {
    const fault = planOf('memory', GATEWAY_IN_B, { ...LASTING, oomKill: true })
    expect(agentActions(fault)).toEqual([[{ action: 'memory', percentOfLimit: 100, killsTarget: true }]])
    expect(fault.proofs).toMatchObject([{ proof: 'agent-measured', what: 'killed for want of memory' }])
  })

  test.each([
    ['more than the limit', { useMiB: 321 }, wholeLab()],
    [
      'a container without a limit',
      { percentOfLimit: 50 },
      withPods(pod => ({
        ...pod,
        containers: pod.containers.map(container => ({ ...container, memoryLimitMiB: null })),
      })),
    ],
  ])('refuses %s', (_title, rest, view) => {
    expect(codeOf(() => planOf('memory', GATEWAY_IN_B, { ...LASTING, ...rest }, view))).toBe(
      'MEMORY_BEYOND_LIMIT',
    )
  })
})

describe('io and diskFill', () => {
  test("go to the database's data unless another volume is named", () => {
    const database = { services: ['database'], role: 'primary' }
    expect(agentActions(planOf('io', database, LASTING))).toMatchObject([[{ volume: 'data' }]])
    expect(
      agentActions(planOf('disk-fill', database, { ...LASTING, volume: 'shared-memory' })),
    ).toMatchObject([[{ volume: 'shared-memory' }]])
  })
})
