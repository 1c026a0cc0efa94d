import { describe, expect, test } from '@jest/globals'
import { wholeLab } from '../lab/recording.ts'
import { faultSchema, planFault } from './catalogue.ts'
import {
  codeOf,
  contextOf,
  EXAMPLES,
  EXPERIMENT_NODES,
  examplePlan,
  GATEWAY_IN_B,
  LASTING,
  planOf,
} from './example-plans.ts'

const GATEWAY_B = {
  kind: 'container',
  pod: 'gateway-b',
  podUid: 'experiment-gateway-b',
  container: 'gateway',
}

describe('agentFault()', () => {
  test.each([
    ['cpu', { action: 'stress', resource: 'cpu', workers: 1, loadPercent: 100 }],
    ['memory', { action: 'memory', percentOfLimit: 90, killsTarget: false }],
    ['io', { action: 'stress', resource: 'io', workers: 1, volume: 'tmp' }],
    ['disk-fill', { action: 'fill', volume: 'tmp', leaveFreeMiB: 0, atMostMiB: 256 }],
    ['pause', { action: 'freeze' }],
    ['latency', { action: 'delay', delayMs: 100, jitterMs: 10 }],
    ['loss', { action: 'drop', direction: 'both', probability: 0.05 }],
    ['bandwidth', { action: 'shape', kbitPerSecond: 1000, direction: 'both' }],
    ['blackhole', { action: 'drop', direction: 'both', probability: 1 }],
    ['dns', { action: 'drop', direction: 'in', probability: 1, protocol: 'udp', peerPort: 53 }],
    ['clock-skew', { action: 'clock', offsetMs: -5000 }],
  ])('%s: begins on the node of its pod, ends there, and is measured there', (kind, action) => {
    const fault = examplePlan(kind)
    const at = { node: 'experiment-b', id: 'run1t0' }
    expect(fault.begin).toEqual([
      { action: 'agent-begin', ...at, kind, target: GATEWAY_B, actions: [action], durationSeconds: 20 },
    ])
    expect(fault.end).toEqual([{ action: 'agent-end', ...at }])
    expect(fault.proofs).toEqual([{ proof: 'agent-measured', ...at, what: expect.any(String) }])
    expect(fault.zone).toBe('b')
  })

  test('gives every target an id of its own', () => {
    const fault = planOf('cpu', { services: ['gateway', 'recommender'] }, LASTING)
    const ids = fault.begin.map(action => (action.action === 'agent-begin' ? action.id : ''))
    expect(ids).toEqual(['run1t0', 'run1t1', 'run1t2', 'run1t3', 'run1t4', 'run1t5'])
    expect(fault.zone).toBeNull()
  })

  test.each(['cpu', 'kill-container', 'latency', 'zone-partition', 'slow-database'])(
    '%s: is refused when the node has no agent',
    kind => {
      const [select, rest] = EXAMPLES[kind] ?? [{}, {}]
      const spec = faultSchema.parse({ kind, select: { group: 'experiment', ...select }, ...rest })
      const without = { ...contextOf(), capabilities: new Map() }
      expect(codeOf(() => planFault(spec, wholeLab(), without))).toBe('CAPABILITY_MISSING')
    },
  )

  test('is refused when the node cannot do it, with what it would need', () => {
    const spec = faultSchema.parse({
      kind: 'cpu',
      select: { group: 'experiment', ...GATEWAY_IN_B },
      ...LASTING,
    })
    const capabilities = new Map(EXPERIMENT_NODES.map(node => [node, new Set(['nft'] as const)]))
    expect(() => planFault(spec, wholeLab(), { ...contextOf(), capabilities })).toThrow(
      'Cannot do cpu on node experiment-b: it needs stress-ng, the node has nft',
    )
  })

  test('names containers with their pod, and networks by their pod', () => {
    expect(examplePlan('pause').targets).toEqual(['gateway-b/gateway'])
    expect(examplePlan('loss').targets).toEqual(['gateway-b'])
  })

  test('is refused for a container that the pod does not have', () => {
    const select = { ...GATEWAY_IN_B, container: 'sidecar' }
    expect(() => planOf('pause', select, LASTING)).toThrow('container sidecar of gateway-b')
  })
})
