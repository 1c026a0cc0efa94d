import { stringify } from 'yaml'
import { GROUPS, LABELS, PORTS, SHARED_NAMESPACE } from '../topology.ts'

/** How often everything is asked, seconds. */
export const SCRAPE_SECONDS = 5

type Relabel = {
  readonly source_labels?: readonly string[]
  readonly regex?: string
  readonly target_label?: string
  readonly replacement?: string
  readonly separator?: string
  readonly action?: 'keep' | 'drop' | 'replace' | 'labeldrop'
}

/** Series of cAdvisor that a panel, a rule or the judge reads; the other nine tenths are dropped when they come in. */
const CONTAINER_SERIES = [
  'container_cpu_usage_seconds_total',
  'container_cpu_cfs_(periods|throttled_periods|throttled_seconds)_total',
  'container_fs_(reads|writes)(_bytes)?_total',
  'container_memory_(rss|working_set_bytes|cache|failcnt)',
  'container_network_(receive|transmit)_(bytes|packets|errors|packets_dropped)_total',
  'container_oom_events_total',
  'container_processes',
  'container_threads',
  'container_spec_(cpu_quota|cpu_period|memory_limit_bytes)',
  'container_start_time_seconds',
]

/** Everything is found by asking Kubernetes; `group`, `zone`, `service`, `pod` and `node` stand on every series. */
export function prometheusConfig(): string {
  return stringify(
    {
      global: { scrape_interval: `${SCRAPE_SECONDS}s`, scrape_timeout: '4s', evaluation_interval: '5s' },
      scrape_configs: [
        pods('gateway', GROUPS, PORTS.gatewayMetrics),
        pods('recommender', GROUPS, PORTS.recommender),
        pods('database', GROUPS, PORTS.patroni),
        pods('edge', GROUPS, PORTS.edgeMetrics),
        pods('node-exporter', [SHARED_NAMESPACE], PORTS.nodeExporter, NODES_OWN_GROUP),
        pods('object-state', [SHARED_NAMESPACE], PORTS.objectState, OBJECTS_OWN_LABELS),
        pods('prometheus', [SHARED_NAMESPACE], PORTS.prometheus),
        containers(),
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

/** The exporter's pod belongs to nobody: what it tells belongs to the group of the node it sits on. */
const NODES_OWN_GROUP = {
  relabel: [copy('__meta_kubernetes_node_label_group', 'group')],
  honorLabels: false,
}

/** The exporter names namespace, pod, node and group of what it tells of; its own would hide them. */
const OBJECTS_OWN_LABELS = { relabel: [], honorLabels: true }

function pods(
  service: string,
  namespaces: readonly string[],
  port: number,
  options: { readonly relabel: readonly Relabel[]; readonly honorLabels: boolean } = {
    relabel: [],
    honorLabels: false,
  },
) {
  return {
    job_name: service,
    honor_labels: options.honorLabels,
    kubernetes_sd_configs: [
      {
        role: 'pod',
        namespaces: { names: namespaces },
        selectors: [
          { role: 'pod', label: `${LABELS.partOf}=${LABELS.product},${LABELS.service}=${service}` },
        ],
        // A pod does not know its zone, its node does.
        attach_metadata: { node: true },
      },
    ],
    relabel_configs: [
      { source_labels: ['__meta_kubernetes_pod_container_port_number'], regex: String(port), action: 'keep' },
      { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Succeeded|Failed', action: 'drop' },
      copy('__meta_kubernetes_pod_label_group', 'group'),
      copy('__meta_kubernetes_pod_label_service', 'service'),
      copy('__meta_kubernetes_node_label_topology_kubernetes_io_zone', 'zone'),
      copy('__meta_kubernetes_namespace', 'namespace'),
      copy('__meta_kubernetes_pod_name', 'pod'),
      copy('__meta_kubernetes_pod_node_name', 'node'),
      ...options.relabel,
    ] satisfies Relabel[],
  }
}

/** CPU, memory, disk and network of every container, from the kubelets. */
function containers() {
  return {
    job_name: 'containers',
    scheme: 'https',
    metrics_path: '/metrics/cadvisor',
    // The time stamps of cAdvisor are seconds behind and would end a series late after its container is gone.
    honor_timestamps: false,
    authorization: { credentials_file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
    // Kubelets sign their own serving certificates unless a cluster takes care to replace them.
    tls_config: { insecure_skip_verify: true },
    kubernetes_sd_configs: [{ role: 'node' }],
    relabel_configs: [
      copy('__meta_kubernetes_node_name', 'node'),
      copy('__meta_kubernetes_node_label_group', 'group'),
      copy('__meta_kubernetes_node_label_topology_kubernetes_io_zone', 'zone'),
    ],
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: CONTAINER_SERIES.join('|'), action: 'keep' },
      // Pods of ours, and the node as a whole.
      { source_labels: ['namespace'], regex: [...GROUPS, SHARED_NAMESPACE, ''].join('|'), action: 'keep' },
      { source_labels: ['namespace', 'id'], separator: ';', regex: ';/.+', action: 'drop' },
      // A pod's group is its namespace: edges of both groups share the system node.
      {
        source_labels: ['namespace'],
        regex: `(${GROUPS.join('|')})`,
        target_label: 'group',
        replacement: '$1',
      },
      {
        source_labels: ['pod'],
        regex: '(.+?)(-[a-f0-9]+-[a-z0-9]{5}|-[0-9]+|-[a-z0-9]{5})',
        target_label: 'service',
        replacement: '$1',
      },
      // Jobs and executors carry more in their names than that.
      { source_labels: ['pod'], regex: '(ingest|migrate)-.+', target_label: 'service', replacement: '$1' },
      { source_labels: ['pod'], regex: '.+-exec-[0-9]+', target_label: 'service', replacement: 'ingest' },
      { regex: 'id|image|name', action: 'labeldrop' },
    ] satisfies Relabel[],
  }
}

function copy(from: string, to: string): Relabel {
  return { source_labels: [from], regex: '(.+)', target_label: to, replacement: '$1' }
}
