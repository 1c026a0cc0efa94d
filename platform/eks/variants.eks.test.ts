import { describe, expect, jest, test } from '@jest/globals'
import { makeLab } from './lab.ts'
import { requireZone } from './network.ts'
import { runProgram } from './program-fixture.ts'
import { parseSettings } from './settings.ts'

// Loading the packages takes seconds, on a busy machine many.
jest.setTimeout(180_000)

const LEAST = { apiAccessCidrs: '["203.0.113.7/32"]' }

async function resourcesOf(config: Readonly<Record<string, string>>) {
  const settings = parseSettings({ ...LEAST, ...config })
  const { resources } = await runProgram({}, async () => ({ ...makeLab(settings) }))
  return (type: RegExp) => resources.filter(resource => type.test(resource.type))
}

describe('makeLab()', () => {
  test('makes one way out for all zones when it is shared', async () => {
    const all = await resourcesOf({ natGateways: 'shared' })

    expect(all(/:NatGateway$/).map(({ name }) => name)).toEqual(['nat-a'])
    const ways = all(/:Route$/).filter(({ inputs }) => inputs.natGatewayId !== undefined)
    expect(ways.map(({ name, inputs }) => [name, inputs.natGatewayId])).toEqual([
      ['private-a', 'nat-a-id'],
      ['private-b', 'nat-a-id'],
      ['private-c', 'nat-a-id'],
    ])
  })

  test('takes the zones that the settings name, in their order', async () => {
    const all = await resourcesOf({ availabilityZones: '["eu-west-1c","eu-west-1a","eu-west-1b"]' })

    const zones = all(/:Subnet$/).filter(({ name }) => name.startsWith('private'))
    expect(zones.map(({ name, inputs }) => [name, inputs.availabilityZone])).toEqual([
      ['private-a', 'eu-west-1c'],
      ['private-b', 'eu-west-1a'],
      ['private-c', 'eu-west-1b'],
    ])
  })

  test('makes neither access to a bucket nor a budget that nobody asked for', async () => {
    const all = await resourcesOf({})

    expect(all(/:(Budget|PodIdentityAssociation)$/)).toEqual([])
    expect(all(/:Role$/).map(({ name }) => name)).not.toContain('ingest')
    expect(all(/:Role$/).filter(({ inputs }) => inputs.permissionsBoundary !== undefined)).toEqual([])
  })

  test.each([
    { key: 'forceDelete', type: /:Repository$/, field: 'forceDelete' },
    {
      key: 'enforceNetworkPolicies',
      type: /^eks:index:Cluster$/,
      field: 'vpcCniOptions.enableNetworkPolicy',
    },
  ])('does $key only when it is set', async ({ key, type, field }) => {
    const [without] = (await resourcesOf({}))(type)
    const [withIt] = (await resourcesOf({ [key]: 'true' }))(type)

    expect(without?.inputs).toHaveProperty(field, false)
    expect(withIt?.inputs).toHaveProperty(field, true)
  })
})

describe('requireZone()', () => {
  test('refuses a region of two zones', () => {
    const names = ['us-west-1a', 'us-west-1c']

    expect(requireZone(names, 1)).toBe('us-west-1c')
    expect(() => requireZone(names, 2)).toThrow('Cannot make 3 zones: the region has us-west-1a, us-west-1c')
  })
})
