import { stringify } from 'yaml'
import { GROUP_JOBS, GROUPS, PORTS, SHARED_GROUP, SHARED_NAMESPACE, sharedHost } from '../topology.ts'

/** How often everything is asked, seconds. */
export const SCRAPE_SECONDS = 5

/** Where Prometheus reads its rules, and the token with which it tells oncall of alerts. */
export const RULES_FOLDER = '/etc/prometheus-rules'
export const RECORDER_TOKEN_FILE = '/etc/prometheus-token/recorder'

/** How often the API server is: its answer has megabytes, of which next to nothing is kept. */
const API_SERVER = { scrapeSeconds: 30, timeoutSeconds: 10 }

/** What Kubernetes gives a pod to speak to the API server. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

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
 * Everything but the API server is found by asking Kubernetes, through object-state: Debian's Prometheus has no Kubernetes discovery of its
 * own. Targets come with `group`, `zone`, `service`, `namespace`, `pod` and `node`, so those stand on every series.
 */
export function prometheusConfig(): string {
  const every = `${SCRAPE_SECONDS}s`
  return stringify(
    {
      global: { scrape_interval: every, scrape_timeout: '4s', evaluation_interval: every },
      rule_files: [`${RULES_FOLDER}/*.yml`],
      alerting: { alertmanagers: alertmanagers() },
      scrape_configs: [
        ...SERVICES.map(name => ({ job_name: name, ...discovered(name) })),
        oncall(),
        postgres(),
        zipkin(),
        ...PROBES.map(probe),
        blackbox(),
        objectState(),
        containers(),
        apiServer(),
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

/** Whose metrics are all kept. */
const SERVICES = ['gateway', 'recommender', 'database', 'edge', 'node-exporter', 'prometheus', 'alertmanager']

/** Kinds of probes, as object-state tells their targets. */
const PROBES = ['probe-http', 'probe-icmp', 'probe-icmp-zones', 'probe-dns']

/**
 * Alertmanager tells people, oncall keeps the record of everything: it also hears of alerts that are over before anybody
 * is told, and of those that are silenced.
 */
function alertmanagers() {
  const at = (target: string) => ({ scheme: 'http', timeout: '3s', static_configs: [{ targets: [target] }] })
  return [
    at(`${sharedHost('alertmanager')}:${PORTS.alertmanager}`),
    {
      ...at(`${sharedHost('oncall')}:${PORTS.oncall}`),
      authorization: { type: 'Bearer', credentials_file: RECORDER_TOKEN_FILE },
    },
  ]
}

/** It tells of attacks on others: their group, zone and service stand before its own. */
function oncall() {
  return { job_name: 'oncall', honor_labels: true, ...discovered('oncall') }
}

/** Statistics of every member; of its hundreds of settings the one that a rule compares with. */
function postgres() {
  return {
    job_name: 'postgres',
    ...discovered('postgres'),
    metric_relabel_configs: [
      {
        source_labels: ['__name__'],
        regex: 'pg_settings_max_connections|pg_(database|exporter|locks|replication|stat|up).*',
        action: 'keep',
      },
    ] satisfies Relabel[],
  }
}

/** Its own count of spans, and Java's memory. */
function zipkin() {
  return {
    job_name: 'zipkin',
    metrics_path: '/prometheus',
    ...discovered('zipkin'),
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'zipkin_.+|jvm_(memory|gc)_.+', action: 'keep' },
    ] satisfies Relabel[],
  }
}

/** Who asks is told by the target's address, what is asked by its parameters. */
function probe(name: string) {
  return {
    job_name: name,
    metrics_path: '/probe',
    ...discovered(name),
    metric_relabel_configs: [
      {
        source_labels: ['__name__'],
        regex: 'probe_(success|duration_seconds|(http|icmp|dns)_duration_seconds|http_status_code)',
        action: 'keep',
      },
    ] satisfies Relabel[],
  }
}

/**
 * The probers themselves: a probe that fails is told under the name of whom it asked, so one that hangs would look like
 * many that do not answer. Whether it answers at all is asked; of what it says of itself only its process.
 */
function blackbox() {
  return {
    job_name: 'blackbox',
    ...discovered('blackbox'),
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'blackbox_.+|process_.+', action: 'keep' },
    ] satisfies Relabel[],
  }
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
    authorization: { credentials_file: `${ACCOUNT_FOLDER}/token` },
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

/** Elections of a primary, agents and faults in the API wait for it: how long it takes, and of that its store. */
function apiServer() {
  return {
    job_name: 'apiserver',
    scheme: 'https',
    scrape_interval: `${API_SERVER.scrapeSeconds}s`,
    scrape_timeout: `${API_SERVER.timeoutSeconds}s`,
    authorization: { credentials_file: `${ACCOUNT_FOLDER}/token` },
    tls_config: { ca_file: `${ACCOUNT_FOLDER}/ca.crt` },
    // No pod of a managed cluster, and the same name in every one.
    static_configs: [
      {
        targets: ['kubernetes.default.svc.cluster.local:443'],
        labels: { group: SHARED_GROUP, service: 'apiserver', node: 'control-plane' },
      },
    ],
    metric_relabel_configs: [
      {
        source_labels: ['__name__'],
        regex: '(apiserver|etcd)_request_duration_seconds_(sum|count)',
        action: 'keep',
      },
      // They last as long as somebody listens.
      { source_labels: ['verb'], regex: 'WATCH|WATCHLIST|CONNECT', action: 'drop' },
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
