import { describe, expect, test } from '@jest/globals'
import { GROUPS, type Group, nodeName, TOPOLOGY, ZONES } from '../../platform/topology.ts'
import type { AttackState, NodeState, RunDetail } from './contract.ts'
import type { LabPod } from './lab-reader.ts'
import { type LabView, liveState, RECOVERING_MS, readLabView } from './live.ts'

const T = Date.UTC(2026, 10, 21, 14)

const nodes: readonly NodeState[] = [
  ...GROUPS.flatMap(group =>
    ZONES.map(zone => ({ name: nodeName(group, zone), group, zone, ready: true, cordoned: false })),
  ),
  { name: 'system', group: 'system', zone: null, ready: true, cordoned: false },
]

const pod = (group: Group, service: string, node: string): LabPod => ({
  ...{ group, service, node, phase: 'Running', ready: true, restarts: 0, primary: false },
  name: `${service}-${node}`,
})
const whole = GROUPS.flatMap(group =>
  TOPOLOGY.services.flatMap(({ service, placement }) =>
    placement === 'zones'
      ? ZONES.map(zone => pod(group, service, nodeName(group, zone)))
      : [pod(group, service, 'system')],
  ),
)

const attack = (change: Partial<AttackState> = {}): AttackState => ({
  ...{ runId: 'r', fault: 0, kind: 'latency', targets: ['gateway-experiment-b'], group: 'experiment' },
  ...{ service: 'gateway', zone: null, beginMs: T - 60_000, endMs: null, effect: null },
  ...change,
})

function view(pods: readonly LabPod[], attacks: readonly AttackState[] = []): LabView {
  const run = { runId: 'r', state: 'running', attacks, reasons: [], timeline: [] } as unknown as RunDetail
  return { pods, nodes, runs: [run], halt: null, problems: [] }
}

/** Squares that are not healthy. */
const unwell = (seen: LabView) =>
  liveState(seen, T)
    .services.filter(({ state }) => state !== 'healthy')
    .map(({ group, service, zone, state }) => `${group} ${service} ${zone} ${state}`)

describe('liveState()', () => {
  test('has a square for every service, zone and group, and all are healthy when all is well', () => {
    const { services } = liveState(view(whole), T)
    expect(services).toHaveLength(20)
    expect(unwell(view(whole))).toEqual([])
  })

  test('marks the squares whose pods are attacked, and only those', () => {
    expect(unwell(view(whole, [attack()]))).toEqual(['experiment gateway b attacked'])
  })

  test('marks a whole zone when its node is attacked', () => {
    const outage = attack({ kind: 'zone-outage', targets: ['experiment-c'], service: null, zone: 'c' })
    expect(unwell(view(whole, [outage]))).toEqual([
      'experiment gateway c attacked',
      'experiment recommender c attacked',
      'experiment database c attacked',
    ])
  })

  test('goes by zone and service when the pods of an attack are gone', () => {
    const killed = attack({ targets: ['gateway-gone'], zone: 'a' })
    expect(unwell(view(whole, [killed]))).toEqual(['experiment gateway a attacked'])
  })

  test('never marks the control group, whatever an attack is called', () => {
    const odd = attack({ targets: ['control-a'], zone: 'a', service: 'gateway' })
    expect(unwell(view(whole, [odd]))).toEqual(['experiment gateway a attacked'])
  })

  test.each([
    { title: 'some pods not ready', ready: [true, false], state: 'degraded' },
    { title: 'no pod ready', ready: [false], state: 'down' },
    { title: 'no pods', ready: [], state: 'absent' },
  ])('$title: $state', ({ ready, state }) => {
    const others = whole.filter(({ name }) => name !== 'gateway-control-a')
    const own = ready.map(isReady => ({ ...pod('control', 'gateway', 'control-a'), ready: isReady }))
    expect(unwell(view([...others, ...own]))).toEqual([`control gateway a ${state}`])
  })

  test('calls recovering what is not whole after an attack on it, for some minutes', () => {
    const pods = whole.filter(({ name }) => name !== 'gateway-experiment-b')
    const after = (agoMs: number) => view(pods, [attack({ zone: 'b', endMs: T - agoMs })])
    expect(unwell(after(1_000))).toEqual(['experiment gateway b recovering'])
    expect(unwell(after(RECOVERING_MS + 1))).toEqual(['experiment gateway b absent'])
  })

  test('says nothing of squares when pods or nodes cannot be read', () => {
    expect(liveState({ ...view(whole), pods: null }, T).services).toEqual([])
    expect(liveState({ ...view(whole), nodes: null }, T).services).toEqual([])
  })
})

describe('readLabView()', () => {
  test('tells what failed and keeps what did not', async () => {
    const lab = {
      pods: async () => Promise.reject(new Error('forbidden\nat length')),
      nodes: async () => nodes,
      halted: async () => 'enough',
    }
    const seen = await readLabView(lab, async () => [])
    expect(seen).toEqual({
      pods: null,
      nodes,
      runs: [],
      halt: 'enough',
      problems: ['pods cannot be read: forbidden'],
    })
  })
})
