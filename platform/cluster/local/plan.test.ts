import { describe, expect, test } from '@jest/globals'
import { HOST_PORTS, nodePlans } from './plan.ts'

const plans = nodePlans()
const planOf = (name: string) => plans.find(plan => plan.name === name)

describe('nodePlans()', () => {
  test('has a node for what is shared and one for each group and zone', () => {
    expect(plans.map(plan => plan.name)).toEqual([
      'system',
      ...['control-a', 'control-b', 'control-c'],
      ...['experiment-a', 'experiment-b', 'experiment-c'],
    ])
  })

  test('gives every node addresses of its own', () => {
    const addresses = plans.flatMap(plan => [plan.address, plan.podSubnet, plan.container])

    expect(new Set(addresses).size).toBe(3 * plans.length)
  })

  test('keeps a group to its own nodes by a taint, and labels group and zone', () => {
    expect(planOf('experiment-b')).toMatchObject({
      group: 'experiment',
      labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'b' },
      taints: ['group=experiment:NoSchedule'],
    })
  })

  test('puts the system node in no zone and forwards all service ports to it alone', () => {
    const { api, registry, ...forwarded } = HOST_PORTS

    expect(planOf('system')).toMatchObject({ labels: { group: 'system' }, taints: [] })
    expect(plans.flatMap(plan => plan.forwardedPorts.map(port => [plan.name, port]))).toEqual(
      Object.values(forwarded).map(port => ['system', port]),
    )
    expect(Object.values(forwarded)).not.toContain(api)
    expect(Object.values(forwarded)).not.toContain(registry)
  })
})
