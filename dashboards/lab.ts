import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { IN_GROUP, IN_SCOPE, perSecond } from './expressions.ts'
import { stat, table, timeSeries } from './panels/panel.ts'

const PROMETHEUS = 'job="prometheus"'

const TARGETS = [
  stat({
    title: 'Targets down',
    description:
      'Targets that Prometheus could not ask. In a zone without power there are some; otherwise there are none.',
    unit: 'count',
    steps: [
      { from: null, color: 'green' },
      { from: 1, color: 'red' },
    ],
    queries: [{ expr: `count(up{${IN_SCOPE}}) - sum(up{${IN_SCOPE}})`, legend: 'down' }],
  }),
  stat({
    title: 'Series',
    description: 'Series that Prometheus keeps in memory.',
    unit: 'count',
    queries: [{ expr: `max(prometheus_tsdb_head_series{${PROMETHEUS}})`, legend: 'series' }],
  }),
  stat({
    title: 'Exemplars',
    description: 'Requests with a trace that Prometheus remembers beside the histograms.',
    unit: 'count',
    queries: [
      { expr: `max(prometheus_tsdb_exemplar_exemplars_in_storage{${PROMETHEUS}})`, legend: 'exemplars' },
    ],
  }),
  stat({
    title: 'Nodes ready',
    description: 'Share of the nodes that Kubernetes hears of.',
    unit: 'ratio',
    steps: [
      { from: null, color: 'red' },
      { from: 1, color: 'green' },
    ],
    queries: [
      {
        expr: `avg(kube_node_status_condition{${IN_GROUP},condition="Ready",status="true"})`,
        legend: 'ready',
      },
    ],
  }),
  timeSeries({
    title: 'Targets up',
    description: 'Share of the targets of a job that could be asked.',
    unit: 'ratio',
    min: 0,
    max: 1,
    queries: [{ expr: `avg by (job, group) (up{${IN_SCOPE}})`, legend: '{{job}} {{group}}' }],
  }),
  timeSeries({
    title: 'Time of a scrape',
    description:
      'How long the slowest target of a job takes to tell its metrics; at 4 s Prometheus gives up, on the API server at 10 s.',
    unit: 'seconds',
    min: 0,
    queries: [
      { expr: `max by (group, job) (scrape_duration_seconds{${IN_SCOPE}})`, legend: '{{group}} {{job}}' },
    ],
  }),
  table({
    title: 'Targets that are down',
    description: 'Which they are.',
    unit: 'count',
    span: 8,
    expr: `max by (job, group, zone, node, instance) (up{${IN_SCOPE}} == 0)`,
    columns: { job: 'Job', group: 'Group', zone: 'Zone', node: 'Node', instance: 'Address' },
    value: null,
  }),
]

const STORE = [
  timeSeries({
    title: 'Samples taken in',
    description: 'Samples that Prometheus appends in a second.',
    unit: 'perSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`prometheus_tsdb_head_samples_appended_total{${PROMETHEUS}}`, ''),
        legend: 'samples',
      },
    ],
  }),
  timeSeries({
    title: 'Time of a rule group',
    description:
      'How long the last evaluation of a group of rules took; it must stay below its interval of 5 s.',
    unit: 'seconds',
    min: 0,
    queries: [
      {
        expr: `max by (rule_group) (prometheus_rule_group_last_duration_seconds{${PROMETHEUS}})`,
        legend: '{{rule_group}}',
      },
    ],
  }),
  timeSeries({
    title: 'Rules that failed or were left out',
    description: 'Evaluations in a second that failed, and intervals in which a group was not evaluated.',
    unit: 'perSecond',
    min: 0,
    queries: [
      { expr: perSecond(`prometheus_rule_evaluation_failures_total{${PROMETHEUS}}`, ''), legend: 'failed' },
      {
        expr: perSecond(`prometheus_rule_group_iterations_missed_total{${PROMETHEUS}}`, ''),
        legend: 'left out',
      },
    ],
  }),
  timeSeries({
    title: 'Time of a query',
    description: 'How long Prometheus works on a query, 9 of 10.',
    unit: 'seconds',
    min: 0,
    queries: [
      {
        expr: `max by (slice) (prometheus_engine_query_duration_seconds{${PROMETHEUS},quantile="0.9"})`,
        legend: '{{slice}}',
      },
    ],
  }),
  timeSeries({
    title: 'Store on disk',
    description: 'Blocks of Prometheus on its volume; the oldest go when they reach what they may take.',
    unit: 'bytes',
    min: 0,
    queries: [
      { expr: `max(prometheus_tsdb_storage_blocks_bytes{${PROMETHEUS}})`, legend: 'blocks' },
      { expr: `max(prometheus_tsdb_retention_limit_bytes{${PROMETHEUS}})`, legend: 'at most' },
    ],
  }),
]

const SHARED = 'namespace="observability",container!=""'

const SERVICES = [
  timeSeries({
    title: 'Spans taken in',
    description:
      'Spans of traces that the store of traces took in a second, and those of them it could not keep.',
    unit: 'perSecond',
    min: 0,
    queries: [
      { expr: perSecond(`zipkin_collector_spans_total{${IN_GROUP}}`, ''), legend: 'taken in' },
      { expr: perSecond(`zipkin_collector_spans_dropped_total{${IN_GROUP}}`, ''), legend: 'dropped' },
    ],
  }),
  timeSeries({
    title: 'CPU of the shared services',
    description: 'Cores that observation itself takes from the machine.',
    unit: 'cores',
    min: 0,
    queries: [
      {
        expr: perSecond(`container_cpu_usage_seconds_total{${SHARED}}`, 'service'),
        legend: '{{service}}',
      },
    ],
  }),
  timeSeries({
    title: 'Memory of the shared services',
    description: 'Working sets of what observes.',
    unit: 'bytes',
    min: 0,
    queries: [
      { expr: `sum by (service) (container_memory_working_set_bytes{${SHARED}})`, legend: '{{service}}' },
    ],
  }),
  timeSeries({
    title: 'Nodes by condition',
    description: 'Nodes that say they lack something: memory, disk or process numbers.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `sum by (group, condition) (kube_node_status_condition{${IN_GROUP},condition!="Ready",status="true"})`,
        legend: '{{group}} {{condition}}',
      },
    ],
  }),
]

const API_SERVER = [
  timeSeries({
    title: 'API server: time of a request',
    description:
      'How long a request takes on average over two minutes, by what is asked; watches are left out. Agents, elections of a primary and faults in the API wait for it.',
    unit: 'seconds',
    min: 0,
    queries: [{ expr: `group_verb:apiserver_request_seconds:mean2m{${IN_GROUP}}`, legend: '{{verb}}' }],
  }),
  timeSeries({
    title: 'API server: time of its store',
    description: 'How long its store, etcd, takes of that, by operation: writes wait for the disk.',
    unit: 'seconds',
    min: 0,
    queries: [{ expr: `group_operation:etcd_request_seconds:mean2m{${IN_GROUP}}`, legend: '{{operation}}' }],
  }),
]

/** Is what observes in order itself? */
export function lab(): Dashboard {
  return dashboard({
    uid: 'divergence-lab',
    title: 'Cluster of the lab',
    description: 'The lab itself: what is scraped, how the store is, and what observation costs.',
    choices: ['group', 'zone'],
    sections: [
      { title: 'Targets', panels: TARGETS },
      { title: 'Prometheus', panels: STORE },
      { title: 'Shared services and nodes', panels: SERVICES },
      { title: 'API server', panels: API_SERVER },
    ],
  })
}
