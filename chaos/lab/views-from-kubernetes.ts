import type {
  V1Container,
  V1Deployment,
  V1Node,
  V1Pod,
  V1Service,
  V1StatefulSet,
} from '@kubernetes/client-node'
import { PATRONI_PRIMARY, PATRONI_ROLE_LABEL } from '../../platform/manifests/database.ts'
import { LABELS, labZoneOf } from '../../platform/topology.ts'
import { quantityValue } from '../../services/object-state/quantity.ts'
import type { ContainerView, NodeView, PodView, ServiceView, WorkloadView } from './view.ts'

/** Kubernetes puts these on a node by itself and takes them off again; they are the outage, not what it left. */
const OWN_TAINTS = 'node.kubernetes.io/'

const BYTES_PER_MIB = 2 ** 20

export function nodeView(node: V1Node): NodeView {
  const labels = node.metadata?.labels ?? {}
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return {
    name: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    group: labels[LABELS.group] ?? null,
    zone: labZoneOf(labels),
    ready: condition?.status === 'True',
    cordoned: node.spec?.unschedulable ?? false,
    taints: (node.spec?.taints ?? [])
      .filter(({ key }) => !key.startsWith(OWN_TAINTS))
      .map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`)
      .sort(),
    address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? null,
    podCidrs: node.spec?.podCIDRs ?? [],
    allocatable: {
      cpuCores: amount(node.status?.allocatable?.cpu) ?? 0,
      memoryMiB: mebibytes(node.status?.allocatable?.memory) ?? 0,
    },
  }
}

export function podView(pod: V1Pod): PodView {
  const labels = pod.metadata?.labels ?? {}
  const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  return {
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
    uid: pod.metadata?.uid ?? '',
    group: labels[LABELS.group] ?? null,
    service: labels[LABELS.service] ?? null,
    nodeName: pod.spec?.nodeName ?? null,
    unschedulable: isUnschedulable(pod),
    ready: condition?.status === 'True',
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    finished: pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
    role: roleOf(labels),
    address: pod.status?.podIP ?? null,
    containers: (pod.spec?.containers ?? []).map(container => containerView(container, pod)),
  }
}

export function serviceView({ metadata, spec }: V1Service): ServiceView {
  const address = spec?.clusterIP
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    clusterIp: address === undefined || address === '' || address === 'None' ? null : address,
  }
}

export function workloadView(
  resource: WorkloadView['resource'],
  { metadata, spec }: V1Deployment | V1StatefulSet,
): WorkloadView {
  return {
    resource,
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    // Kubernetes fills in 1 where nothing is said.
    replicas: spec?.replicas ?? 1,
  }
}

function isUnschedulable({ status }: V1Pod): boolean {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable'
}

function containerView({ name, resources }: V1Container, pod: V1Pod): ContainerView {
  const status = pod.status?.containerStatuses?.find(candidate => candidate.name === name)
  return {
    name,
    runningId: status?.state?.running === undefined ? null : (status.containerID ?? null),
    memoryLimitMiB: mebibytes(resources?.limits?.memory),
  }
}

function amount(quantity: string | undefined): number | null {
  return quantity === undefined ? null : quantityValue(quantity)
}

function mebibytes(quantity: string | undefined): number | null {
  const bytes = amount(quantity)
  return bytes === null ? null : bytes / BYTES_PER_MIB
}

function roleOf(labels: Readonly<Record<string, string>>): PodView['role'] {
  if (labels[LABELS.service] !== 'database') return null
  const role = labels[PATRONI_ROLE_LABEL]
  if (role === undefined) return null
  return role === PATRONI_PRIMARY ? 'primary' : 'replica'
}
