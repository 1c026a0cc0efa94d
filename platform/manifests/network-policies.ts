import {
  CHAOS_NAMESPACE,
  type Group,
  PORTS,
  SHARED_GROUP,
  SHARED_NAMESPACE,
  type SharedService,
} from '../topology.ts'
import { type KubernetesObject, metadata, type Owner, selectorLabels } from './object.ts'

/*
 * Who may talk to whom. Everything that is not listed is closed, where the cluster's network enforces policies at all
 * (the local cluster's does not).
 *
 *   anybody -> edge -> gateway -> recommender -> database <- migrate, ingest
 *   prometheus -> every metrics port
 *   blackbox -> gateway, recommender, database, and each other
 *   gateway, recommender, ingest -> zipkin (spans), oncall (error events) -> zipkin
 *   prometheus -> alertmanager -> oncall -> oncall-database
 *   anybody -> prometheus, alertmanager, zipkin, oncall: people look at them, and they ask for a token where it matters
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
  const prometheus = sharedPeer('prometheus')
  // An echo has no port, so no port is named.
  const probes: IngressRule = { from: [sharedPeer('blackbox')] }
  return [
    denyAll(group, group),
    policy(group, group, 'edge', [on([PORTS.edge]), on([PORTS.edgeMetrics], [prometheus])]),
    policy(group, group, 'gateway', [
      on([PORTS.gateway], from('edge')),
      on([PORTS.gatewayMetrics], [prometheus]),
      probes,
    ]),
    policy(group, group, 'recommender', [on([PORTS.recommender], [...from('gateway'), prometheus]), probes]),
    policy(group, group, 'database', [
      on([PORTS.database], from('recommender', 'migrate', 'ingest', 'database')),
      on([PORTS.patroni], [...from('database'), prometheus]),
      on([PORTS.postgresExporter], [prometheus]),
      probes,
    ]),
    // Executors and driver choose some of their ports themselves.
    policy(group, group, 'ingest', [{ from: from('ingest') }]),
  ]
}

export function sharedNetworkPolicies(): readonly KubernetesObject[] {
  return [
    denyAll(SHARED_GROUP, SHARED_NAMESPACE),
    denyAll(SHARED_GROUP, CHAOS_NAMESPACE),
    shared('prometheus', [on([PORTS.prometheus])]),
    shared('alertmanager', [on([PORTS.alertmanager])]),
    shared('blackbox', [{ from: [sharedPeer('prometheus'), sharedPeer('blackbox')] }]),
    shared('object-state', [on([PORTS.objectState], [sharedPeer('prometheus')])]),
    shared('zipkin', [on([PORTS.zipkin])]),
    shared('oncall', [on([PORTS.oncall])]),
    shared('oncall-database', [on([PORTS.oncallDatabase], [sharedPeer('oncall')])]),
  ]
}

/** Opens one port of a shared service to everybody. */
export function sharedPolicy(service: SharedService, port: number): KubernetesObject {
  return shared(service, [on([port])])
}

function shared(service: SharedService, ingress: readonly IngressRule[]): KubernetesObject {
  return policy(SHARED_GROUP, SHARED_NAMESPACE, service, ingress)
}

function peer(owner: Owner, service: string): Peer {
  return { podSelector: { matchLabels: selectorLabels(owner, service) } }
}

function sharedPeer(service: SharedService): Peer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SHARED_NAMESPACE } },
    ...peer(SHARED_GROUP, service),
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
