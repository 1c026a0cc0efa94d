import { CHAOS_NAMESPACE, type Group, PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { type KubernetesObject, metadata, type Owner, selectorLabels } from './object.ts'

/*
 * Who may talk to whom. Everything that is not listed is closed, where the cluster's network enforces policies at all
 * (the local cluster's does not).
 *
 *   anybody -> edge -> gateway -> recommender -> database <- migrate, ingest
 *   prometheus -> every metrics port
 */

type Peer = {
  readonly podSelector?: { readonly matchLabels: Record<string, string> }
  readonly namespaceSelector?: { readonly matchLabels: Record<string, string> }
}

type IngressRule = {
  readonly from?: readonly Peer[]
  readonly ports?: readonly { readonly protocol: 'TCP'; readonly port: number }[]
}

export function groupNetworkPolicies(group: Group): readonly KubernetesObject[] {
  const from = (...services: string[]): Peer[] => services.map(service => peer(group, service))
  const prometheus = prometheusPeer()
  return [
    denyAll(group, group),
    policy(group, group, 'edge', [on([PORTS.edge]), on([PORTS.edgeMetrics], [prometheus])]),
    policy(group, group, 'gateway', [
      on([PORTS.gateway], from('edge')),
      on([PORTS.gatewayMetrics], [prometheus]),
    ]),
    policy(group, group, 'recommender', [on([PORTS.recommender], [...from('gateway'), prometheus])]),
    policy(group, group, 'database', [
      on([PORTS.database], from('recommender', 'migrate', 'ingest', 'database')),
      on([PORTS.patroni], [...from('database'), prometheus]),
    ]),
    // Executors and driver choose some of their ports themselves.
    policy(group, group, 'ingest', [{ from: from('ingest') }]),
  ]
}

export function sharedNetworkPolicies(): readonly KubernetesObject[] {
  return [
    denyAll(SHARED_GROUP, SHARED_NAMESPACE),
    denyAll(SHARED_GROUP, CHAOS_NAMESPACE),
    policy(SHARED_GROUP, SHARED_NAMESPACE, 'prometheus', [on([PORTS.prometheus])]),
    policy(SHARED_GROUP, SHARED_NAMESPACE, 'object-state', [on([PORTS.objectState], [prometheusPeer()])]),
  ]
}

function peer(owner: Owner, service: string): Peer {
  return { podSelector: { matchLabels: selectorLabels(owner, service) } }
}

function prometheusPeer(): Peer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SHARED_NAMESPACE } },
    ...peer(SHARED_GROUP, 'prometheus'),
  }
}

function on(ports: readonly number[], from?: readonly Peer[]): IngressRule {
  return { ports: ports.map(port => ({ protocol: 'TCP' as const, port })), ...(from ? { from } : {}) }
}

function policy(
  owner: Owner,
  namespace: string,
  service: string,
  ingress: readonly IngressRule[],
): KubernetesObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(owner, namespace, service),
    spec: {
      podSelector: { matchLabels: selectorLabels(owner, service) },
      policyTypes: ['Ingress'],
      ingress,
    },
  }
}

function denyAll(owner: Owner, namespace: string): KubernetesObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(owner, namespace, 'namespace', 'deny-all'),
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  }
}
