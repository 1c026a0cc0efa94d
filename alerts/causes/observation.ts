import { GROUPS, SHARED_GROUP } from '../../platform/topology.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'

const PROMETHEUS = { group: SHARED_GROUP, service: 'prometheus' }

/** Failures of the observation itself within five minutes that are no accident. */
const MIN_FAILURES = 3
/** Alertmanager, and the recorder of oncall. */
const ALERTMANAGERS = 2

/** What must be scraped: job and service of each group's and of the shared targets. */
const WANTED: readonly { readonly group: string; readonly job: string; readonly service: string }[] = [
  ...GROUPS.flatMap(group =>
    ['edge', 'gateway', 'recommender', 'database'].map(service => ({ group, job: service, service })),
  ),
  ...GROUPS.flatMap(group => [
    { group, job: 'postgres', service: 'database' },
    ...['probe-http', 'probe-icmp', 'probe-icmp-zones', 'probe-dns'].map(job => ({
      group,
      job,
      service: 'network',
    })),
  ]),
  ...[...GROUPS, SHARED_GROUP].flatMap(group => [
    { group, job: 'node-exporter', service: 'node-exporter' },
    { group, job: 'containers', service: 'kubelet' },
    { group, job: 'blackbox', service: 'blackbox' },
  ]),
  ...['alertmanager', 'object-state', 'oncall', 'zipkin'].map(service => ({
    group: SHARED_GROUP,
    job: service,
    service,
  })),
]

/** Targets that are silent, and the chain from a rule to a person. */
export function observationRules(): RuleGroup {
  return {
    name: 'observation',
    recordings: [
      { record: 'group_verb:apiserver_request_seconds:mean2m', expr: meanOf('apiserver', 'verb') },
      { record: 'group_operation:etcd_request_seconds:mean2m', expr: meanOf('etcd', 'operation') },
    ],
    alerts: [
      watchdog(),
      targetDown(),
      targetAbsent(),
      ruleEvaluationFailing(),
      ruleEvaluationLate(),
      alertmanagersMissing(),
      notificationsFailing(),
      deliveryFailing(),
    ],
  }
}

/** Time of a request, over four scrapes: the API server is asked every half minute. */
function meanOf(program: string, label: string): string {
  const rate = (part: string) =>
    `sum by (group, ${label}) (rate(${program}_request_duration_seconds_${part}{job="apiserver"}[2m]))`
  return `${rate('sum')} / (${rate('count')} > 0)`
}

function watchdog(): AlertRule {
  return {
    name: 'Watchdog',
    expr: 'vector(1)',
    guard: { always: true },
    severity: 'info',
    tier: 'lab',
    labels: PROMETHEUS,
    carries: [],
    summary: 'Alerts arrive: this one fires always',
    description: 'Who does not hear of it any more does not hear of anything.',
  }
}

function targetDown(): AlertRule {
  const told = [
    'up{job!~"containers|probe-.*|apiserver"}',
    'label_replace(up{job="containers"}, "service", "kubelet", "", "")',
    // It is asked every half minute: one scrape that failed is no silence.
    'max_over_time(up{job="apiserver"}[50s])',
  ]
  return {
    name: 'TargetDown',
    // A kubelet is no pod and has no service label. A probe bears the labels of what it asks, not of who does not answer:
    // of the probers themselves the job `blackbox` tells.
    expr: `max by (group, zone, node, service, pod, job) (${told.join(' or ')}) == 0`,
    guard: { forSeconds: 15 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', '[pod]', 'job'],
    summary: '{{ $labels.service }} on {{ $labels.node }} of {{ $labels.group }} does not tell how it is',
    description:
      'It has answered no scrape of job {{ $labels.job }} for 15 s: it is gone, stuck, or cut off.',
  }
}

function targetAbsent(): AlertRule {
  const missing = WANTED.map(
    ({ group, job, service }) =>
      `label_replace(absent(up{group="${group}",job="${job}"}), "service", "${service}", "", "")`,
  )
  return {
    name: 'TargetAbsent',
    expr: missing.join(' or '),
    guard: { forSeconds: 30 },
    severity: 'page',
    tier: 'cause',
    carries: ['group', 'service', 'job'],
    summary:
      'Nothing is known of {{ $labels.service }} of {{ $labels.group }}: there is not one of it to ask',
    description:
      'Prometheus finds no target of job {{ $labels.job }} in the group: rules about it are silent.',
  }
}

function ruleEvaluationFailing(): AlertRule {
  return {
    name: 'RuleEvaluationFailing',
    expr: `sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) >= ${MIN_FAILURES}`,
    guard: { minEvents: MIN_FAILURES },
    severity: 'page',
    tier: 'lab',
    labels: PROMETHEUS,
    carries: ['rule_group'],
    summary: 'Prometheus cannot evaluate some of its rules: their alerts cannot fire',
    description:
      '{{ $value | humanize }} evaluations of {{ $labels.rule_group }} failed within five minutes.',
  }
}

function ruleEvaluationLate(): AlertRule {
  return {
    name: 'RuleEvaluationLate',
    expr: `sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total[5m])) >= ${MIN_FAILURES}`,
    guard: { minEvents: MIN_FAILURES },
    severity: 'ticket',
    tier: 'lab',
    labels: PROMETHEUS,
    carries: ['rule_group'],
    summary: 'Prometheus does not keep up with its rules: alerts come late',
    description:
      '{{ $value | humanize }} evaluations of {{ $labels.rule_group }} were left out within five minutes.',
  }
}

function alertmanagersMissing(): AlertRule {
  return {
    name: 'AlertmanagersMissing',
    expr: `max(prometheus_notifications_alertmanagers_discovered) < ${ALERTMANAGERS}`,
    guard: { forSeconds: 30 },
    severity: 'page',
    tier: 'lab',
    labels: PROMETHEUS,
    carries: [],
    summary: 'Prometheus does not know all who must hear of alerts',
    description: `It knows {{ $value | humanize }} of ${ALERTMANAGERS}: Alertmanager, and the recorder of oncall.`,
  }
}

function notificationsFailing(): AlertRule {
  return {
    name: 'NotificationsFailing',
    expr: [
      `sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m])) >= ${MIN_FAILURES}`,
      `or sum(increase(prometheus_notifications_dropped_total[5m])) >= ${MIN_FAILURES}`,
    ].join(' '),
    guard: { minEvents: MIN_FAILURES },
    severity: 'page',
    tier: 'lab',
    labels: PROMETHEUS,
    carries: ['[alertmanager]'],
    summary: 'Alerts do not reach Alertmanager or the recorder',
    description:
      '{{ $value | humanize }} could not be handed over within five minutes {{ $labels.alertmanager }}.',
  }
}

function deliveryFailing(): AlertRule {
  return {
    name: 'DeliveryFailing',
    expr: `sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) >= ${MIN_FAILURES}`,
    guard: { minEvents: MIN_FAILURES },
    severity: 'page',
    tier: 'lab',
    labels: { group: SHARED_GROUP, service: 'alertmanager' },
    carries: ['integration'],
    summary: 'Alertmanager cannot tell anybody',
    description:
      '{{ $value | humanize }} notifications by {{ $labels.integration }} failed within five minutes.',
  }
}
