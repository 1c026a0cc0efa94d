import * as aws from '@pulumi/aws'
import * as pulumi from '@pulumi/pulumi'
import { ZONES, type Zone } from '../topology.ts'
import { type ZoneSubnets, zoneSubnets } from './cidr.ts'
import { serviceRole } from './roles.ts'
import type { Settings } from './settings.ts'
import { tags } from './tags.ts'

/**
 * Zones in which EKS makes no control plane.
 * Source: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
 */
const ZONE_IDS_WITHOUT_EKS = ['use1-az3', 'usw1-az2', 'cac1-az3']

const EVERYWHERE = '0.0.0.0/0'

export type ZoneNetwork = {
  readonly zone: Zone
  readonly privateSubnet: aws.ec2.Subnet
  readonly publicSubnet: aws.ec2.Subnet
  readonly privateRoutes: aws.ec2.RouteTable
}

export type Network = {
  readonly vpc: aws.ec2.Vpc
  readonly zones: readonly ZoneNetwork[]
  /** Ways out of the private subnets: nodes that start before them pull no image. */
  readonly waysOut: readonly pulumi.Resource[]
}

/**
 * A network of its own: in each zone a private subnet for nodes and pods, and a public one for the way out.
 *
 *   node -> private subnet -> NAT gateway (public subnet) -> internet gateway
 *   node -> private subnet -> endpoint of S3, where the registry keeps layers
 */
export function makeNetwork(settings: Settings, flowLog: aws.cloudwatch.LogGroup): Network {
  const vpc = new aws.ec2.Vpc('network', {
    cidrBlock: settings.vpcCidr,
    enableDnsHostnames: true,
    enableDnsSupport: true,
    tags: tags(settings, 'network'),
  })
  // Whatever names no security group gets the network's own: it must let nothing through.
  new aws.ec2.DefaultSecurityGroup('closed', {
    vpcId: vpc.id,
    ingress: [],
    egress: [],
    tags: tags(settings, 'closed'),
  })
  const gateway = new aws.ec2.InternetGateway('internet', { vpcId: vpc.id, tags: tags(settings, 'internet') })
  const publicRoutes = routeTable(settings, vpc, 'public')
  const toInternet = new aws.ec2.Route('public', {
    routeTableId: publicRoutes.id,
    destinationCidrBlock: EVERYWHERE,
    gatewayId: gateway.id,
  })
  const names = zoneNames(settings)
  const subnets = zoneSubnets(settings.vpcCidr, ZONES.length)
  const zones = ZONES.map((zone, index) => {
    const name = names.apply(all => requireZone(all, index))
    return zoneNetwork(settings, { vpc, zone, name, subnets: subnetsAt(subnets, index), publicRoutes })
  })
  const waysOut = makeWaysOut(settings, zones, toInternet)
  makeStorageEndpoint(settings, vpc, zones)
  makeFlowLog(settings, vpc, flowLog)
  return { vpc, zones, waysOut }
}

/** Names of the zones for a, b and c, in this order. */
function zoneNames({ availabilityZones }: Settings): pulumi.Output<readonly string[]> {
  if (availabilityZones !== undefined) return pulumi.output([...availabilityZones])
  const found = aws.getAvailabilityZonesOutput({
    state: 'available',
    // Local zones have to be opted in to, and have no control plane.
    filters: [{ name: 'opt-in-status', values: ['opt-in-not-required'] }],
    excludeZoneIds: ZONE_IDS_WITHOUT_EKS,
  })
  return found.names.apply(names => [...names].sort())
}

/** @throws RunError when the region has no zone `index`, counted from 0 */
export function requireZone(names: readonly string[], index: number): string {
  const name = names[index]
  if (name !== undefined) return name
  throw new pulumi.RunError(
    `Cannot make ${ZONES.length} zones: the region has ${names.join(', ') || 'none'}\nTake another region: pulumi config set aws:region eu-central-1`,
  )
}

function subnetsAt(subnets: readonly ZoneSubnets[], index: number): ZoneSubnets {
  const found = subnets[index]
  if (found !== undefined) return found
  throw new RangeError(`Cannot place zone ${index}: there are subnets for ${subnets.length}`)
}

type ZonePlan = {
  readonly vpc: aws.ec2.Vpc
  readonly zone: Zone
  readonly name: pulumi.Output<string>
  readonly subnets: ZoneSubnets
  readonly publicRoutes: aws.ec2.RouteTable
}

function zoneNetwork(settings: Settings, { vpc, zone, name, subnets, publicRoutes }: ZonePlan): ZoneNetwork {
  const subnet = (reach: keyof ZoneSubnets) =>
    new aws.ec2.Subnet(`${reach}-${zone}`, {
      vpcId: vpc.id,
      cidrBlock: subnets[reach],
      availabilityZone: name,
      mapPublicIpOnLaunch: false,
      tags: tags(settings, `${reach}-${zone}`),
    })
  const privateSubnet = subnet('private')
  const publicSubnet = subnet('public')
  const privateRoutes = routeTable(settings, vpc, `private-${zone}`)
  associate(`private-${zone}`, privateSubnet, privateRoutes)
  associate(`public-${zone}`, publicSubnet, publicRoutes)
  return { zone, privateSubnet, publicSubnet, privateRoutes }
}

function routeTable(settings: Settings, vpc: aws.ec2.Vpc, what: string): aws.ec2.RouteTable {
  return new aws.ec2.RouteTable(what, { vpcId: vpc.id, tags: tags(settings, `${what}-routes`) })
}

function associate(what: string, subnet: aws.ec2.Subnet, routes: aws.ec2.RouteTable): void {
  new aws.ec2.RouteTableAssociation(what, { subnetId: subnet.id, routeTableId: routes.id })
}

/**
 * A NAT gateway in each zone, so that a zone that is lost takes the way out of no other. A shared one would be what both
 * groups hang on: cheaper, and for experiments that last minutes rarely a difference.
 */
function makeWaysOut(
  settings: Settings,
  zones: readonly ZoneNetwork[],
  toInternet: aws.ec2.Route,
): readonly aws.ec2.Route[] {
  const places = settings.natGateways === 'zone' ? zones : zones.slice(0, 1)
  const gateways = places.map(({ zone, publicSubnet }) => {
    const address = new aws.ec2.Eip(`nat-${zone}`, { domain: 'vpc', tags: tags(settings, `nat-${zone}`) })
    return new aws.ec2.NatGateway(
      `nat-${zone}`,
      { allocationId: address.id, subnetId: publicSubnet.id, tags: tags(settings, `nat-${zone}`) },
      { dependsOn: toInternet },
    )
  })
  return zones.flatMap(({ zone, privateRoutes }, index) => {
    const gateway = gateways[index] ?? gateways[0]
    if (gateway === undefined) return []
    const route = {
      routeTableId: privateRoutes.id,
      destinationCidrBlock: EVERYWHERE,
      natGatewayId: gateway.id,
    }
    return [new aws.ec2.Route(`private-${zone}`, route)]
  })
}

/** Layers of images and objects of the corpus come this way: nothing is paid for it, and no NAT gateway is in between. */
function makeStorageEndpoint(settings: Settings, vpc: aws.ec2.Vpc, zones: readonly ZoneNetwork[]): void {
  const { region } = aws.getRegionOutput()
  new aws.ec2.VpcEndpoint('s3', {
    vpcId: vpc.id,
    vpcEndpointType: 'Gateway',
    serviceName: pulumi.interpolate`com.amazonaws.${region}.s3`,
    routeTableIds: zones.map(({ privateRoutes }) => privateRoutes.id),
    tags: tags(settings, 's3'),
  })
}

/** Who talked to whom, and what was refused. */
function makeFlowLog(settings: Settings, vpc: aws.ec2.Vpc, group: aws.cloudwatch.LogGroup): void {
  const { role, grants } = serviceRole(settings, 'flow-log', 'vpc-flow-logs.amazonaws.com', {
    statements: [
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        Resource: [group.arn, pulumi.interpolate`${group.arn}:*`],
      },
      // Asked about all groups, or not at all.
      { Effect: 'Allow', Action: ['logs:DescribeLogGroups'], Resource: '*' },
    ],
  })
  new aws.ec2.FlowLog(
    'flow',
    {
      vpcId: vpc.id,
      trafficType: 'ALL',
      logDestinationType: 'cloud-watch-logs',
      logDestination: group.arn,
      iamRoleArn: role.arn,
      maxAggregationInterval: 60,
      tags: tags(settings, 'flow'),
    },
    { dependsOn: [...grants] },
  )
}
