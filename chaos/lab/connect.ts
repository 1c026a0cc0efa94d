import type { Cluster, ClusterAccess, ImageReferences } from '../../platform/cluster/cluster.ts'
import { UserError } from '../../platform/errors.ts'
import { kubeConfigOf } from '../../platform/kube-config.ts'
import { GROUPS, type Group, PORTS, serviceHost } from '../../platform/topology.ts'
import { clusterExecutor } from '../faults/executor.ts'
import { systemClock } from '../measurement/clock.ts'
import { oncallMirror } from '../publish-proxy.ts'
import type { RunDependencies } from '../run-dependencies.ts'
import { kubernetesAgents } from './kubernetes-agents.ts'
import { kubernetesApiFaults } from './kubernetes-api-faults.ts'
import { kubernetesDatabase } from './kubernetes-database.ts'
import { kubernetesHalt } from './kubernetes-halt.ts'
import { KubernetesLab } from './kubernetes-lab.ts'
import { kubernetesLeases } from './kubernetes-leases.ts'
import { KubernetesLoad } from './kubernetes-load.ts'
import { type Holder, kubernetesLock } from './kubernetes-lock.ts'

export type ConnectOptions = {
  readonly access: ClusterAccess
  readonly cluster: Cluster
  /** What the lab runs; the load generator is one of them. */
  readonly images: ImageReferences
  /** Prometheus remote-write endpoint inside the cluster; null for none. */
  readonly remoteWriteUrl: string | null
  readonly self: Holder
}

/** The parts of a run that reach into a real cluster. @throws UserError NOT_UP when the lab has no load generator */
export function connectLab(
  options: ConnectOptions,
): Pick<
  RunDependencies,
  | 'cluster'
  | 'lab'
  | 'executor'
  | 'agents'
  | 'api'
  | 'leases'
  | 'halt'
  | 'database'
  | 'load'
  | 'lock'
  | 'mirror'
  | 'clock'
  | 'urls'
> {
  const { access, cluster, images, remoteWriteUrl, self } = options
  const loadImage = images.load
  if (loadImage === undefined)
    throw new UserError(
      'NOT_UP',
      'Cannot drive load: the lab has no image for it',
      "Run './divergence up' again.",
    )
  const config = kubeConfigOf(access)
  const clock = systemClock
  const lab = new KubernetesLab(config, clock)
  const agents = kubernetesAgents(config)
  // Pods that only take up room need an image that the nodes can pull and that can sleep.
  const api = kubernetesApiFaults(config, loadImage)
  return {
    cluster,
    lab,
    executor: clusterExecutor({ cluster, lab, pods: lab, api, agents, clock }),
    agents,
    api,
    leases: kubernetesLeases(config, clock),
    halt: kubernetesHalt(config),
    database: kubernetesDatabase(config, lab),
    load: new KubernetesLoad({ config, clock, image: loadImage, remoteWriteUrl }),
    lock: kubernetesLock(config, clock, self),
    mirror: oncallMirror(config),
    clock,
    urls: Object.fromEntries(
      GROUPS.map(group => [group, `http://${serviceHost(group, 'edge')}:${PORTS.edge}`]),
    ) as Record<Group, string>,
  }
}
