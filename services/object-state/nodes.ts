import type { V1Node } from '@kubernetes/client-node'
import { LABELS, labZoneOf, SHARED_GROUP } from '../../platform/topology.ts'
import { type Family, type Identity, one, states } from './family.ts'
import { quantityValue, resourceUnit } from './quantity.ts'

const CONDITIONS = ['true', 'false', 'unknown']

/** Which node. `group` is ours and stands on everything; the other labels are those of kube-state-metrics. */
export function nodeIdentity(node: V1Node): Identity {
  return {
    node: node.metadata?.name ?? '',
    group: node.metadata?.labels?.[LABELS.group] ?? SHARED_GROUP,
  }
}

/** What is told about each node, as kube-state-metrics names it. */
export const NODE_FAMILIES: readonly Family<V1Node>[] = [
  {
    name: 'kube_node_info',
    type: 'gauge',
    help: 'Information about a cluster node.',
    samples: ({ spec, status }) => [
      {
        labels: {
          kernel_version: status?.nodeInfo?.kernelVersion ?? '',
          os_image: status?.nodeInfo?.osImage ?? '',
          container_runtime_version: status?.nodeInfo?.containerRuntimeVersion ?? '',
          kubelet_version: status?.nodeInfo?.kubeletVersion ?? '',
          provider_id: spec?.providerID ?? '',
          pod_cidr: spec?.podCIDR ?? '',
          internal_ip: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
        },
        value: 1,
      },
    ],
  },
  {
    name: 'kube_node_labels',
    type: 'gauge',
    help: 'Our labels of the node, converted to Prometheus labels.',
    samples: ({ metadata }) => [
      {
        labels: {
          label_group: metadata?.labels?.[LABELS.group] ?? '',
          label_topology_kubernetes_io_zone: labZoneOf(metadata?.labels) ?? '',
        },
        value: 1,
      },
    ],
  },
  {
    name: 'kube_node_status_condition',
    type: 'gauge',
    help: 'The condition of a cluster node.',
    samples: ({ status }) =>
      (status?.conditions ?? []).flatMap(condition =>
        states('status', CONDITIONS, condition.status.toLowerCase()).map(({ labels, value }) => ({
          labels: { condition: condition.type, ...labels },
          value,
        })),
      ),
  },
  {
    name: 'kube_node_status_allocatable',
    type: 'gauge',
    help: 'The allocatable for different resources of a node that are available for scheduling.',
    samples: ({ status }) =>
      Object.entries(status?.allocatable ?? {}).map(([resource, quantity]) => ({
        labels: { resource: resource.replaceAll(/[^a-zA-Z0-9_]/g, '_'), unit: resourceUnit(resource) },
        value: quantityValue(quantity),
      })),
  },
  {
    name: 'kube_node_spec_taint',
    type: 'gauge',
    help: 'The taint of a cluster node.',
    samples: ({ spec }) =>
      (spec?.taints ?? []).map(({ key, value = '', effect }) => ({
        labels: { key, value, effect },
        value: 1,
      })),
  },
  {
    name: 'kube_node_spec_unschedulable',
    type: 'gauge',
    help: 'Whether a node can schedule new pods.',
    samples: ({ spec }) => one(spec?.unschedulable ? 1 : 0),
  },
]
