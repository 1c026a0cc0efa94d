import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { PATRONI_PRIMARY, PATRONI_ROLE_LABEL } from '../../platform/manifests/database.ts'
import { LABELS, ZONES } from '../../platform/topology.ts'
import type { NodeView, PodView } from './view.ts'

/** Kubernetes puts these on a node by itself and takes them off again; they are the outage, not what it left. */
const OWN_TAINTS = 'node.kubernetes.io/'

export function nodeView(node: V1Node): NodeView {
  const labels = node.metadata?.labels ?? {}
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return {
    name: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    group: labels[LABELS.group] ?? null,
    zone: ZONES.find(zone => zone === labels[LABELS.zone]) ?? null,
    ready: condition?.status === 'True',
    cordoned: node.spec?.unschedulable ?? false,
    taints: (node.spec?.taints ?? [])
      .filter(({ key }) => !key.startsWith(OWN_TAINTS))
      .map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`)
      .sort(),
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
    ready: condition?.status === 'True',
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    finished: pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
    role: roleOf(labels),
  }
}

function roleOf(labels: Readonly<Record<string, string>>): PodView['role'] {
  if (labels[LABELS.service] !== 'database') return null
  const role = labels[PATRONI_ROLE_LABEL]
  if (role === undefined) return null
  return role === PATRONI_PRIMARY ? 'primary' : 'replica'
}
