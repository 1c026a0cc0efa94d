import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import { LABELS, SHARED_GROUP } from '../../platform/topology.ts'
import { type Family, type Identity, type Sample, states } from './family.ts'
import { quantityValue, resourceUnit } from './quantity.ts'

const PHASES = ['Pending', 'Succeeded', 'Failed', 'Unknown', 'Running']
const CONDITIONS = ['true', 'false', 'unknown']

/** Which pod. `group` is ours and stands on everything; the other labels are those of kube-state-metrics. */
export function podIdentity(pod: V1Pod): Identity {
  const { namespace = '', name = '', uid = '', labels } = pod.metadata ?? {}
  return { namespace, pod: name, uid, group: labels?.[LABELS.group] ?? SHARED_GROUP }
}

function conditionOf(pod: V1Pod, type: string): readonly Sample[] {
  const condition = pod.status?.conditions?.find(candidate => candidate.type === type)
  return condition === undefined ? [] : states('condition', CONDITIONS, condition.status.toLowerCase())
}

/** A sample for each container whose status gives a value. */
function ofContainers(
  pod: V1Pod,
  sampleOf: (status: V1ContainerStatus) => { readonly reason?: string; readonly value: number } | undefined,
): readonly Sample[] {
  return (pod.status?.containerStatuses ?? []).flatMap(status => {
    const sample = sampleOf(status)
    if (sample === undefined) return []
    const reason = sample.reason === undefined ? {} : { reason: sample.reason }
    return [{ labels: { container: status.name, ...reason }, value: sample.value }]
  })
}

/** 1 for the reason, when there is one. */
const because = (reason: string | undefined) => (reason === undefined ? undefined : { reason, value: 1 })

function resources(pod: V1Pod, kind: 'requests' | 'limits'): readonly Sample[] {
  const node = pod.spec?.nodeName ?? ''
  return (pod.spec?.containers ?? []).flatMap(container =>
    Object.entries(container.resources?.[kind] ?? {}).map(([resource, quantity]) => ({
      labels: {
        container: container.name,
        node,
        resource: resource.replaceAll(/[^a-zA-Z0-9_]/g, '_'),
        unit: resourceUnit(resource),
      },
      value: quantityValue(quantity),
    })),
  )
}

/** What is told about each pod, as kube-state-metrics names it. */
export const POD_FAMILIES: readonly Family<V1Pod>[] = [
  {
    name: 'kube_pod_info',
    type: 'gauge',
    help: 'Information about pod.',
    samples: ({ metadata, spec, status }) => {
      const creator = metadata?.ownerReferences?.find(owner => owner.controller)
      return [
        {
          labels: {
            host_ip: status?.hostIP ?? '',
            pod_ip: status?.podIP ?? '',
            node: spec?.nodeName ?? '',
            created_by_kind: creator?.kind ?? '',
            created_by_name: creator?.name ?? '',
            priority_class: spec?.priorityClassName ?? '',
            host_network: String(spec?.hostNetwork ?? false),
          },
          value: 1,
        },
      ]
    },
  },
  {
    name: 'kube_pod_labels',
    type: 'gauge',
    help: 'Our labels of the pod, converted to Prometheus labels.',
    samples: ({ metadata }) => [
      {
        labels: {
          label_group: metadata?.labels?.[LABELS.group] ?? '',
          label_service: metadata?.labels?.[LABELS.service] ?? '',
        },
        value: 1,
      },
    ],
  },
  {
    name: 'kube_pod_status_phase',
    type: 'gauge',
    help: 'The pods current phase.',
    samples: ({ status }) => states('phase', PHASES, status?.phase ?? 'Unknown'),
  },
  {
    name: 'kube_pod_status_ready',
    type: 'gauge',
    help: 'Describes whether the pod is ready to serve requests.',
    samples: pod => conditionOf(pod, 'Ready'),
  },
  {
    name: 'kube_pod_status_scheduled',
    type: 'gauge',
    help: 'Describes the status of the scheduling process for the pod.',
    samples: pod => conditionOf(pod, 'PodScheduled'),
  },
  {
    name: 'kube_pod_container_status_restarts_total',
    type: 'counter',
    help: 'The number of container restarts per container.',
    samples: pod => ofContainers(pod, ({ restartCount }) => ({ value: restartCount })),
  },
  {
    name: 'kube_pod_container_status_waiting_reason',
    type: 'gauge',
    help: 'Describes the reason the container is currently in waiting state.',
    samples: pod => ofContainers(pod, ({ state }) => because(state?.waiting?.reason)),
  },
  {
    name: 'kube_pod_container_status_terminated_reason',
    type: 'gauge',
    help: 'Describes the reason the container is currently in terminated state.',
    samples: pod => ofContainers(pod, ({ state }) => because(state?.terminated?.reason)),
  },
  {
    name: 'kube_pod_container_status_last_terminated_reason',
    type: 'gauge',
    help: 'Describes the last reason the container was in terminated state.',
    samples: pod => ofContainers(pod, ({ lastState }) => because(lastState?.terminated?.reason)),
  },
  {
    name: 'kube_pod_container_resource_requests',
    type: 'gauge',
    help: 'The number of requested request resource by a container.',
    samples: pod => resources(pod, 'requests'),
  },
  {
    name: 'kube_pod_container_resource_limits',
    type: 'gauge',
    help: 'The number of requested limit resource by a container.',
    samples: pod => resources(pod, 'limits'),
  },
]
