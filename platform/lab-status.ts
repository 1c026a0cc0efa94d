import type { ApiServer, LiveObject } from './api-server.ts'
import { PATRONI_PRIMARY, PATRONI_ROLE_LABEL } from './manifests/database.ts'
import { isPodReady, type Readiness, readiness, restartCount, whyNotReady } from './readiness.ts'
import {
  CHAOS_NAMESPACE,
  GROUP_JOBS,
  GROUPS,
  type Group,
  LABELS,
  labZoneOf,
  SHARED_NAMESPACE,
  type Zone,
} from './topology.ts'

export type PodState = {
  readonly name: string
  readonly node: string
  /** Missing outside the zones. */
  readonly zone?: string
  readonly ready: boolean
  readonly restarts: number
  /** Why it is not ready. */
  readonly why?: string
  /** Of a database member. */
  readonly role?: 'primary' | 'replica'
}

export type ServiceState = {
  readonly service: string
  readonly desired: number
  readonly ready: number
  readonly pods: readonly PodState[]
}

export type JobState = {
  readonly service: string
  readonly name: string
  readonly state: 'running' | 'complete' | 'failed'
}

export type GroupState = {
  readonly services: readonly ServiceState[]
  readonly jobs: readonly JobState[]
  /** Pod of the database's primary; missing while there is none. */
  readonly primary?: string
}

export type NodeState = {
  readonly name: string
  readonly group: string
  readonly zone?: string
  readonly ready: boolean
}

/** What runs, as plain data: `divergence status` prints it, or passes it on as JSON. */
export type LabState = {
  readonly nodes: readonly NodeState[]
  readonly groups: Readonly<Record<Group, GroupState>>
  readonly shared: readonly ServiceState[]
  /** Every service has the pods it should have, and every Job is done. */
  readonly ready: boolean
}

/** Asks the cluster once. A cluster without the lab gives groups without services. */
export async function labStatus(api: ApiServer): Promise<LabState> {
  const labels = { [LABELS.partOf]: LABELS.product }
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Pod'] as const
  const [deployments, statefulSets, daemonSets, jobs, pods] = await Promise.all(
    kinds.map(kind => api.list(kind, { labels })),
  )
  const nodes = await api.list('Node')
  return describeLab({
    workloads: [...(deployments ?? []), ...(statefulSets ?? []), ...(daemonSets ?? [])],
    jobs: jobs ?? [],
    pods: pods ?? [],
    nodes,
  })
}

export type LiveLab = {
  readonly workloads: readonly LiveObject[]
  readonly jobs: readonly LiveObject[]
  readonly pods: readonly LiveObject[]
  readonly nodes: readonly LiveObject[]
}

export function describeLab(live: LiveLab): LabState {
  const zones = new Map(live.nodes.map(node => [node.metadata.name, labZoneOf(node.metadata.labels)]))
  const servicesIn = (namespace: string) =>
    live.workloads
      .filter(each => each.metadata.namespace === namespace && each.metadata.labels?.[LABELS.service])
      .map(each => describeService(each, live.pods, zones))
      .sort((a, b) => a.service.localeCompare(b.service))
  const groups = Object.fromEntries(
    GROUPS.map(group => [group, describeGroup(servicesIn(group), jobsIn(group, live.jobs))]),
  ) as Record<Group, GroupState>
  const shared = [...servicesIn(SHARED_NAMESPACE), ...servicesIn(CHAOS_NAMESPACE)]
  const all = [...GROUPS.flatMap(group => groups[group].services), ...shared]
  return {
    nodes: live.nodes.map(describeNode).sort((a, b) => a.name.localeCompare(b.name)),
    groups,
    shared,
    ready:
      GROUPS.every(group => groups[group].services.length > 0 && groups[group].jobs.every(isDone)) &&
      all.every(each => each.ready >= each.desired),
  }
}

function describeGroup(services: readonly ServiceState[], jobs: readonly JobState[]): GroupState {
  const members = services.find(each => each.service === 'database')?.pods ?? []
  const primary = members.find(pod => pod.role === 'primary' && pod.ready)?.name
  return { services, jobs, ...(primary ? { primary } : {}) }
}

function describeService(
  workload: LiveObject,
  pods: readonly LiveObject[],
  zones: ReadonlyMap<string, Zone | null>,
): ServiceState {
  const { namespace, labels = {} } = workload.metadata
  const service = labels[LABELS.service] ?? ''
  const own = pods.filter(
    pod => pod.metadata.namespace === namespace && pod.metadata.labels?.[LABELS.service] === service,
  )
  const states = own
    .map(pod => describePod(pod, zones))
    .sort((a, b) => (a.zone ?? '').localeCompare(b.zone ?? '') || a.name.localeCompare(b.name))
  return {
    service,
    desired: desiredPods(workload),
    ready: states.filter(pod => pod.ready).length,
    pods: states,
  }
}

function desiredPods(workload: LiveObject): number {
  if (workload.kind === 'DaemonSet') {
    return (workload.status as { desiredNumberScheduled?: number } | undefined)?.desiredNumberScheduled ?? 0
  }
  return (workload.spec as { replicas?: number } | undefined)?.replicas ?? 1
}

function describePod(pod: LiveObject, zones: ReadonlyMap<string, Zone | null>): PodState {
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? ''
  const zone = zones.get(node)
  const why = whyNotReady(pod)
  const role = pod.metadata.labels?.[PATRONI_ROLE_LABEL]
  return {
    name: pod.metadata.name,
    node,
    ...(zone ? { zone } : {}),
    ready: isPodReady(pod),
    restarts: restartCount(pod),
    ...(why ? { why } : {}),
    ...(role ? { role: role === PATRONI_PRIMARY ? 'primary' : 'replica' } : {}),
  }
}

const JOB_STATES: Readonly<Record<Readiness['state'], JobState['state']>> = {
  ready: 'complete',
  waiting: 'running',
  failed: 'failed',
}

function jobsIn(group: Group, jobs: readonly LiveObject[]): readonly JobState[] {
  return jobs
    .filter(each => each.metadata.namespace === group)
    .map(each => ({
      service: each.metadata.labels?.[LABELS.service] ?? '',
      name: each.metadata.name,
      state: JOB_STATES[readiness(each).state],
    }))
    .filter(each => (GROUP_JOBS as readonly string[]).includes(each.service))
    .sort((a, b) => a.name.localeCompare(b.name))
}

function isDone(job: JobState): boolean {
  return job.state === 'complete'
}

function describeNode(node: LiveObject): NodeState {
  const zone = labZoneOf(node.metadata.labels)
  return {
    name: node.metadata.name,
    group: node.metadata.labels?.[LABELS.group] ?? '',
    ...(zone ? { zone } : {}),
    ready: isPodReady(node),
  }
}
