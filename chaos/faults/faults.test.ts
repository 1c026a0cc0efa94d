import { describe, expect, test } from '@jest/globals'
import { UserError } from '../../platform/errors.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView } from '../lab/view.ts'
import { type AnyFault, FAULT_KINDS, faultSchema, planFault } from './catalogue.ts'

const outage = (zone: 'a' | 'b' | 'c' | 'primary'): AnyFault => ({
  kind: 'zone-outage',
  select: { group: 'experiment', zone },
  offsetSeconds: 0,
  durationSeconds: 30,
})
const kill = (
  zone: 'a' | 'b' | 'primary',
  services: ('gateway' | 'recommender' | 'database')[],
): AnyFault => ({
  kind: 'kill-pod',
  select: { group: 'experiment', zone, services },
  offsetSeconds: 0,
})

/** The lab with the experiment's primary in another zone. */
function primaryIn(zone: 'b' | 'c'): LabView {
  const lab = wholeLab()
  const pods = lab.pods.map(pod =>
    pod.group === 'experiment' && pod.service === 'database'
      ? { ...pod, role: pod.name === `database-${zone}` ? ('primary' as const) : ('replica' as const) }
      : pod,
  )
  return { ...lab, pods }
}

describe('zoneOutage', () => {
  test('takes the power from the zone and gives it back', () => {
    const plan = planFault(outage('b'), wholeLab())
    expect(plan).toEqual({
      kind: 'zone-outage',
      targets: ['experiment-b'],
      zone: 'b',
      begin: [{ action: 'power-off', zone: 'b', nodes: ['experiment-b'] }],
      end: [{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }],
      proofs: [{ proof: 'node-not-ready', node: 'experiment-b' }],
    })
  })

  test('hits every node of a zone that has several', () => {
    const lab = wholeLab()
    const second = lab.nodes
      .filter(node => node.name === 'experiment-b')
      .map(node => ({ ...node, name: 'experiment-b2' }))
    expect(planFault(outage('b'), { ...lab, nodes: [...lab.nodes, ...second] }).targets).toEqual([
      'experiment-b',
      'experiment-b2',
    ])
  })

  test('follows the primary of the experiment, whatever the control group has', () => {
    expect(planFault(outage('primary'), primaryIn('c')).targets).toEqual(['experiment-c'])
  })

  test('is an error when the zone has no node of the experiment', () => {
    const lab = wholeLab()
    const nodes = lab.nodes.map(node => (node.name === 'experiment-b' ? { ...node, group: 'control' } : node))
    expect(() => planFault(outage('b'), { ...lab, nodes })).toThrow(UserError)
    expect(() => planFault(outage('b'), { ...lab, nodes })).toThrow('zone b of the experiment group')
  })

  test('is an error when there is no primary to find the zone of', () => {
    const lab = wholeLab()
    const pods = lab.pods.map(pod => ({ ...pod, role: null }))
    expect(() => planFault(outage('primary'), { ...lab, pods })).toThrow('has no Postgres primary')
  })
})

describe('killPod', () => {
  test('kills the pods of the services in the zone, at once and by their uid', () => {
    const plan = planFault(kill('b', ['gateway', 'recommender']), wholeLab())
    expect(plan.begin).toEqual(
      ['gateway', 'recommender'].map(service => ({
        action: 'delete-pod',
        namespace: 'experiment',
        name: `${service}-b`,
        uid: `experiment-${service}-b`,
        graceSeconds: 0,
      })),
    )
    expect(plan.end).toEqual([])
    expect(plan.proofs).toHaveLength(2)
  })

  test('kills the Postgres primary when its zone is asked for', () => {
    expect(planFault(kill('primary', ['database']), primaryIn('c')).targets).toEqual(['database-c'])
  })

  test('is an error when a service has no pod there', () => {
    const lab = wholeLab()
    const pods = lab.pods.filter(pod => pod.name !== 'recommender-b')
    expect(() => planFault(kill('b', ['gateway', 'recommender']), { ...lab, pods })).toThrow(
      'recommender in zone b',
    )
  })

  test('kills a service that is named twice only once', () => {
    expect(planFault(kill('b', ['gateway', 'gateway']), wholeLab()).targets).toEqual(['gateway-b'])
  })
})

describe('faultSchema', () => {
  test('knows every fault of the catalogue', () => {
    const known = faultSchema.options.map(option => option.shape.kind.value)
    expect(known).toEqual(FAULT_KINDS)
  })
})
