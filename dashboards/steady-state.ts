import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Group } from '../platform/topology.ts'
import { dashboard } from './dashboard.ts'
import { IN_GROUP, perSecond, quantileOf, share } from './expressions.ts'
import { comparison, comparisonNow, type Signal } from './panels/comparison.ts'
import { table } from './panels/panel.ts'

const of = (group: Group) => `group="${group}",zone=~"$zone"`
/** Pods that answer requests or hold data; jobs come and go. */
const LASTING = 'service=~"gateway|recommender|database"'

const answers = (group: Group, codes = '') =>
  perSecond(`haproxy_frontend_http_responses_total{group="${group}",proxy="public"${codes}}`, '')
const gatewayLatency = (quantile: number) => (group: Group) =>
  quantileOf(quantile, `gateway_request_duration_seconds_bucket{${of(group)}}`, '')
const recommenderAnswers = (group: Group, codes = '') =>
  perSecond(`recommender_request_duration_seconds_count{${of(group)}${codes}}`, '')
const gatewayRequests = (group: Group) =>
  perSecond(`gateway_request_duration_seconds_count{${of(group)}}`, '')

/** As in the promises (alerts/slo.ts). Class `other` has no status: the client left before there was one. */
const SUCCESS: Signal = {
  title: 'Success ratio',
  description:
    'Share of answers at the edge that are no server error (5xx): what a client gets. Below 1 somebody was refused.',
  unit: 'ratio',
  max: 1,
  of: group => `1 - ${share(answers(group, ',code="5xx"'), answers(group))}`,
}

const LATENCY: Signal = {
  title: 'Latency, 99th percentile',
  description: 'Time in which the gateway answered 99 of 100 requests, retries included.',
  unit: 'seconds',
  min: 0,
  exemplars: true,
  of: gatewayLatency(0.99),
}

const ARRIVALS: Signal = {
  title: 'Answers',
  description:
    'Answers of the edge in a second. Both groups are driven alike: a difference is a surge, or a group that no longer answers.',
  unit: 'requestsPerSecond',
  min: 0,
  of: group => answers(group),
}

const READY: Signal = {
  title: 'Pods ready',
  description: 'Share of the pods of gateway, recommender and database that say they can serve.',
  unit: 'ratio',
  min: 0,
  max: 1,
  of: group =>
    `sum(kube_pod_status_ready{group="${group}",${LASTING},condition="true"}) / count(kube_pod_status_ready{group="${group}",${LASTING},condition="true"})`,
}

const AT_THE_EDGE: readonly Signal[] = [
  SUCCESS,
  LATENCY,
  ARRIVALS,
  {
    title: 'Latency, median',
    description: 'Time in which the gateway answered half of the requests.',
    unit: 'seconds',
    min: 0,
    exemplars: true,
    of: gatewayLatency(0.5),
  },
  {
    title: 'Tries for a request',
    description:
      'Requests to recommenders for each request of a client: 1 is no retry at all, the budget allows 1.1.',
    unit: 'factor',
    of: group =>
      `${perSecond(`gateway_upstream_requests_total{${of(group)}}`, '')} / (${gatewayRequests(group)} > 0)`,
  },
  {
    title: 'Shed share',
    description: 'Share of requests the gateway refused at once because it was full: 503 with Retry-After.',
    unit: 'ratio',
    min: 0,
    of: group => share(perSecond(`gateway_shed_total{${of(group)}}`, ''), gatewayRequests(group)),
  },
]

const INSIDE: readonly Signal[] = [
  {
    title: 'Recommender latency, 99th percentile',
    description:
      'Time the recommender spent on 99 of 100 requests; what the gateway adds is waiting and retrying.',
    unit: 'seconds',
    min: 0,
    exemplars: true,
    of: group => quantileOf(0.99, `recommender_request_duration_seconds_bucket{${of(group)}}`, ''),
  },
  {
    title: 'Recommender error share',
    description:
      'Share of recommender answers that are server errors; the gateway hides those that a retry mends.',
    unit: 'ratio',
    min: 0,
    of: group => share(recommenderAnswers(group, ',status=~"5.."'), recommenderAnswers(group)),
  },
  {
    title: 'Replication lag',
    description: 'Bytes of the write-ahead log that the slowest replica has not applied yet.',
    unit: 'bytes',
    min: 0,
    of: group =>
      `clamp_min(max(patroni_xlog_location{group="${group}"}) - min(patroni_xlog_replayed_location{group="${group}"} and on (pod) patroni_replica{group="${group}"} == 1), 0)`,
  },
  READY,
  {
    title: 'CPU in use',
    description: 'Cores that the containers of a group use together.',
    unit: 'cores',
    min: 0,
    of: group =>
      perSecond(`container_cpu_usage_seconds_total{${of(group)},namespace="${group}",container!=""}`, ''),
  },
  {
    title: 'Memory in use',
    description: 'Working sets of the containers of a group together: what cannot be given back.',
    unit: 'bytes',
    min: 0,
    of: group => `sum(container_memory_working_set_bytes{${of(group)},namespace="${group}",container!=""})`,
  },
  {
    title: 'Batch duration',
    description: 'How long the last finished ingest took, from the first file to the last row.',
    unit: 'seconds',
    min: 0,
    of: group => `max(ingest_batch_duration_seconds{${of(group)}})`,
  },
]

/** The front page: is the attacked group still like its untouched twin? */
export function steadyState(): Dashboard {
  return dashboard({
    uid: 'divergence-steady-state',
    title: 'Steady state',
    description:
      'Each signal of the control and the experimental group, and the difference of the two. Attacks are marked.',
    choices: ['group', 'zone'],
    sections: [
      {
        title: 'Now',
        panels: [SUCCESS, LATENCY, ARRIVALS, READY].map(signal =>
          comparisonNow({ ...signal, title: `${signal.title} now` }),
        ),
      },
      { title: 'What a client sees', panels: AT_THE_EDGE.map(comparison) },
      { title: 'Inside the pipeline', panels: INSIDE.map(comparison) },
      {
        title: 'What goes on',
        panels: [
          table({
            title: 'Running attacks',
            description:
              'What is being done to the experimental group now, as the on-call service knows it from the runner.',
            unit: 'count',
            span: 12,
            expr: `max by (run, kind, group, service, zone) (attack_active{${IN_GROUP}}) > 0`,
            columns: { kind: 'Attack', group: 'Group', service: 'Service', zone: 'Zone', run: 'Run' },
            value: null,
          }),
          table({
            title: 'Firing alerts',
            description:
              'Alerts that fire now. One of the control group during an attack is a leak or a false alarm.',
            unit: 'count',
            span: 12,
            expr: `count by (alertname, group, service, severity) (ALERTS{alertstate="firing",${IN_GROUP}})`,
            columns: { alertname: 'Alert', group: 'Group', service: 'Service', severity: 'Severity' },
            value: 'Instances',
          }),
        ],
      },
    ],
  })
}
