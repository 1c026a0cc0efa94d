import * as aws from '@pulumi/aws'
import * as eks from '@pulumi/eks'
import type * as pulumi from '@pulumi/pulumi'
import type { Network } from './network.ts'
import { serviceRole } from './roles.ts'
import type { Settings } from './settings.ts'
import { productTags, tags } from './tags.ts'

/** Everything that the control plane can tell. */
const LOG_TYPES = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler']

/** Days until a key that was deleted is gone: the fewest that AWS allows. */
const KEY_DELETION_DAYS = 7

/** What the rest of the program uses of the cluster. */
export type Cluster = {
  readonly component: eks.Cluster
  /** Known once the cluster and its own add-ons are there. */
  readonly name: pulumi.Output<string>
  readonly arn: pulumi.Output<string>
  readonly endpoint: pulumi.Output<string>
  /** PEM in base64. */
  readonly certificateAuthority: pulumi.Output<string>
}

/**
 * The control plane, with network and proxy add-ons and without nodes. Its API server is reached inside the network by
 * nodes, and from outside only from the ranges that the settings name.
 */
export function makeCluster(settings: Settings, network: Network, logs: aws.cloudwatch.LogGroup): Cluster {
  const key = new aws.kms.Key('secrets', {
    description: `Secrets of the Kubernetes cluster ${settings.name}`,
    enableKeyRotation: true,
    deletionWindowInDays: KEY_DELETION_DAYS,
    tags: tags(settings, 'secrets'),
  })
  const { role, grants } = serviceRole(settings, 'cluster', 'eks.amazonaws.com', {
    managed: ['AmazonEKSClusterPolicy'],
  })
  const component = new eks.Cluster(
    'cluster',
    {
      name: settings.name,
      version: settings.kubernetesVersion,
      // A version that is out of support is replaced, and not kept for six times the price.
      upgradePolicy: { supportType: 'STANDARD' },
      serviceRole: role,
      vpcId: network.vpc.id,
      privateSubnetIds: network.zones.map(({ privateSubnet }) => privateSubnet.id),
      publicSubnetIds: network.zones.map(({ publicSubnet }) => publicSubnet.id),
      endpointPrivateAccess: true,
      endpointPublicAccess: true,
      publicAccessCidrs: [...settings.apiAccessCidrs],
      authenticationMode: 'API',
      accessEntries: accessEntries(settings),
      encryptionConfigKeyArn: key.arn,
      enabledClusterLogTypes: LOG_TYPES,
      // Pods take their roles by Pod Identity.
      createOidcProvider: false,
      skipDefaultNodeGroup: true,
      createInstanceRole: false,
      nodeAssociatePublicIpAddress: false,
      // EKS makes a group of its own for control plane and nodes; nothing from outside is let into it.
      skipDefaultSecurityGroups: true,
      useDefaultVpcCni: false,
      vpcCniOptions: { enableNetworkPolicy: settings.enforceNetworkPolicies },
      // It needs nodes: `addons.ts`.
      corednsAddonOptions: { enabled: false },
      tags: productTags(settings),
    },
    { dependsOn: [logs, ...grants] },
  )
  const made = component.eksCluster
  return {
    component,
    name: made.apply(({ name }) => name),
    arn: made.apply(({ arn }) => arn),
    endpoint: made.apply(({ endpoint }) => endpoint),
    certificateAuthority: made.apply(({ certificateAuthority }) => certificateAuthority).data,
  }
}

/** Whoever makes the cluster administers it, and whom the settings name. */
function accessEntries({
  administratorArns,
  name,
}: Settings): Record<string, eks.types.input.AccessEntryArgs> {
  return Object.fromEntries(
    administratorArns.map((principalArn, index) => [
      `administrator-${index}`,
      {
        principalArn,
        tags: productTags({ name }),
        accessPolicies: {
          admin: {
            policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy',
            accessScope: { type: 'cluster' },
          },
        },
      },
    ]),
  )
}
