import { describe, expect, test } from '@jest/globals'
import { KubeConfig } from '@kubernetes/client-node'
import { kubeconfig, nextCommands, regionOf } from './access.ts'

const ADDRESS = {
  name: 'divergence',
  region: 'eu-central-1',
  endpoint: 'https://ABC.gr7.eu-central-1.eks.amazonaws.com',
  certificateAuthority: 'UEVN',
}

describe('regionOf()', () => {
  test('reads it from an ARN', () => {
    expect(regionOf('arn:aws:eks:eu-central-1:111122223333:cluster/divergence')).toBe('eu-central-1')
  })
})

describe('kubeconfig()', () => {
  const config = JSON.parse(kubeconfig(ADDRESS))

  test('has one context, of the name of the cluster, and it is the current one', () => {
    expect(config['current-context']).toBe('divergence')
    expect(config.contexts).toEqual([
      { name: 'divergence', context: { cluster: 'divergence', user: 'divergence' } },
    ])
  })

  test('trusts the cluster’s own authority at its address', () => {
    expect(config.clusters).toEqual([
      {
        name: 'divergence',
        cluster: {
          server: 'https://ABC.gr7.eu-central-1.eks.amazonaws.com',
          'certificate-authority-data': 'UEVN',
        },
      },
    ])
  })

  test('holds no key, but asks the AWS CLI for a token', () => {
    const [user] = config.users
    expect(Object.keys(user.user)).toEqual(['exec'])
    expect(user.user.exec.command).toBe('aws')
    expect(user.user.exec.args.join(' ')).toBe(
      '--region eu-central-1 eks get-token --cluster-name divergence --output json',
    )
  })
})

describe('what the lab reads of it', () => {
  test('is a context of that name, with a user that a program signs in', () => {
    const read = new KubeConfig()
    read.loadFromString(kubeconfig(ADDRESS))

    expect(read.getContexts().map(({ name }) => name)).toEqual(['divergence'])
    expect(read.getCurrentCluster()?.server).toBe(ADDRESS.endpoint)
    expect(read.getCurrentUser()?.exec.command).toBe('aws')
  })
})

describe('nextCommands()', () => {
  test('leads from the outputs to a lab that is up', () => {
    const registry = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/divergence'

    expect(nextCommands(ADDRESS, registry).split('\n')).toEqual([
      'mkdir -p ~/.kube && pulumi stack output kubeconfig --show-secrets > ~/.kube/divergence-eks.json',
      'aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin 111122223333.dkr.ecr.eu-central-1.amazonaws.com',
      '../../divergence up --context divergence --kubeconfig ~/.kube/divergence-eks.json --registry 111122223333.dkr.ecr.eu-central-1.amazonaws.com/divergence',
    ])
  })
})
