import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UserError } from '../../platform/errors.ts'
import { definitionOf } from '../../services/agent/actions/catalogue.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView, NodeView, PodView } from '../lab/view.ts'
import { FAULT_KINDS, faultSchema } from './catalogue.ts'
import { codeOf, EXAMPLES, examplePlan, GATEWAY_IN_B, LASTING, planOf } from './example-plans.ts'
import type { Action, FaultPlan } from './fault.ts'

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
    ...FAULT_KINDS.map((kind): [string, FaultPlan] => [kind, examplePlan(kind)]),
    ['slow dns', planOf('dns', GATEWAY_IN_B, { ...LASTING, mode: 'slow', delayMs: 500 })],
    ['memory to the kill', planOf('memory', GATEWAY_IN_B, { ...LASTING, oomKill: true })],
    ['memory in MiB', planOf('memory', GATEWAY_IN_B, { ...LASTING, useMiB: 200 })],
    ['a lock', planOf('slow-database', {}, { ...LASTING, mode: 'lock', table: 'plays' })],
    ['a blackhole to a zone', planOf('blackhole', GATEWAY_IN_B, { ...LASTING, peer: { zone: 'c' } })],
    [
      'latency of a service',
      planOf('latency', GATEWAY_IN_B, { ...LASTING, delayMs: 1, peer: { services: ['edge'] } }),
    ],
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
    expect(codeOf(() => examplePlan(kind, empty))).toBe('NOTHING_SELECTED')
  })

  test.each(['oversubscribe', 'scale-down'])('%s: an empty lab is an error', kind => {
    const empty = { ...wholeLab(), nodes: [], workloads: [] }
    expect(codeOf(() => examplePlan(kind, empty))).toBe('NOTHING_SELECTED')
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
    return examplePlan(kind, view, seed)
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
