import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { LABELS, labZoneOf, PORTS, SHARED_GROUP } from '../../platform/topology.ts'
import { type PlacedPod, PROBE_NAMES, probeTargets, type TargetGroup } from './probes.ts'

/*
 * Where Prometheus finds what it scrapes, in the format of its HTTP service discovery: Debian builds Prometheus without
 * its own discovery of Kubernetes, and what that would ask the API server for is watched here already.
 *
 * GET /targets/<service> tells the pods of a service, GET /targets/kubelet the nodes, GET /targets/<kind of probe> what the
 * probers ask (probes.ts).
 */

/** Where the pods of `service` tell something; `onNodes`: it stands on every node, and is told under the node's group. */
type Source = { readonly service: string; readonly port: number; readonly onNodes?: true }

/** By the name that is asked for; a service may tell two things. */
const SOURCES: Readonly<Record<string, Source>> = {
  edge: { service: 'edge', port: PORTS.edgeMetrics },
  gateway: { service: 'gateway', port: PORTS.gatewayMetrics },
  recommender: { service: 'recommender', port: PORTS.recommender },
  database: { service: 'database', port: PORTS.patroni },
  postgres: { service: 'database', port: PORTS.postgresExporter },
  prometheus: { service: 'prometheus', port: PORTS.prometheus },
  alertmanager: { service: 'alertmanager', port: PORTS.alertmanager },
  'node-exporter': { service: 'node-exporter', port: PORTS.nodeExporter },
  blackbox: { service: 'blackbox', port: PORTS.blackbox, onNodes: true },
  'object-state': { service: 'object-state', port: PORTS.objectState },
  zipkin: { service: 'zipkin', port: PORTS.zipkin },
  oncall: { service: 'oncall', port: PORTS.oncall },
}

const KUBELET_PORT = 10_250

/** Names that can be asked for. */
export const TARGET_NAMES: readonly string[] = ['kubelet', ...Object.keys(SOURCES), ...PROBE_NAMES]

/**
 * Every series carries `group`, and `zone` where there is one: of a group's pod the pod's own group, of what stands on
 * every node the node's.
 *
 * @param name one of `TARGET_NAMES`
 */
export function targetGroups(
  name: string,
  pods: readonly V1Pod[],
  nodes: readonly V1Node[],
): readonly TargetGroup[] {
  if (name === 'kubelet') return nodes.flatMap(kubeletTarget)
  const places = placedPods(pods, nodes)
  if (PROBE_NAMES.includes(name)) return probeTargets(name, places)
  const source = SOURCES[name]
  if (source === undefined) return []
  return places
    .filter(place => place.labels.service === source.service)
    .map(({ address, labels, nodeGroup }) => ({
      targets: [`${address}:${source.port}`],
      labels: source.onNodes ? { ...labels, group: nodeGroup } : labels,
    }))
}

/** Pods of ours that run, with the labels of what is told about them. */
function placedPods(pods: readonly V1Pod[], nodes: readonly V1Node[]): readonly PlacedPod[] {
  const byName = new Map(nodes.map(node => [node.metadata?.name ?? '', node]))
  return pods.flatMap(({ metadata, spec, status }) => {
    const isOurs = metadata?.labels?.[LABELS.partOf] === LABELS.product
    if (!isOurs || status?.phase !== 'Running' || status.podIP === undefined) return []
    const node = byName.get(spec?.nodeName ?? '')
    // A pod on the host's network tells about the node.
    const group = spec?.hostNetwork ? nodeGroup(node) : metadata.labels?.[LABELS.group]
    return [
      {
        address: status.podIP,
        nodeGroup: nodeGroup(node),
        ending: metadata.deletionTimestamp !== undefined,
        labels: {
          group: group ?? SHARED_GROUP,
          ...zoneLabel(node),
          service: metadata.labels?.[LABELS.service] ?? '',
          namespace: metadata.namespace ?? '',
          pod: metadata.name ?? '',
          node: spec?.nodeName ?? '',
        },
      },
    ]
  })
}

function kubeletTarget(node: V1Node): readonly TargetGroup[] {
  const address = node.status?.addresses?.find(each => each.type === 'InternalIP')?.address
  if (!address) return []
  const host = address.includes(':') ? `[${address}]` : address
  return [
    {
      targets: [`${host}:${KUBELET_PORT}`],
      labels: { group: nodeGroup(node), ...zoneLabel(node), node: node.metadata?.name ?? '' },
    },
  ]
}

function nodeGroup(node: V1Node | undefined): string {
  return node?.metadata?.labels?.[LABELS.group] ?? SHARED_GROUP
}

function zoneLabel(node: V1Node | undefined): { readonly zone?: string } {
  const zone = labZoneOf(node?.metadata?.labels)
  return zone ? { zone } : {}
}
