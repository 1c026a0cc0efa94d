import { stringify } from 'yaml'
import { GROUP_JOBS, GROUPS, PORTS, SHARED_NAMESPACE } from '../topology.ts'

/** How often everything is asked, seconds. */
export const SCRAPE_SECONDS = 5

/** How soon a new pod or node is found, seconds. */
const DISCOVERY_SECONDS = 5

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

/**
 * Everything is found by asking Kubernetes, through object-state: Debian's Prometheus has no Kubernetes discovery of its
 * own. Targets come with `group`, `zone`, `service`, `namespace`, `pod` and `node`, so those stand on every series.
 */
export function prometheusConfig(): string {
  const services = ['gateway', 'recommender', 'database', 'edge', 'node-exporter', 'prometheus']
  return stringify(
    {
      global: { scrape_interval: `${SCRAPE_SECONDS}s`, scrape_timeout: '4s', evaluation_interval: '5s' },
      scrape_configs: [
        ...services.map(name => ({ job_name: name, ...discovered(name) })),
        objectState(),
        containers(),
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

function discovered(name: string) {
  const host = `object-state.${SHARED_NAMESPACE}.svc.cluster.local:${PORTS.objectState}`
  return {
    http_sd_configs: [{ url: `http://${host}/targets/${name}`, refresh_interval: `${DISCOVERY_SECONDS}s` }],
  }
}

/** What it tells is about other pods and nodes: its own labels must not stand on it. */
function objectState() {
  return {
    job_name: 'object-state',
    honor_labels: true,
    ...discovered('object-state'),
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'kube_.+', target_label: 'service', replacement: '' },
      ...serviceOfPod(),
      copyFrom('deployment', 'service'),
      copyFrom('statefulset', 'service'),
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
    ...discovered('kubelet'),
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
      ...serviceOfPod(),
      { regex: 'id|image|name', action: 'labeldrop' },
    ] satisfies Relabel[],
  }
}

/** A pod's name begins with its service's; what follows is made by its Deployment, StatefulSet, DaemonSet or Job. */
function serviceOfPod(): readonly Relabel[] {
  const pod = { source_labels: ['pod'], target_label: 'service' }
  return [
    { ...pod, regex: '(.+?)(-[a-f0-9]{6,10}-[a-z0-9]{5}|-[0-9]+|-[a-z0-9]{5})', replacement: '$1' },
    { ...pod, regex: `(${GROUP_JOBS.join('|')})-.+`, replacement: '$1' },
    { ...pod, regex: '.+-exec-[0-9]+', replacement: 'ingest' },
  ]
}

function copyFrom(from: string, to: string): Relabel {
  return { source_labels: [from], regex: '(.+)', target_label: to, replacement: '$1' }
}
