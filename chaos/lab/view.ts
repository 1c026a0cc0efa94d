import type { Zone } from '../../platform/topology.ts'

/** A node as the API server describes it. Labels are what it says now, whatever we believe. */
export type NodeView = {
  readonly name: string
  readonly uid: string
  /** Value of the label `group`; null when there is none. */
  readonly group: string | null
  readonly zone: Zone | null
  readonly ready: boolean
  readonly cordoned: boolean
  /** `key=value:effect`, sorted. */
  readonly taints: readonly string[]
  /** Where other nodes reach it; null when the API server does not know yet. */
  readonly address: string | null
  /** Addresses of its pods as CIDRs; empty where nodes have no range of their own. */
  readonly podCidrs: readonly string[]
  /** What pods may ask of it. */
  readonly allocatable: { readonly cpuCores: number; readonly memoryMiB: number }
}

export type ContainerView = {
  readonly name: string
  /** Of the one that runs now, another one after each start; null: none runs. */
  readonly runningId: string | null
  /** null: none. */
  readonly memoryLimitMiB: number | null
}

export type PodView = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly group: string | null
  readonly service: string | null
  /** null while it is not scheduled. */
  readonly nodeName: string | null
  /** The scheduler looked for a node and found none. */
  readonly unschedulable: boolean
  readonly ready: boolean
  /** It was told to go: its deletion time stamp is set. */
  readonly terminating: boolean
  /** It ended by itself (a finished Job). */
  readonly finished: boolean
  /** Patroni's word; null for what is not a database. */
  readonly role: 'primary' | 'replica' | null
  /** Where other pods reach it; null while it has none. */
  readonly address: string | null
  /** Those that run for good; init containers are not among them. */
  readonly containers: readonly ContainerView[]
}

/** A name under which pods are reached. */
export type ServiceView = {
  readonly namespace: string
  readonly name: string
  /** null for a headless service: its clients see the pods' own addresses. */
  readonly clusterIp: string | null
}

/** What keeps so many pods of a service alive. */
export type WorkloadView = {
  readonly resource: 'deployments' | 'statefulsets'
  readonly namespace: string
  readonly name: string
  /** Wanted, whatever there is. */
  readonly replicas: number
}

/** All that an audit and a selection look at, read at one moment. */
export type LabView = {
  readonly nodes: readonly NodeView[]
  /** Of both groups, as is everything that follows. */
  readonly pods: readonly PodView[]
  readonly services: readonly ServiceView[]
  readonly workloads: readonly WorkloadView[]
  /** `namespace/name` of the PodDisruptionBudgets of both groups. */
  readonly disruptionBudgets: readonly string[]
  /** Names of the load Jobs that exist. */
  readonly loadJobs: readonly string[]
}

/** Zone in which a pod runs. */
export function zoneOf(pod: PodView, nodes: readonly NodeView[]): Zone | null {
  return nodes.find(node => node.name === pod.nodeName)?.zone ?? null
}

/** The group's Postgres primary now; null when it has none. */
export function primaryPod(group: string, { pods }: Pick<LabView, 'pods'>): PodView | null {
  const primaries = pods.filter(pod => pod.group === group && pod.role === 'primary' && !pod.terminating)
  // A primary that died without a word keeps its label until it is back; the one that answers is the primary.
  return primaries.find(pod => pod.ready) ?? primaries[0] ?? null
}

/** Zone where the group's Postgres primary is now; null when it has none. */
export function primaryZone(group: string, view: Pick<LabView, 'nodes' | 'pods'>): Zone | null {
  const primary = primaryPod(group, view)
  return primary === null ? null : zoneOf(primary, view.nodes)
}
