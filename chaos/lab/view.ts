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
}

export type PodView = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly group: string | null
  readonly service: string | null
  /** null while it is not scheduled. */
  readonly nodeName: string | null
  readonly ready: boolean
  /** It was told to go: its deletion time stamp is set. */
  readonly terminating: boolean
  /** It ended by itself (a finished Job). */
  readonly finished: boolean
  /** Patroni's word; null for what is not a database. */
  readonly role: 'primary' | 'replica' | null
}

/** All that an audit and a selection look at, read at one moment. */
export type LabView = {
  readonly nodes: readonly NodeView[]
  /** Pods of both groups. */
  readonly pods: readonly PodView[]
  /** `namespace/name` of the PodDisruptionBudgets of both groups. */
  readonly disruptionBudgets: readonly string[]
  /** Names of the load Jobs that exist. */
  readonly loadJobs: readonly string[]
}

/** Zone in which a pod runs. */
export function zoneOf(pod: PodView, nodes: readonly NodeView[]): Zone | null {
  return nodes.find(node => node.name === pod.nodeName)?.zone ?? null
}

/** Zone where the group's Postgres primary is now; null when it has none. */
export function primaryZone(group: string, view: Pick<LabView, 'nodes' | 'pods'>): Zone | null {
  const primaries = view.pods.filter(pod => pod.group === group && pod.role === 'primary' && !pod.terminating)
  // A primary that died without a word keeps its label until it is back; the one that answers is the primary.
  const primary = primaries.find(pod => pod.ready) ?? primaries[0]
  return primary === undefined ? null : zoneOf(primary, view.nodes)
}
