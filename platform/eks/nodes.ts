import * as aws from '@pulumi/aws'
import type { Cluster } from './cluster.ts'
import type { Network, ZoneNetwork } from './network.ts'
import { type NodeGroupPlan, nodeGroupPlans } from './node-groups.ts'
import { type GrantedRole, serviceRole } from './roles.ts'
import type { Settings } from './settings.ts'
import { productTags, tags } from './tags.ts'

/** Amazon Linux 2023 for x86-64: control groups version 2, containerd, nftables. */
const AMI_TYPE = 'AL2023_x86_64_STANDARD'

/** Root device of that image. */
const ROOT_DEVICE = '/dev/xvda'

/** One node group for each group and zone, and the system's; all start from the same template, with the same role. */
export function makeNodes(
  settings: Settings,
  network: Network,
  cluster: Cluster,
): readonly aws.eks.NodeGroup[] {
  const template = launchTemplate(settings)
  const role = serviceRole(settings, 'node', 'ec2.amazonaws.com', {
    managed: ['AmazonEKSWorkerNodePolicy', 'AmazonEKS_CNI_Policy', 'AmazonEC2ContainerRegistryPullOnly'],
  })
  return nodeGroupPlans(settings).map(plan => nodeGroup(settings, plan, { network, cluster, template, role }))
}

type Surroundings = {
  readonly network: Network
  readonly cluster: Cluster
  readonly template: aws.ec2.LaunchTemplate
  readonly role: GrantedRole
}

function nodeGroup(
  settings: Settings,
  plan: NodeGroupPlan,
  { network, cluster, template, role: { role, grants } }: Surroundings,
): aws.eks.NodeGroup {
  const { privateSubnet } = zoneOf(network, plan)
  return new aws.eks.NodeGroup(
    plan.name,
    {
      clusterName: cluster.name,
      nodeGroupName: plan.name,
      nodeRoleArn: role.arn,
      subnetIds: [privateSubnet.id],
      amiType: AMI_TYPE,
      capacityType: 'ON_DEMAND',
      instanceTypes: [plan.instanceType],
      scalingConfig: { desiredSize: plan.nodes, minSize: plan.nodes, maxSize: plan.nodes },
      updateConfig: { maxUnavailable: 1 },
      // A node that an experiment made unwell must be left to it.
      nodeRepairConfig: { enabled: false },
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      labels: { ...plan.labels },
      taints: plan.taints.map(taint => ({ ...taint })),
      tags: tags(settings, plan.name),
    },
    { dependsOn: [cluster.component, ...grants, ...network.waysOut] },
  )
}

function zoneOf({ zones }: Network, { name, zone }: NodeGroupPlan): ZoneNetwork {
  const found = zones.find(each => each.zone === zone)
  if (found !== undefined) return found
  throw new RangeError(`Cannot place ${name}: the network has no zone ${zone}`)
}

/** Encrypted disks; metadata for the node itself and not for its pods; no key to log in with. */
function launchTemplate(settings: Settings): aws.ec2.LaunchTemplate {
  const made = { ...productTags(settings), Name: `${settings.name}-node` }
  return new aws.ec2.LaunchTemplate('node', {
    name: `${settings.name}-node`,
    updateDefaultVersion: true,
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        deviceName: ROOT_DEVICE,
        ebs: {
          volumeType: 'gp3',
          volumeSize: settings.nodeVolumeGiB,
          encrypted: 'true',
          deleteOnTermination: 'true',
        },
      },
    ],
    tagSpecifications: ['instance', 'volume', 'network-interface'].map(resourceType => ({
      resourceType,
      tags: made,
    })),
    tags: tags(settings, 'node'),
  })
}
