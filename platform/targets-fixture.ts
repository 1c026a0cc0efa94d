/** What Prometheus scrapes on the local lab, by job: every node, every pod that tells something, every probe. */
export const TARGETS_BY_JOB: Readonly<Record<string, number>> = {
  alertmanager: 1,
  apiserver: 1,
  // A prober on every node.
  blackbox: 7,
  containers: 7,
  database: 6,
  edge: 2,
  gateway: 6,
  'node-exporter': 7,
  'object-state': 1,
  oncall: 1,
  postgres: 6,
  // A name from each zone.
  'probe-dns': 6,
  // Each gateway and recommender; each of these and each database member; from each zone the two others.
  'probe-http': 12,
  'probe-icmp': 18,
  'probe-icmp-zones': 12,
  prometheus: 1,
  recommender: 6,
  zipkin: 1,
}
