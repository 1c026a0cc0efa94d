import { describe, expect, test } from '@jest/globals'
import { UserError } from '../errors.ts'
import { parseSettings } from './settings.ts'

const LEAST = { apiAccessCidrs: '["203.0.113.7/32"]' }

describe('parseSettings()', () => {
  test('needs nothing but who may reach the API server', () => {
    expect(parseSettings(LEAST)).toEqual({
      apiAccessCidrs: ['203.0.113.7/32'],
      name: 'divergence',
      kubernetesVersion: '1.35',
      vpcCidr: '10.77.0.0/16',
      natGateways: 'zone',
      instanceType: 'm7i.large',
      systemInstanceType: 'm7i.xlarge',
      systemNodes: 2,
      nodeVolumeGiB: 60,
      logRetentionDays: 14,
      enforceNetworkPolicies: false,
      forceDelete: false,
      administratorArns: [],
    })
  })

  test('asks for who may reach the API server, and how to say it', () => {
    const attempt = () => parseSettings({})

    expect(attempt).toThrow('apiAccessCidrs is not set: nobody could reach the API server')
    expect(attempt).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("'apiAccessCidrs[0]' 203.0.113.7/32") }),
    )
  })

  test('reads numbers, switches and lists', () => {
    const settings = parseSettings({
      ...LEAST,
      systemNodes: '1',
      forceDelete: 'true',
      availabilityZones: '["eu-central-1c","eu-central-1a","eu-central-1b"]',
      monthlyBudgetUsd: '400',
      budgetEmail: 'lab@example.com',
    })

    expect(settings).toMatchObject({
      systemNodes: 1,
      forceDelete: true,
      availabilityZones: ['eu-central-1c', 'eu-central-1a', 'eu-central-1b'],
      monthlyBudgetUsd: 400,
    })
  })

  test.each([
    { key: 'apiAccessCidrs', value: '["0.0.0.0/0"]', problem: 'must not be wider than a /8' },
    { key: 'apiAccessCidrs', value: '[]', problem: 'must have at least one range' },
    { key: 'apiAccessCidrs', value: '203.0.113.7/32', problem: 'must be a list' },
    { key: 'apiAccessCidrs', value: '["203.0.113.7/24"]', problem: 'the range is 203.0.113.0/24' },
    { key: 'name', value: 'Lab', problem: 'lower case' },
    { key: 'kubernetesVersion', value: '1.3', problem: 'a minor version such as 1.35' },
    { key: 'vpcCidr', value: '10.77.0.0/20', problem: 'a /16' },
    { key: 'vpcCidr', value: '198.51.0.0/16', problem: 'must be private' },
    {
      key: 'availabilityZones',
      value: '["us-east-1a","us-east-1a","us-east-1b"]',
      problem: '3 different zones',
    },
    { key: 'natGateways', value: 'none', problem: 'zone' },
    { key: 'instanceType', value: 't3.large', problem: 'must not be burstable' },
    { key: 'instanceType', value: 'm7g.large', problem: 'must be x86-64' },
    { key: 'instanceType', value: 'a1.large', problem: 'must be x86-64' },
    { key: 'systemInstanceType', value: 'large', problem: 'an instance type' },
    { key: 'systemNodes', value: '0', problem: 'from 1 to 5' },
    { key: 'nodeVolumeGiB', value: '20', problem: 'from 30 to 1000' },
    { key: 'logRetentionDays', value: '15', problem: 'must be one of 1, 3, 5' },
    { key: 'forceDelete', value: 'yes', problem: 'true' },
    { key: 'corpusBucket', value: 's3://songs', problem: 'the name of a bucket' },
    { key: 'permissionsBoundaryArn', value: 'boundary', problem: 'the ARN of a policy' },
    { key: 'monthlyBudgetUsd', value: '400', problem: 'set both or neither' },
    { key: 'instanceTypes', value: 'm7i.large', problem: 'instanceTypes' },
  ])('refuses $key=$value', ({ key, value, problem }) => {
    const attempt = () => parseSettings({ ...LEAST, [key]: value })

    expect(attempt).toThrow(UserError)
    expect(attempt).toThrow(problem)
  })

  test('takes instance types whose name has a g that is not Graviton', () => {
    expect(parseSettings({ ...LEAST, instanceType: 'g5.xlarge' }).instanceType).toBe('g5.xlarge')
  })

  test('says everything that is wrong at once', () => {
    const attempt = () => parseSettings({ name: 'Lab', systemNodes: '9' })

    expect(attempt).toThrow(/apiAccessCidrs.*name.*'Lab'.*systemNodes.*'9'/)
  })
})
