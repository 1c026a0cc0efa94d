import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { LABELS, PORTS, SHARED_GROUP } from '../../platform/topology.ts'

/*
 * Where Prometheus finds what it scrapes, in the format of its HTTP service discovery: Debian builds Prometheus without
 * its own discovery of Kubernetes, and what that would ask the API server for is watched here already.
 *
 * GET /targets/<service> tells the pods of a service, GET /targets/kubelet the nodes.
 */

/** Scraped together, with the same labels. */
export type TargetGroup = {
  /** `address:port`. */
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** Port of the metrics of each service. */
const METRICS_PORTS: Readonly<Record<string, number>> = {
  edge: PORTS.edgeMetrics,
  gateway: PORTS.gatewayMetrics,
  recommender: PORTS.recommender,
  database: PORTS.patroni,
  prometheus: PORTS.prometheus,
  'node-exporter': PORTS.nodeExporter,
  'object-state': PORTS.objectState,
}

const KUBELET_PORT = 10_250

/** Names that can be asked for. */
export const TARGET_NAMES: readonly string[] = ['kubelet', ...Object.keys(METRICS_PORTS)]

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
  const port = METRICS_PORTS[name]
  if (port === undefined) return []
  const byName = new Map(nodes.map(node => [node.metadata?.name ?? '', node]))
  return pods.flatMap(pod => {
    const { metadata, spec, status } = pod
    const isTarget =
      metadata?.labels?.[LABELS.partOf] === LABELS.product &&
      metadata.labels[LABELS.service] === name &&
      status?.phase === 'Running' &&
      status.podIP !== undefined
    if (!isTarget) return []
    const node = byName.get(spec?.nodeName ?? '')
    // A pod on the host's network tells about the node.
    const group = spec?.hostNetwork ? nodeGroup(node) : metadata.labels?.[LABELS.group]
    return [
      {
        targets: [`${status.podIP}:${port}`],
        labels: {
          group: group ?? SHARED_GROUP,
          ...zoneLabel(node),
          service: name,
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
  const zone = node?.metadata?.labels?.[LABELS.zone]
  return zone ? { zone } : {}
}
