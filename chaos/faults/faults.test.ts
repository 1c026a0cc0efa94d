import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UserError } from '../../platform/errors.ts'
import { ZONES } from '../../platform/topology.ts'
import { CAPABILITIES, type Capabilities } from '../../services/agent/actions/action.ts'
import { definitionOf } from '../../services/agent/actions/catalogue.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView, NodeView, PodView } from '../lab/view.ts'
import { FAULT_KINDS, faultSchema, planFault } from './catalogue.ts'
import type { Action, FaultPlan, PlanContext } from './fault.ts'

const ALL: Capabilities = new Set(CAPABILITIES)
const NODES = ZONES.map(zone => `experiment-${zone}`)
const context = (seed = 1): PlanContext => ({
  id: 'run1',
  capabilities: new Map(NODES.map(node => [node, ALL])),
  seed,
})

/** A fault as a person writes it, resolved; `select` without its group. */
function plan(
  kind: string,
  select: Readonly<Record<string, unknown>>,
  rest: Readonly<Record<string, unknown>> = {},
  view: LabView = wholeLab(),
  seed = 1,
): FaultPlan {
  const spec = faultSchema.parse({ kind, select: { group: 'experiment', ...select }, ...rest })
  return planFault(spec, view, context(seed))
}

function withPods(change: (pod: PodView) => PodView | null): LabView {
  const lab = wholeLab()
  return { ...lab, pods: lab.pods.flatMap(pod => change(pod) ?? []) }
}

/** The lab with the experiment's primary in another zone. */
const primaryIn = (zone: 'b' | 'c') =>
  withPods(pod =>
    pod.group === 'experiment' && pod.service === 'database'
      ? { ...pod, role: pod.name === `database-${zone}` ? 'primary' : 'replica' }
      : pod,
  )

/** What each kind needs besides a selection. */
const LASTING = { durationSeconds: 20 }
const PODS = { services: ['gateway'], zone: 'b' }
const EXAMPLES: Readonly<Record<string, readonly [object, object]>> = {
  cpu: [PODS, LASTING],
  memory: [PODS, { ...LASTING, percentOfLimit: 90 }],
  io: [PODS, LASTING],
  'disk-fill': [PODS, LASTING],
  'kill-container': [PODS, {}],
  'kill-process': [PODS, { process: 'node' }],
  pause: [PODS, LASTING],
  latency: [PODS, { ...LASTING, delayMs: 100, jitterMs: 10 }],
  loss: [PODS, { ...LASTING, lossPercent: 5 }],
  bandwidth: [PODS, { ...LASTING, kbitPerSecond: 1000 }],
  blackhole: [PODS, LASTING],
  dns: [PODS, LASTING],
  partition: [PODS, { ...LASTING, from: ['recommender'] }],
  'clock-skew': [PODS, { ...LASTING, skewMs: -5000 }],
  'kill-pod': [PODS, {}],
  'kill-primary': [{}, {}],
  evict: [PODS, LASTING],
  'power-off': [{ zone: 'b' }, LASTING],
  'zone-outage': [{ zone: 'b' }, LASTING],
  'zone-partition': [{ zone: 'b' }, LASTING],
  drain: [{ zone: 'b' }, LASTING],
  oversubscribe: [{}, LASTING],
  'scale-down': [{ services: ['gateway'] }, { ...LASTING, replicas: 1 }],
  'slow-database': [{}, LASTING],
  'connection-exhaustion': [{}, LASTING],
  surge: [{}, { ...LASTING, factor: 3 }],
}
const example = (kind: string, view?: LabView, seed?: number) => {
  const [select, rest] = EXAMPLES[kind] ?? [{}, {}]
  return plan(kind, { ...select }, { ...rest }, view, seed)
}

/** The actions that one agent is asked for. */
function agentActions(fault: FaultPlan) {
  return fault.begin.map(action => (action.action === 'agent-begin' ? action.actions : []))
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error.code
    throw error
  }
  return 'none'
}

const GATEWAY_B = {
  kind: 'container',
  pod: 'gateway-b',
  podUid: 'experiment-gateway-b',
  container: 'gateway',
}

describe('a fault that an agent carries out', () => {
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
    const fault = example(kind)
    const at = { node: 'experiment-b', id: 'run1t0' }
    expect(fault.begin).toEqual([
      { action: 'agent-begin', ...at, kind, target: GATEWAY_B, actions: [action], durationSeconds: 20 },
    ])
    expect(fault.end).toEqual([{ action: 'agent-end', ...at }])
    expect(fault.proofs).toEqual([{ proof: 'agent-measured', ...at, what: expect.any(String) }])
    expect(fault.zone).toBe('b')
  })

  test('gives every target an id of its own', () => {
    const fault = plan('cpu', { services: ['gateway', 'recommender'] }, LASTING)
    const ids = fault.begin.map(action => (action.action === 'agent-begin' ? action.id : ''))
    expect(ids).toEqual(['run1t0', 'run1t1', 'run1t2', 'run1t3', 'run1t4', 'run1t5'])
    expect(fault.zone).toBeNull()
  })

  test.each(['cpu', 'kill-container', 'latency', 'zone-partition', 'slow-database'])(
    '%s: is refused when the node has no agent',
    kind => {
      const [select, rest] = EXAMPLES[kind] ?? [{}, {}]
      const spec = faultSchema.parse({ kind, select: { group: 'experiment', ...select }, ...rest })
      const without = { ...context(), capabilities: new Map() }
      expect(codeOf(() => planFault(spec, wholeLab(), without))).toBe('CAPABILITY_MISSING')
    },
  )

  test('is refused when the node cannot do it, with what it would need', () => {
    const spec = faultSchema.parse({ kind: 'cpu', select: { group: 'experiment', ...PODS }, ...LASTING })
    const capabilities = new Map(NODES.map(node => [node, new Set(['nft'] as const)]))
    expect(() => planFault(spec, wholeLab(), { ...context(), capabilities })).toThrow(
      'Cannot do cpu on node experiment-b: it needs stress-ng, the node has nft',
    )
  })

  test('names containers with their pod, and networks by their pod', () => {
    expect(example('pause').targets).toEqual(['gateway-b/gateway'])
    expect(example('loss').targets).toEqual(['gateway-b'])
  })

  test('is refused for a container that the pod does not have', () => {
    const select = { ...PODS, container: 'sidecar' }
    expect(() => plan('pause', select, LASTING)).toThrow('container sidecar of gateway-b')
  })
})

describe('killContainer', () => {
  test('is over once it has begun, and shows by one more start of the container', () => {
    const fault = example('kill-container')
    expect(agentActions(fault)).toEqual([[{ action: 'signal', signal: 'KILL', process: 'main' }]])
    expect(fault.end).toEqual([])
    expect(fault.proofs).toEqual([
      {
        proof: 'container-restarted',
        namespace: 'experiment',
        pod: 'gateway-b',
        uid: 'experiment-gateway-b',
        container: 'gateway',
        restartsBefore: 0,
      },
    ])
  })
})

describe('killProcess', () => {
  test('kills by name, and the agent sees them gone', () => {
    const fault = plan('kill-process', { services: ['database'], role: 'primary' }, { process: 'postgres' })
    expect(agentActions(fault)).toEqual([[{ action: 'signal', signal: 'KILL', process: 'postgres' }]])
    expect(fault.proofs).toMatchObject([{ proof: 'agent-measured', what: 'processes postgres gone' }])
  })
})

describe('memory', () => {
  test('turns MiB into a share of the limit', () => {
    expect(agentActions(plan('memory', PODS, { ...LASTING, useMiB: 160 }))).toEqual([
      [{ action: 'memory', percentOfLimit: 50, killsTarget: false }],
    ])
  })

  test('goes to the limit and looks for a kill when the kernel is to kill the target', () => {
    const fault = plan('memory', PODS, { ...LASTING, oomKill: true })
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
    expect(codeOf(() => plan('memory', PODS, { ...LASTING, ...rest }, view))).toBe('MEMORY_BEYOND_LIMIT')
  })
})

describe('io and diskFill', () => {
  test("go to the database's data unless another volume is named", () => {
    const database = { services: ['database'], role: 'primary' }
    expect(agentActions(plan('io', database, LASTING))).toMatchObject([[{ volume: 'data' }]])
    expect(agentActions(plan('disk-fill', database, { ...LASTING, volume: 'shared-memory' }))).toMatchObject([
      [{ volume: 'shared-memory' }],
    ])
  })
})

describe('peers of network faults', () => {
  const peers = (kind: string, rest: object) =>
    agentActions(plan(kind, PODS, { ...LASTING, ...rest })).map(
      actions => (actions[0] as { peers?: readonly string[] }).peers,
    )

  test('a service without an address of its own: its pods', () => {
    expect(peers('partition', { from: ['recommender'] })).toEqual([
      ['10.244.21.12', '10.244.22.12', '10.244.23.12'],
    ])
  })

  test('a service with one: that as well, which is what its clients see', () => {
    expect(peers('blackhole', { peer: { services: ['database'] } })).toEqual([
      ['10.244.21.13', '10.244.22.13', '10.244.23.13', '10.96.1.4'],
    ])
  })

  test('a zone: its nodes and every pod there, now and later', () => {
    expect(peers('blackhole', { peer: { zone: 'c' } })).toEqual([
      ['10.244.23.0/24', '10.244.23.11', '10.244.23.12', '10.244.23.13', '172.30.77.23'],
    ])
  })

  test('a service in a zone: only that pod', () => {
    const peer = { services: ['database'], zone: 'primary' }
    expect(peers('latency', { delayMs: 10, peer })).toEqual([['10.244.21.13']])
  })

  test('never the target itself', () => {
    expect(peers('loss', { lossPercent: 10, peer: { services: ['gateway'] } })).toEqual([
      ['10.244.21.11', '10.244.23.11'],
    ])
  })

  test('everybody, when nothing is said', () => {
    expect(peers('loss', { lossPercent: 10 })).toEqual([undefined])
  })

  test('nobody is an error', () => {
    const view = withPods(pod => ({ ...pod, address: null }))
    const rest = { ...LASTING, from: ['recommender'] }
    expect(codeOf(() => plan('partition', PODS, rest, view))).toBe('NOTHING_SELECTED')
  })
})

describe('dns', () => {
  test('holds back answers when it is to be slow', () => {
    expect(agentActions(plan('dns', PODS, { ...LASTING, mode: 'slow', delayMs: 3000 }))).toEqual([
      [{ action: 'delay', delayMs: 3000, jitterMs: 0, protocol: 'udp', peerPort: 53 }],
    ])
  })
})

describe('killPod', () => {
  test('kills the pods of the services in the zone, at once and by their uid', () => {
    const fault = plan('kill-pod', { services: ['gateway', 'recommender'], zone: 'b' })
    expect(fault.begin).toEqual(
      ['gateway', 'recommender'].map(service => ({
        action: 'delete-pod',
        namespace: 'experiment',
        name: `${service}-b`,
        uid: `experiment-${service}-b`,
        graceSeconds: 0,
      })),
    )
    expect(fault.end).toEqual([])
    expect(fault.proofs).toMatchObject([
      { proof: 'pod-replaced', uid: 'experiment-gateway-b', zone: 'b', before: ['experiment-gateway-b'] },
      { proof: 'pod-replaced', uid: 'experiment-recommender-b', zone: 'b' },
    ])
  })

  test('proves each in its own zone when they are in several', () => {
    const fault = plan('kill-pod', { services: ['gateway'], onePerZone: true })
    expect(fault.zone).toBeNull()
    expect(fault.proofs).toMatchObject(ZONES.map(zone => ({ zone, uid: `experiment-gateway-${zone}` })))
  })
})

describe('killPrimary', () => {
  test('kills the one that leads, wherever it is', () => {
    const fault = example('kill-primary', primaryIn('c'))
    expect(fault.targets).toEqual(['database-c'])
    expect(fault.proofs).toMatchObject([
      { proof: 'pod-gone', uid: 'experiment-database-c' },
      { proof: 'primary-moved', uidBefore: 'experiment-database-c' },
    ])
  })

  test('takes the one that answers for the primary while a dead one still says it is', () => {
    const view = withPods(pod => {
      if (pod.group !== 'experiment' || pod.service !== 'database') return pod
      return { ...pod, role: 'primary', ready: pod.name === 'database-b' }
    })
    expect(example('kill-primary', view).targets).toEqual(['database-b'])
  })
})

describe('evict', () => {
  test('asks, and counts the pod gone however long it took', () => {
    const fault = example('evict')
    expect(fault.begin).toMatchObject([{ action: 'evict-pod', uid: 'experiment-gateway-b' }])
    expect(fault.proofs).toMatchObject([{ proof: 'pod-gone', uid: 'experiment-gateway-b' }])
  })
})

describe('zoneOutage', () => {
  test('takes the power from the zone and gives it back', () => {
    expect(example('zone-outage')).toEqual({
      kind: 'zone-outage',
      targets: ['experiment-b'],
      zone: 'b',
      begin: [{ action: 'power-off', zone: 'b', nodes: ['experiment-b'] }],
      end: [{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }],
      proofs: [{ proof: 'node-not-ready', node: 'experiment-b' }],
    })
  })

  test('hits every node of a zone that has several', () => {
    expect(example('zone-outage', twoNodesInB()).targets).toEqual(['experiment-b', 'experiment-b2'])
  })

  test('follows the primary of the experiment, whatever the control group has', () => {
    expect(plan('zone-outage', { zone: 'primary' }, LASTING, primaryIn('c')).targets).toEqual([
      'experiment-c',
    ])
  })

  test('is an error when the zone has no node of the experiment', () => {
    const lab = wholeLab()
    const nodes = lab.nodes.map(node => (node.name === 'experiment-b' ? { ...node, group: 'control' } : node))
    expect(() => example('zone-outage', { ...lab, nodes })).toThrow('zone b of the experiment group')
  })

  test('is an error when there is no primary to find the zone of', () => {
    const view = withPods(pod => ({ ...pod, role: null }))
    expect(() => plan('zone-outage', { zone: 'primary' }, LASTING, view)).toThrow('has no Postgres primary')
  })
})

function twoNodesInB(): LabView {
  const lab = wholeLab()
  const second = lab.nodes
    .filter(node => node.name === 'experiment-b')
    .map(node => ({ ...node, name: 'experiment-b2', uid: 'node-experiment-b2' }))
  return { ...lab, nodes: [...lab.nodes, ...second] }
}

describe('powerOff', () => {
  test('takes the power of one node only, the same one for the same seed', () => {
    const hit = [1, 2, 3, 4, 5, 6].map(seed => example('power-off', twoNodesInB(), seed).targets)
    expect(new Set(hit.flat())).toEqual(new Set(['experiment-b', 'experiment-b2']))
    expect(hit.every(targets => targets.length === 1)).toBe(true)
    expect([1, 2, 3, 4, 5, 6].map(seed => example('power-off', twoNodesInB(), seed).targets)).toEqual(hit)
  })

  test('takes a node of any zone when none is given', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const hit = seeds.flatMap(seed => plan('power-off', {}, LASTING, wholeLab(), seed).targets)
    expect([...new Set(hit)].sort()).toEqual(NODES)
  })
})

describe('zonePartition', () => {
  test('leaves open the way by which it is ended, and shows by the node and by its packets', () => {
    const fault = example('zone-partition')
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
    const fault = example('drain')
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
    expect(() => example('drain', { ...lab, nodes })).toThrow('it is cordoned already')
  })
})

describe('oversubscribe', () => {
  test('asks for more than the nodes have, among pods of equal size', () => {
    // 3 nodes of 2 cores and 2972 MiB; 150 % of it among 12 pods.
    expect(example('oversubscribe').begin).toEqual([
      {
        action: 'occupy',
        name: 'occupy-run1',
        pods: 12,
        cpuRequest: 0.75,
        memoryRequestMiB: 1115,
        priority: 'low',
      },
    ])
  })

  test('takes away what it made', () => {
    const fault = example('oversubscribe')
    expect(fault.end).toEqual([
      { action: 'api-undo', undo: { undo: 'delete-deployment', name: 'occupy-run1' } },
    ])
    expect(fault.proofs).toEqual([{ proof: 'pods-pending' }])
  })
})

describe('scaleDown', () => {
  test('takes replicas away and gives back as many as there were', () => {
    const fault = plan('scale-down', { services: ['database'] }, { ...LASTING, replicas: 2 })
    const what = { resource: 'statefulsets', name: 'database' }
    expect(fault.begin).toEqual([{ action: 'scale', ...what, replicas: 2 }])
    expect(fault.end).toEqual([{ action: 'api-undo', undo: { undo: 'scale', ...what, replicas: 3 } }])
    expect(fault.proofs).toEqual([{ proof: 'replicas-at-most', service: 'database', replicas: 2 }])
  })

  test('refuses what would take nothing away', () => {
    const work = () => plan('scale-down', { services: ['gateway'] }, { ...LASTING, replicas: 3 })
    expect(codeOf(work)).toBe('NOT_SMALLER')
  })
})

describe('slowDatabase and connectionExhaustion', () => {
  test('go to the primary, unless replicas are asked for', () => {
    expect(example('slow-database', primaryIn('c')).targets).toEqual(['database-c/database'])
    expect(plan('connection-exhaustion', { role: 'replica' }, LASTING).targets).toEqual([
      'database-b/database',
      'database-c/database',
    ])
  })

  test('say what the sessions do', () => {
    expect(agentActions(example('slow-database'))).toEqual([
      [{ action: 'sql', mode: 'slow-queries', sessions: 4 }],
    ])
    expect(agentActions(plan('slow-database', {}, { ...LASTING, mode: 'lock', table: 'plays' }))).toEqual([
      [{ action: 'sql', mode: 'lock', sessions: 1, table: 'plays' }],
    ])
    expect(agentActions(example('connection-exhaustion'))).toEqual([
      [{ action: 'sql', mode: 'connections', sessions: 120 }],
    ])
  })
})

describe('surge', () => {
  test('tells the factor, and proves it by arrivals', () => {
    const fault = example('surge')
    expect(fault.begin).toEqual([{ action: 'surge', factor: 3 }])
    expect(fault.proofs).toEqual([{ proof: 'load-factor', factor: 3 }])
  })
})

describe('faultSchema', () => {
  test('knows every fault of the catalogue, and each is tested here', () => {
    expect(faultSchema.options.map(option => option.shape.kind.value)).toEqual(FAULT_KINDS)
    expect(Object.keys(EXAMPLES)).toEqual(FAULT_KINDS)
  })

  test.each(FAULT_KINDS)('%s: does not take the control group', kind => {
    const [select, rest] = EXAMPLES[kind] ?? [{}, {}]
    const parsed = faultSchema.safeParse({ kind, select: { ...select, group: 'control' }, ...rest })
    expect(parsed.error?.issues).toMatchObject([{ path: ['select', 'group'] }])
  })
})

describe('planFault()', () => {
  const variants: [string, FaultPlan][] = [
    ...FAULT_KINDS.map((kind): [string, FaultPlan] => [kind, example(kind)]),
    ['slow dns', plan('dns', PODS, { ...LASTING, mode: 'slow', delayMs: 500 })],
    ['memory to the kill', plan('memory', PODS, { ...LASTING, oomKill: true })],
    ['memory in MiB', plan('memory', PODS, { ...LASTING, useMiB: 200 })],
    ['a lock', plan('slow-database', {}, { ...LASTING, mode: 'lock', table: 'plays' })],
    ['a blackhole to a zone', plan('blackhole', PODS, { ...LASTING, peer: { zone: 'c' } })],
    ['latency of a service', plan('latency', PODS, { ...LASTING, delayMs: 1, peer: { services: ['edge'] } })],
  ]

  test.each(variants)('%s: asks agents only for what they take, of what they do it to', (_title, fault) => {
    for (const action of fault.begin) {
      if (action.action !== 'agent-begin') continue
      expect(action.id).toMatch(/^[a-z0-9]{1,24}$/)
      for (const spec of action.actions) {
        const { schema, on } = definitionOf(spec)
        expect(schema.safeParse(spec).error?.message).toBeUndefined()
        expect(on).toContain(action.target.kind)
      }
    }
  })

  const needsPods = FAULT_KINDS.filter(kind => !['oversubscribe', 'scale-down', 'surge'].includes(kind))

  test.each(needsPods)('%s: an empty selection is an error', kind => {
    const empty = { ...wholeLab(), nodes: [], pods: [] }
    expect(codeOf(() => example(kind, empty))).toBe('NOTHING_SELECTED')
  })

  test.each(['oversubscribe', 'scale-down'])('%s: an empty lab is an error', kind => {
    const empty = { ...wholeLab(), nodes: [], workloads: [] }
    expect(codeOf(() => example(kind, empty))).toBe('NOTHING_SELECTED')
  })

  test('never names a node, a pod or an address of another group, whatever the labels say', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAULT_KINDS),
        anyLab(),
        fc.nat({ max: 2 ** 32 - 1 }),
        (kind, view, seed) => {
          const fault = planned(kind, view, seed)
          if (fault === null) return
          const named = fault.begin.concat(fault.end).flatMap(namesOf)
          expect(named.filter(name => !isOfExperiment(name, view))).toEqual([])
        },
      ),
      { numRuns: 2000 },
    )
  })
})

/** null when the lab has nothing to hit, which is an answer as well. */
function planned(kind: string, view: LabView, seed: number): FaultPlan | null {
  try {
    return example(kind, view, seed)
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

/** Nodes, pods and addresses that an action names. */
function namesOf(action: Action): readonly string[] {
  switch (action.action) {
    case 'power-off':
    case 'power-on':
      return action.nodes
    case 'delete-pod':
    case 'evict-pod':
      return [action.uid]
    case 'agent-begin': {
      const peers = action.actions.flatMap(each => ('peers' in each ? (each.peers ?? []) : []))
      return [
        action.node,
        action.target.kind === 'node' ? action.target.node : action.target.podUid,
        ...peers,
      ]
    }
    case 'agent-end':
    case 'cordon':
      return [action.node]
    case 'scale':
    case 'occupy':
    case 'surge':
    case 'api-undo':
      return []
  }
}

function isOfExperiment(name: string, view: LabView): boolean {
  const node = view.nodes.find(candidate => candidate.name === name)
  if (node !== undefined) return node.group === 'experiment'
  const pod = view.pods.find(candidate => candidate.uid === name)
  if (pod !== undefined) {
    const below = view.nodes.find(candidate => candidate.name === pod.nodeName)
    return pod.group === 'experiment' && pod.namespace === 'experiment' && below?.group === 'experiment'
  }
  const owners = view.pods.filter(candidate => candidate.address === name)
  return owners.some(owner => owner.group === 'experiment' && owner.namespace === 'experiment')
}

/** The whole lab with labels, places and states that anybody may have changed. */
function anyLab(): fc.Arbitrary<LabView> {
  const group = fc.constantFrom('control', 'experiment', 'system', null)
  const lab = wholeLab()
  const node = (base: NodeView) =>
    fc.record({
      group: fc.oneof({ weight: 3, arbitrary: fc.constant(base.group) }, group),
      cordoned: fc.boolean(),
    })
  const pod = (base: PodView) =>
    fc.record({
      group: fc.oneof({ weight: 3, arbitrary: fc.constant(base.group) }, group),
      namespace: fc.oneof(
        { weight: 3, arbitrary: fc.constant(base.namespace) },
        fc.constantFrom('control', 'experiment'),
      ),
      nodeName: fc.oneof(
        { weight: 3, arbitrary: fc.constant(base.nodeName) },
        fc.constantFrom(...lab.nodes.map(each => each.name), null),
      ),
      ready: fc.boolean(),
      terminating: fc.boolean(),
    })
  return fc
    .record({ nodes: fc.tuple(...lab.nodes.map(node)), pods: fc.tuple(...lab.pods.map(pod)) })
    .map(({ nodes, pods }) => ({
      ...lab,
      nodes: lab.nodes.map((base, index) => ({ ...base, ...nodes[index] })),
      pods: lab.pods.map((base, index) => ({ ...base, ...pods[index] })),
    }))
}
