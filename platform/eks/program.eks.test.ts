import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import { GROUPS, IMAGES, ZONES } from '../topology.ts'
import { type Program, type Registered, runProgram } from './program-fixture.ts'

// Loading the packages takes seconds, on a busy machine many.
jest.setTimeout(180_000)

const CONFIG = {
  apiAccessCidrs: '["203.0.113.7/32"]',
  corpusBucket: 'songs-of-ours',
  administratorArns: '["arn:aws:iam::111122223333:role/operators"]',
  permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary',
  monthlyBudgetUsd: '400',
  budgetEmail: 'lab@example.com',
}

let program: Program
beforeAll(async () => {
  program = await runProgram(CONFIG, async () => {
    const { context, registry, kubeconfig, next } = await import('./main.ts')
    return { context, registry, kubeconfig, next }
  })
})

const all = (type: RegExp) => program.resources.filter(resource => type.test(resource.type))
const one = (type: RegExp, name?: string): Registered => {
  const found = all(type).filter(resource => name === undefined || resource.name === name)
  expect(found.map(resource => resource.name)).toHaveLength(1)
  return found[0] as Registered
}
const named = (resources: readonly Registered[]) => resources.map(({ type, name }) => `${type} ${name}`)

/** Every statement of every policy that is written here, whom it trusts and what it allows. */
const statements = () =>
  program.resources
    .flatMap(({ inputs }) => [inputs.policy, inputs.assumeRolePolicy])
    .filter(policy => typeof policy === 'string' && policy.includes('Statement'))
    .flatMap(policy => JSON.parse(policy).Statement)

describe('main.ts', () => {
  test('makes everything once', () => {
    const names = named(program.resources)

    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(80)
  })

  test('makes a subnet of each kind in each zone, zones in order of their names', () => {
    const subnets = all(/:Subnet$/).map(({ name, inputs }) => [
      name,
      inputs.availabilityZone,
      inputs.cidrBlock,
    ])

    expect(subnets.sort()).toEqual([
      ['private-a', 'eu-central-1a', '10.77.0.0/19'],
      ['private-b', 'eu-central-1b', '10.77.32.0/19'],
      ['private-c', 'eu-central-1c', '10.77.64.0/19'],
      ['public-a', 'eu-central-1a', '10.77.192.0/24'],
      ['public-b', 'eu-central-1b', '10.77.193.0/24'],
      ['public-c', 'eu-central-1c', '10.77.194.0/24'],
    ])
  })

  test('gives each zone a way out of its own', () => {
    const routes = all(/:Route$/).filter(({ inputs }) => inputs.natGatewayId !== undefined)

    expect(routes.map(({ inputs }) => [inputs.routeTableId, inputs.natGatewayId]).sort()).toEqual([
      ['private-a-id', 'nat-a-id'],
      ['private-b-id', 'nat-b-id'],
      ['private-c-id', 'nat-c-id'],
    ])
    const gateways = all(/:NatGateway$/).map(({ inputs }) => inputs.subnetId)
    expect(gateways.sort()).toEqual(['public-a-id', 'public-b-id', 'public-c-id'])
  })

  test('reaches S3 without a way out, from all private subnets', () => {
    const { inputs } = one(/:VpcEndpoint$/)

    expect(inputs.serviceName).toBe('com.amazonaws.eu-central-1.s3')
    expect(inputs.routeTableIds.sort()).toEqual(['private-a-id', 'private-b-id', 'private-c-id'])
  })

  test('asks for a control plane that only the named ranges reach', () => {
    const { inputs } = one(/^eks:index:Cluster$/)

    expect(inputs).toMatchObject({
      name: 'divergence',
      version: '1.35',
      authenticationMode: 'API',
      endpointPrivateAccess: true,
      endpointPublicAccess: true,
      publicAccessCidrs: ['203.0.113.7/32'],
      skipDefaultNodeGroup: true,
      skipDefaultSecurityGroups: true,
      privateSubnetIds: ['private-a-id', 'private-b-id', 'private-c-id'],
      enabledClusterLogTypes: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'],
      accessEntries: {
        'administrator-0': { principalArn: 'arn:aws:iam::111122223333:role/operators' },
      },
    })
  })

  test('adds what pods need of the cluster, with roles of their own', () => {
    const addons = all(/:Addon$/).map(({ inputs }) => [
      inputs.addonName,
      inputs.podIdentityAssociations?.[0].serviceAccount,
    ])

    expect(addons).toEqual([
      ['amazon-cloudwatch-observability', 'cloudwatch-agent'],
      ['aws-ebs-csi-driver', 'ebs-csi-controller-sa'],
      ['coredns', undefined],
      ['eks-pod-identity-agent', undefined],
    ])
  })

  test('keeps CloudWatch from changing the pods that are measured', () => {
    const { inputs } = one(/:Addon$/, 'amazon-cloudwatch-observability')
    const configuration = JSON.parse(inputs.configurationValues)

    expect(configuration.manager.applicationSignals.autoMonitor.monitorAllServices).toBe(false)
    expect(inputs.configurationValues).not.toContain('application_signals')
  })

  test('makes the storage class that is taken when none is asked for', () => {
    const { inputs } = one(/:StorageClass$/)

    expect(inputs).toMatchObject({
      metadata: {
        name: 'divergence-zonal',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'ebs.csi.aws.com',
      parameters: { type: 'gp3', encrypted: 'true', tagSpecification_1: 'product=divergence' },
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Delete',
    })
  })

  test('makes a repository for each image that up pushes', () => {
    const names = all(/:Repository$/).map(({ inputs }) => inputs.name)

    expect(names.sort()).toEqual(IMAGES.map(image => `divergence/${image}`).sort())
  })

  test('lets ingest of both groups read the one bucket, and nobody else', () => {
    const { inputs } = one(/:RolePolicy$/, 'ingest')
    const associations = all(/:PodIdentityAssociation$/).map(
      ({ inputs: { namespace, serviceAccount, roleArn } }) => [namespace, serviceAccount, roleArn],
    )

    expect(JSON.parse(inputs.policy).Statement).toEqual([
      {
        Effect: 'Allow',
        Action: ['s3:GetBucketLocation', 's3:ListBucket'],
        Resource: 'arn:aws:s3:::songs-of-ours',
      },
      { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::songs-of-ours/*' },
    ])
    expect(associations).toEqual(
      GROUPS.map(group => [group, 'ingest', 'arn:aws:iam:eu-central-1:111122223333:ingest']),
    )
  })

  test('warns before the month has cost what was meant', () => {
    expect(one(/:Budget$/).inputs).toMatchObject({
      limitAmount: '400',
      costFilters: [{ name: 'TagKeyValue', values: ['user:product$divergence'] }],
      notifications: [{ subscriberEmailAddresses: ['lab@example.com'], threshold: 80 }],
    })
  })

  test('tells what `divergence up` is given', () => {
    const registry = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/divergence'

    expect(program.outputs).toMatchObject({ context: 'divergence', registry })
    expect(program.outputs.kubeconfig).toContain('https://ABC.gr7.eu-central-1.eks.amazonaws.com')
    expect(program.outputs.next).toContain(
      `up --context divergence --kubeconfig ~/.kube/divergence-eks.json --registry ${registry}`,
    )
  })
})

describe('each resource', () => {
  /** Kinds that hold nothing and carry no tags: rules, attachments, what is inside Kubernetes. */
  const UNTAGGED =
    /:(Route|RouteTableAssociation|RolePolicy|RolePolicyAttachment|LifecyclePolicy|Provider|StorageClass)$|^pulumi:/

  test('is tagged as the product’s, whatever can be', () => {
    const untagged = program.resources.filter(
      ({ type, inputs }) => !UNTAGGED.test(type) && inputs.tags?.product !== 'divergence',
    )

    expect(named(untagged)).toEqual([])
  })

  test('lets nobody in from everywhere', () => {
    const open = program.resources.filter(({ type, inputs }) => {
      const { egress: _, ...others } = inputs
      return !/:Route$/.test(type) && /0\.0\.0\.0\/0|::\/0/.test(JSON.stringify(others))
    })

    expect(named(open)).toEqual([])
    expect(one(/:DefaultSecurityGroup$/).inputs).toMatchObject({ ingress: [], egress: [] })
  })

  test('in a public subnet is a NAT gateway', () => {
    const inPublic = program.resources.filter(
      ({ type, inputs }) =>
        type !== 'eks:index:Cluster' &&
        !/RouteTableAssociation$/.test(type) &&
        /"public-[abc]-id"/.test(JSON.stringify(inputs)),
    )

    expect(new Set(inPublic.map(({ type }) => type))).toEqual(new Set(['aws:ec2/natGateway:NatGateway']))
    expect(all(/:Subnet$/).map(({ inputs }) => inputs.mapPublicIpOnLaunch)).not.toContain(true)
  })

  test('that keeps logs forgets them', () => {
    const groups = all(/:LogGroup$/)

    expect(groups.map(({ inputs }) => inputs.name).sort()).toEqual([
      '/aws/containerinsights/divergence/application',
      '/aws/containerinsights/divergence/dataplane',
      '/aws/containerinsights/divergence/host',
      '/aws/containerinsights/divergence/performance',
      '/aws/eks/divergence/cluster',
      '/aws/vpc/divergence/flow',
    ])
    expect(new Set(groups.map(({ inputs }) => inputs.retentionInDays))).toEqual(new Set([14]))
  })

  test('that keeps data encrypts it', () => {
    const [disk] = one(/:LaunchTemplate$/).inputs.blockDeviceMappings

    expect(disk.ebs).toMatchObject({ encrypted: 'true', volumeType: 'gp3', deleteOnTermination: 'true' })
    expect(one(/:StorageClass$/).inputs.parameters.encrypted).toBe('true')
    expect(one(/^eks:index:Cluster$/).inputs.encryptionConfigKeyArn).toBe(
      'arn:aws:kms:eu-central-1:111122223333:secrets',
    )
    expect(one(/:Key$/).inputs).toMatchObject({ enableKeyRotation: true, deletionWindowInDays: 7 })
    for (const { inputs } of all(/:Repository$/)) {
      expect(inputs.encryptionConfigurations).toEqual([{ encryptionType: 'AES256' }])
    }
  })

  test('that keeps images scans them and never gives a tag another meaning', () => {
    for (const { inputs } of all(/:Repository$/)) {
      expect(inputs).toMatchObject({
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        forceDelete: false,
      })
    }
  })

  test('that is a role has the company’s boundary', () => {
    const boundaries = all(/:Role$/).map(({ inputs }) => inputs.permissionsBoundary)

    expect(boundaries.length).toBeGreaterThan(5)
    expect(new Set(boundaries)).toEqual(new Set(['arn:aws:iam::111122223333:policy/boundary']))
  })

  test('that is a policy names each action, and nobody may take a role but one service', () => {
    const found = statements()

    expect(found.length).toBeGreaterThan(8)
    expect(found.flatMap(({ Action }) => Action).filter(action => action.includes('*'))).toEqual([])
    const trusted = found.flatMap(({ Principal }) => (Principal === undefined ? [] : [Principal]))
    expect(trusted.flatMap(Object.keys)).not.toContain('AWS')
    expect(JSON.stringify(trusted)).not.toContain('*')
  })

  test('that pods take a role by is for one account of this cluster', () => {
    const forPods = statements().filter(({ Principal }) => Principal?.Service === 'pods.eks.amazonaws.com')

    expect(forPods).toHaveLength(3)
    for (const { Condition } of forPods) {
      expect(Object.keys(Condition.StringEquals).sort()).toEqual([
        'aws:RequestTag/eks-cluster-name',
        'aws:RequestTag/kubernetes-namespace',
        'aws:RequestTag/kubernetes-service-account',
      ])
    }
  })
})

describe('node groups', () => {
  const groups = () => all(/:NodeGroup$/)

  test('both groups have a node in every zone, the system beside them', () => {
    expect(groups().map(({ name }) => name)).toEqual([
      ...GROUPS.flatMap(group => ZONES.map(zone => `${group}-${zone}`)),
      'system',
    ])
    for (const group of GROUPS) {
      const subnets = ZONES.map(zone => one(/:NodeGroup$/, `${group}-${zone}`).inputs.subnetIds)
      expect(subnets).toEqual(ZONES.map(zone => [`private-${zone}-id`]))
    }
  })

  test('those of a zone differ in nothing but name, label and taint', () => {
    for (const zone of ZONES) {
      const [control, experiment] = GROUPS.map(group => one(/:NodeGroup$/, `${group}-${zone}`).inputs)
      const { nodeGroupName: _n, labels, taints, tags, ...rest } = control
      const {
        nodeGroupName: _m,
        labels: theirLabels,
        taints: theirTaints,
        tags: theirTags,
        ...theirs
      } = experiment

      expect(theirs).toEqual(rest)
      expect([labels, theirLabels]).toEqual(GROUPS.map(group => ({ group, 'divergence/zone': zone })))
      expect(
        [taints, theirTaints].flat().map(taint => `${taint.key}=${taint.value}:${taint.effect}`),
      ).toEqual(['group=control:NO_SCHEDULE', 'group=experiment:NO_SCHEDULE'])
      expect({ ...theirTags, Name: '' }).toEqual({ ...tags, Name: '' })
    }
  })

  test('all start from one template, which nobody logs in to and whose pods see no metadata', () => {
    const { inputs } = one(/:LaunchTemplate$/)

    expect(inputs.metadataOptions).toEqual({
      httpEndpoint: 'enabled',
      httpTokens: 'required',
      httpPutResponseHopLimit: 1,
    })
    expect(inputs.keyName).toBeUndefined()
    expect(
      inputs.tagSpecifications.map(({ resourceType }: { resourceType: string }) => resourceType),
    ).toEqual(['instance', 'volume', 'network-interface'])
    for (const { inputs: group } of groups()) {
      expect(group.launchTemplate).toEqual({ id: 'node-id', version: '7' })
      expect(group.remoteAccess).toBeUndefined()
      expect(group.amiType).toBe('AL2023_x86_64_STANDARD')
    }
  })

  test('nothing replaces or scales a node while an experiment is on', () => {
    for (const { inputs } of groups()) {
      const { desiredSize, minSize, maxSize } = inputs.scalingConfig
      expect([minSize, maxSize]).toEqual([desiredSize, desiredSize])
      expect(inputs.nodeRepairConfig).toEqual({ enabled: false })
      expect(inputs.capacityType).toBe('ON_DEMAND')
    }
  })
})
