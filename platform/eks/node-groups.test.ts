import { describe, expect, test } from '@jest/globals'
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
})
