/**
 * WHAT runs WHERE: the only list of groups, zones, services, replicas, ports and resources.
 * Everything that is deployed is derived from the value at the end of this file.
 */

/** The two copies of the pipeline. Only `experiment` may ever be attacked. */
export const GROUPS = ['control', 'experiment'] as const
export type Group = (typeof GROUPS)[number]

/** Availability zones of each group, one worker node a zone. */
export const ZONES = ['a', 'b', 'c'] as const
export type Zone = (typeof ZONES)[number]

/** Long-running services of each group. */
export const GROUP_SERVICES = ['edge', 'gateway', 'recommender', 'database'] as const
export type GroupService = (typeof GROUP_SERVICES)[number]

/** Work of each group that ends: the schema migration and the Spark batch. */
export const GROUP_JOBS = ['migrate', 'ingest'] as const
export type GroupJob = (typeof GROUP_JOBS)[number]

/** What belongs to no group. All but the agent run where no fault is ever begun. */
export const SHARED_SERVICES = [
  'prometheus',
  'alertmanager',
  'blackbox',
  'node-exporter',
  'object-state',
  'zipkin',
  'oncall',
  'oncall-database',
  'grafana',
  'agent',
] as const
export type SharedService = (typeof SHARED_SERVICES)[number]

/** Value of the `group` label on what belongs to neither group: the system node and the shared services. */
export const SHARED_GROUP = 'system'

/** Label keys, the same on nodes, pods, metrics, alerts and journal events. */
export const LABELS = {
  group: 'group',
  zone: 'topology.kubernetes.io/zone',
  /** Zone of the lab, on nodes whose `zone` has a name that a cloud gave it. */
  labZone: 'divergence/zone',
  service: 'service',
  partOf: 'app.kubernetes.io/part-of',
  /** Value of `partOf` on everything this project makes: what lacks it is never touched. */
  product: 'divergence',
  /** On what `up` rendered, and on nothing else: only these objects are pruned when they are no longer rendered. */
  managedBy: 'app.kubernetes.io/managed-by',
} as const

/**
 * Zone of the lab that a node is in, by its labels; null for a node of neither group. Clouds name zones as they like and
 * let nobody say otherwise: there a label of ours tells which is which.
 */
export function labZoneOf(labels: Readonly<Record<string, string>> | undefined): Zone | null {
  const { [LABELS.group]: group, [LABELS.labZone]: own, [LABELS.zone]: given } = labels ?? {}
  if (!GROUPS.some(each => each === group)) return null
  return ZONES.find(zone => zone === (own ?? given)) ?? null
}

/** Namespace of the shared services; each group's namespace is the group's own name. */
export const SHARED_NAMESPACE = 'observability'

/** Namespace of the chaos agents, of the leases of faults that are done in the API, and of the halt. */
export const CHAOS_NAMESPACE = 'chaos'

/** ConfigMap in namespace `chaos`: while it is there, all faults end and none begins. */
export const HALT_NAME = 'halt'

/** Value of the `service` label on pods that only take up room while an experiment oversubscribes the cluster. */
export const OCCUPANT_SERVICE = 'occupant'

/** Database of each group that holds the songs. */
export const DATABASE_NAME = 'divergence'

/** TCP ports inside the cluster. */
export const PORTS = {
  edge: 8080,
  edgeMetrics: 8404,
  gateway: 8080,
  gatewayMetrics: 9464,
  recommender: 8000,
  database: 5432,
  patroni: 8008,
  /** Beside each member of the groups' databases. */
  postgresExporter: 9187,
  prometheus: 9090,
  alertmanager: 9093,
  blackbox: 9115,
  nodeExporter: 9100,
  objectState: 9101,
  zipkin: 9411,
  oncall: 8070,
  oncallDatabase: 5432,
  grafana: 3000,
  /** Spark driver: where executors call home, and where they fetch blocks. */
  sparkDriver: 7078,
  sparkBlocks: 7079,
} as const

/** Ports by which a person reaches the lab: NodePort inside, 127.0.0.1 outside (local cluster). */
export const FORWARDED_PORTS = {
  controlGateway: 30081,
  experimentGateway: 30082,
  prometheus: 30090,
  oncall: 30070,
  alertmanager: 30093,
  zipkin: 30411,
} as const

/** CPU in cores, memory in MiB. A missing CPU limit means: may use what is idle. */
export type Resources = {
  readonly cpuRequest: number
  readonly cpuLimit?: number
  readonly memoryRequestMiB: number
  readonly memoryLimitMiB: number
}

/** Container images we build, by name; see `platform/images`. `node` is only used by the local cluster. */
export const IMAGES = [
  'services',
  'recommender',
  'ingest',
  'database',
  'edge',
  'observability',
  'zipkin',
  'load',
  'agent',
] as const
export type ImageName = (typeof IMAGES)[number]

export type ServiceSpec = {
  readonly service: GroupService
  readonly image: ImageName
  /** Pods per group; with 3 it is one per zone. */
  readonly replicas: number
  /** `zones`: spread over the group's zone nodes. `outside`: on the system node, where no zone outage reaches. */
  readonly placement: 'zones' | 'outside'
  readonly resources: Resources
}

/** The Spark batch of one group. */
export type IngestSpec = {
  readonly driver: Resources
  readonly executor: Resources
  readonly executors: number
}

export type Topology = {
  readonly groups: readonly Group[]
  readonly zones: readonly Zone[]
  readonly services: readonly ServiceSpec[]
  readonly migrate: Resources
  readonly ingest: IngestSpec
  /** Beside each member of the groups' databases. */
  readonly postgresExporter: Resources
  readonly shared: Readonly<Record<SharedService, Resources>>
}

/**
 * The lab. There are no CPU limits: what a container asks for is its weight when all want more than there is, so what
 * must answer in time asks for more than what may take longer.
 */
export const TOPOLOGY: Topology = {
  groups: GROUPS,
  zones: ZONES,
  services: [
    {
      service: 'edge',
      image: 'edge',
      replicas: 1,
      placement: 'outside',
      resources: { cpuRequest: 0.2, memoryRequestMiB: 48, memoryLimitMiB: 128 },
    },
    {
      service: 'gateway',
      image: 'services',
      replicas: 3,
      placement: 'zones',
      resources: { cpuRequest: 0.2, memoryRequestMiB: 96, memoryLimitMiB: 320 },
    },
    {
      service: 'recommender',
      image: 'recommender',
      replicas: 3,
      placement: 'zones',
      resources: { cpuRequest: 0.2, memoryRequestMiB: 96, memoryLimitMiB: 320 },
    },
    {
      service: 'database',
      image: 'database',
      replicas: 3,
      placement: 'zones',
      resources: { cpuRequest: 0.4, memoryRequestMiB: 256, memoryLimitMiB: 768 },
    },
  ],
  migrate: { cpuRequest: 0.05, memoryRequestMiB: 64, memoryLimitMiB: 256 },
  ingest: {
    driver: { cpuRequest: 0.05, memoryRequestMiB: 512, memoryLimitMiB: 1280 },
    // Spark asks for the limit at once.
    executor: { cpuRequest: 0.05, memoryRequestMiB: 1024, memoryLimitMiB: 1024 },
    executors: 2,
  },
  postgresExporter: { cpuRequest: 0.01, memoryRequestMiB: 16, memoryLimitMiB: 64 },
  shared: {
    prometheus: { cpuRequest: 0.1, memoryRequestMiB: 256, memoryLimitMiB: 1024 },
    alertmanager: { cpuRequest: 0.01, memoryRequestMiB: 24, memoryLimitMiB: 96 },
    blackbox: { cpuRequest: 0.02, memoryRequestMiB: 16, memoryLimitMiB: 64 },
    'node-exporter': { cpuRequest: 0.02, memoryRequestMiB: 16, memoryLimitMiB: 64 },
    'object-state': { cpuRequest: 0.02, memoryRequestMiB: 64, memoryLimitMiB: 192 },
    zipkin: { cpuRequest: 0.02, memoryRequestMiB: 320, memoryLimitMiB: 640 },
    oncall: { cpuRequest: 0.05, memoryRequestMiB: 128, memoryLimitMiB: 448 },
    'oncall-database': { cpuRequest: 0.05, memoryRequestMiB: 64, memoryLimitMiB: 256 },
    grafana: { cpuRequest: 0.05, memoryRequestMiB: 128, memoryLimitMiB: 512 },
    agent: { cpuRequest: 0.05, memoryRequestMiB: 96, memoryLimitMiB: 256 },
  },
}

/** Full host name of a service of one group inside the cluster, without the final dot. */
export function serviceHost(group: Group, service: string): string {
  return `${service}.${group}.svc.cluster.local`
}

/** Full host name of a shared service inside the cluster, without the final dot. */
export function sharedHost(service: SharedService): string {
  return `${service}.${SHARED_NAMESPACE}.svc.cluster.local`
}

/** Name of the node of one group and zone in the local cluster. */
export function nodeName(group: Group, zone: Zone): string {
  return `${group}-${zone}`
}

/** Name of the local node for shared services, edges and the load generator. */
export const SYSTEM_NODE = 'system'
