import * as aws from '@pulumi/aws'
import type * as pulumi from '@pulumi/pulumi'
import type { Cluster } from './cluster.ts'
import type { LogGroups } from './logs.ts'
import { podRole } from './roles.ts'
import type { Settings } from './settings.ts'
import { productTags, tags } from './tags.ts'

/** What an add-on of EKS is given. */
type AddonPlan = {
  readonly name: string
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Account of the add-on that takes a role, and the policy of AWS that the role has. */
  readonly identity?: { readonly namespace: string; readonly account: string; readonly policy: string }
}

/**
 * Enhanced Container Insights alone. The add-on would instrument every deployment it finds: that is not the system any
 * more that is measured, and gateway and recommender bring their own telemetry.
 * Source: https://github.com/aws-observability/helm-charts/pull/240
 */
const INSIGHTS_ONLY = {
  agent: {
    config: { logs: { metrics_collected: { kubernetes: { enhanced_container_insights: true } } } },
  },
  manager: { applicationSignals: { autoMonitor: { monitorAllServices: false } } },
}

function plans(settings: Settings): readonly AddonPlan[] {
  return [
    { name: 'coredns' },
    { name: 'eks-pod-identity-agent' },
    {
      name: 'aws-ebs-csi-driver',
      // A volume that outlives its claim is still found by its tags.
      configuration: { controller: { extraVolumeTags: productTags(settings) } },
      identity: {
        namespace: 'kube-system',
        account: 'ebs-csi-controller-sa',
        policy: 'service-role/AmazonEBSCSIDriverPolicy',
      },
    },
    {
      name: 'amazon-cloudwatch-observability',
      configuration: INSIGHTS_ONLY,
      identity: {
        namespace: 'amazon-cloudwatch',
        account: 'cloudwatch-agent',
        policy: 'CloudWatchAgentServerPolicy',
      },
    },
  ]
}

/** The add-ons that need nodes. Version: the one EKS takes for the cluster's, and nothing is upgraded unasked. */
export function makeAddons(
  settings: Settings,
  cluster: Cluster,
  nodes: readonly aws.eks.NodeGroup[],
  logs: LogGroups,
): readonly aws.eks.Addon[] {
  return plans(settings).map(plan => addon(settings, plan, cluster, [...nodes, ...logs.insights]))
}

function addon(
  settings: Settings,
  { name, configuration, identity }: AddonPlan,
  cluster: Cluster,
  before: readonly pulumi.Resource[],
): aws.eks.Addon {
  const taken =
    identity &&
    podRole(
      settings,
      name,
      { namespaces: [identity.namespace], account: identity.account },
      { managed: [identity.policy] },
    )
  return new aws.eks.Addon(
    name,
    {
      clusterName: cluster.name,
      addonName: name,
      // A new cluster has a coredns that is nobody's.
      resolveConflictsOnCreate: 'OVERWRITE',
      resolveConflictsOnUpdate: 'OVERWRITE',
      ...(configuration === undefined ? {} : { configurationValues: JSON.stringify(configuration) }),
      ...(taken && identity
        ? { podIdentityAssociations: [{ roleArn: taken.role.arn, serviceAccount: identity.account }] }
        : {}),
      tags: tags(settings, name),
    },
    { dependsOn: [...before, ...(taken?.grants ?? [])] },
  )
}
