import * as pulumi from '@pulumi/pulumi'
import { type ClusterAddress, kubeconfig, nextCommands, regionOf } from './access.ts'
import { makeAddons } from './addons.ts'
import { makeBudget } from './budget.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import { makeCorpusAccess } from './corpus-access.ts'
import { makeLogGroups } from './logs.ts'
import { makeNetwork } from './network.ts'
import { makeNodes } from './nodes.ts'
import { makeRegistry } from './registry.ts'
import type { Settings } from './settings.ts'
import { makeStorageClass } from './storage.ts'

/** What a person needs of the cluster to run the lab on it. */
export type Outputs = {
  /** Name of the context in `kubeconfig`. */
  readonly context: pulumi.Output<string>
  /** `HOST/PATH` for `--registry`. */
  readonly registry: pulumi.Output<string>
  readonly kubeconfig: pulumi.Output<string>
  /** Commands to type now. */
  readonly next: pulumi.Output<string>
}

/**
 * All that the lab stands on in AWS:
 *
 *   log groups -> network -> control plane -> nodes -> add-ons -> storage class
 *   repositories, access to a corpus, budget
 */
export function makeLab(settings: Settings): Outputs {
  const logs = makeLogGroups(settings)
  const network = makeNetwork(settings, logs.flow)
  const cluster = makeCluster(settings, network, logs.controlPlane)
  const nodes = makeNodes(settings, network, cluster)
  const addons = makeAddons(settings, cluster, nodes, logs)
  makeStorageClass(settings, cluster, addons)
  makeCorpusAccess(settings, cluster)
  makeBudget(settings)
  return outputs(cluster, makeRegistry(settings))
}

function outputs(cluster: Cluster, registry: pulumi.Output<string>): Outputs {
  const { name, endpoint, certificateAuthority, arn } = cluster
  const address = pulumi
    .all([name, endpoint, certificateAuthority, arn])
    .apply(([clusterName, url, authority, clusterArn]): ClusterAddress => {
      const region = regionOf(clusterArn)
      return { name: clusterName, region, endpoint: url, certificateAuthority: authority }
    })
  return {
    context: name,
    registry,
    kubeconfig: pulumi.secret(address.apply(kubeconfig)),
    next: pulumi.all([address, registry]).apply(([at, prefix]) => nextCommands(at, prefix)),
  }
}
