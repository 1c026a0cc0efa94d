import { describe, expect, test } from '@jest/globals'
import { wholeLab } from '../lab/recording.ts'
import {
  EXPERIMENT_NODES,
  examplePlan,
  LASTING,
  planOf,
  primaryIn,
  twoNodesInB,
  withPods,
} from './example-plans.ts'

describe('zoneOutage', () => {
  test('takes the power from the zone and gives it back', () => {
    expect(examplePlan('zone-outage')).toEqual({
      kind: 'zone-outage',
      targets: ['experiment-b'],
      zone: 'b',
      begin: [{ action: 'power-off', zone: 'b', nodes: ['experiment-b'] }],
      end: [{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }],
      proofs: [{ proof: 'node-not-ready', node: 'experiment-b' }],
    })
  })

  test('hits every node of a zone that has several', () => {
    expect(examplePlan('zone-outage', twoNodesInB()).targets).toEqual(['experiment-b', 'experiment-b2'])
  })

  test('follows the primary of the experiment, whatever the control group has', () => {
    expect(planOf('zone-outage', { zone: 'primary' }, LASTING, primaryIn('c')).targets).toEqual([
      'experiment-c',
    ])
  })

  test('is an error when the zone has no node of the experiment', () => {
    const lab = wholeLab()
    const nodes = lab.nodes.map(node => (node.name === 'experiment-b' ? { ...node, group: 'control' } : node))
    expect(() => examplePlan('zone-outage', { ...lab, nodes })).toThrow('zone b of the experiment group')
  })

  test('is an error when there is no primary to find the zone of', () => {
    const view = withPods(pod => ({ ...pod, role: null }))
    expect(() => planOf('zone-outage', { zone: 'primary' }, LASTING, view)).toThrow('has no Postgres primary')
  })
})

describe('powerOff', () => {
  test('takes the power of one node only, the same one for the same seed', () => {
    const hit = [1, 2, 3, 4, 5, 6].map(seed => examplePlan('power-off', twoNodesInB(), seed).targets)
    expect(new Set(hit.flat())).toEqual(new Set(['experiment-b', 'experiment-b2']))
    expect(hit.every(targets => targets.length === 1)).toBe(true)
    expect([1, 2, 3, 4, 5, 6].map(seed => examplePlan('power-off', twoNodesInB(), seed).targets)).toEqual(hit)
  })

  test('takes a node of any zone when none is given', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const hit = seeds.flatMap(seed => planOf('power-off', {}, LASTING, wholeLab(), seed).targets)
    expect([...new Set(hit)].sort()).toEqual(EXPERIMENT_NODES)
  })
})

describe('zonePartition', () => {
  test('leaves open the way by which it is ended, and shows by the node and by its packets', () => {
    const fault = examplePlan('zone-partition')
    expect(fault.begin).toMatchObject([
      {
        node: 'experiment-b',
        target: { kind: 'node', node: 'experiment-b' },
        actions: [{ action: 'drop', direction: 'both', probability: 1, exceptOwnTcpPorts: [10_250] }],
      },
    ])
    expect(fault.proofs.map(({ proof }) => proof)).toEqual(['agent-measured', 'node-not-ready'])
  })
})

describe('drain', () => {
  test('cordons the node, asks its pods to leave, and gives it back', () => {
    const fault = examplePlan('drain')
    expect(fault.targets).toEqual(['experiment-b'])
    expect(fault.begin[0]).toEqual({ action: 'cordon', node: 'experiment-b' })
    expect(fault.begin.slice(1).map(action => ('name' in action ? action.name : ''))).toEqual([
      'gateway-b',
      'recommender-b',
      'database-b',
    ])
    expect(fault.end).toEqual([{ action: 'api-undo', undo: { undo: 'uncordon', node: 'experiment-b' } }])
    expect(fault.proofs.map(({ proof }) => proof)).toEqual([
      'node-cordoned',
      'pod-gone',
      'pod-gone',
      'pod-gone',
    ])
  })

  test('leaves alone a node that somebody else has cordoned', () => {
    const lab = wholeLab()
    const nodes = lab.nodes.map(node => ({ ...node, cordoned: true }))
    expect(() => examplePlan('drain', { ...lab, nodes })).toThrow('it is cordoned already')
  })
})
