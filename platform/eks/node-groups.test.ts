import { describe, expect, test } from '@jest/globals'
import { missingNodes } from '../cluster/context.ts'
import { inGroup } from '../manifests/pod.ts'
import { GROUPS } from '../topology.ts'
import { nodeGroupPlans } from './node-groups.ts'
import { parseSettings } from './settings.ts'

const settings = parseSettings({ apiAccessCidrs: '["203.0.113.7/32"]', systemNodes: '1' })

describe('nodeGroupPlans()', () => {
  test('puts a node of each group into each zone, and the system beside them', () => {
    const places = nodeGroupPlans(settings).map(({ name, zone, nodes }) => `${name} ${zone} ${nodes}`)

    expect(places).toEqual([
      'control-a a 1',
      'control-b b 1',
      'control-c c 1',
      'experiment-a a 1',
      'experiment-b b 1',
      'experiment-c c 1',
      'system a 1',
    ])
  })

  test.each(['control', 'experiment'])('labels and taints what is %s’s, as its pods ask for it', group => {
    const last = nodeGroupPlans(settings).find(({ name }) => name === `${group}-c`)

    expect(last).toMatchObject({
      labels: { group, 'divergence/zone': 'c' },
      taints: [{ key: 'group', value: group, effect: 'NO_SCHEDULE' }],
    })
  })

  test('leaves the system open to whatever is no group’s', () => {
    const system = nodeGroupPlans(settings).at(-1)

    expect(system).toMatchObject({ labels: { group: 'system' }, taints: [], instanceType: 'm7i.xlarge' })
  })

  test('gives both groups the same, but for name, label and taint', () => {
    const alike = (group: string) =>
      nodeGroupPlans(settings)
        .filter(({ labels }) => labels.group === group)
        .map(({ zone, instanceType, nodes }) => ({ zone, instanceType, nodes }))

    expect(alike('experiment')).toEqual(alike('control'))
  })

  test('makes nodes that `divergence up` finds to fit, by the zones of the lab, whatever AWS calls them', () => {
    const nodes = nodeGroupPlans(settings).map(({ labels, zone }) => ({
      metadata: { labels: { ...labels, 'topology.kubernetes.io/zone': `eu-central-1${zone}` } },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    }))

    expect(missingNodes(nodes)).toEqual([])
    expect(missingNodes(nodes.slice(1))).toEqual(["group 'control' has no Ready node in zone a"])
  })

  test.each(GROUPS)('has a place for the pods of %s on its own nodes alone', group => {
    const { nodeSelector = {}, tolerations = [] } = inGroup(group)
    const fits = nodeGroupPlans(settings).filter(
      ({ labels, taints }) =>
        Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
        taints.every(({ key, value }) =>
          tolerations.some(each => each.key === key && each.value === value && each.effect === 'NoSchedule'),
        ),
    )

    expect(fits.map(({ name }) => name)).toEqual(['a', 'b', 'c'].map(zone => `${group}-${zone}`))
  })
})
