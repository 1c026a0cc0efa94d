import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { growth, IN_GROUP, perSecond, share } from './expressions.ts'
import { type Query, timeSeries } from './panels/panel.ts'

/** Of the generator's own requests only those of the schedule count, not the look at what there is to ask for. */
const DRIVEN = `${IN_GROUP},scenario!=""`
const GROUP = '{{group}}'

const latency = (quantile: number, by: string) =>
  `histogram_quantile(${quantile}, sum by (${by}) (rate(k6_http_req_duration_seconds{${DRIVEN}}[$__rate_interval])))`

const quantiles: readonly [Query, ...Query[]] = [
  { expr: latency(0.5, 'group'), legend: `${GROUP} p50` },
  { expr: latency(0.95, 'group'), legend: `${GROUP} p95` },
  { expr: latency(0.99, 'group'), legend: `${GROUP} p99` },
]

const GENERATOR = [
  timeSeries({
    title: 'Requests sent',
    description:
      'Requests of the load generator that were answered or given up, in a second. The schedule is the same for both groups.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [{ expr: perSecond(`k6_http_reqs_total{${DRIVEN}}`, 'group'), legend: GROUP }],
  }),
  timeSeries({
    title: 'Requests failed',
    description:
      'Share of the requests that got no answer or an error: what a client sees after all retries behind the edge.',
    unit: 'ratio',
    min: 0,
    queries: [
      {
        expr: share(
          perSecond(`k6_http_reqs_total{${DRIVEN},expected_response="false"}`, 'group'),
          perSecond(`k6_http_reqs_total{${DRIVEN}}`, 'group'),
        ),
        legend: GROUP,
      },
    ],
  }),
  timeSeries({
    title: 'Latency at the client',
    description:
      'Quantiles of the time from sending a request to the end of its answer, as the load generator measures it.',
    unit: 'seconds',
    min: 0,
    queries: quantiles,
  }),
  timeSeries({
    title: 'Latency by route, 99th percentile',
    description: 'Which kind of request is slow.',
    unit: 'seconds',
    min: 0,
    queries: [{ expr: latency(0.99, 'group, name'), legend: '{{group}} {{name}}' }],
  }),
  timeSeries({
    title: 'Answers by status',
    description: 'Answers in a second by HTTP status; 0 stands for no answer at all.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      { expr: perSecond(`k6_http_reqs_total{${DRIVEN}}`, 'group, status'), legend: '{{group}} {{status}}' },
    ],
  }),
  timeSeries({
    title: 'Virtual users',
    description:
      'Virtual users that exist, and those allowed at most. A stall of a target keeps more of them busy.',
    unit: 'count',
    min: 0,
    queries: [
      { expr: 'max(max_over_time(k6_vus[$__rate_interval]))', legend: 'in use' },
      { expr: 'max(max_over_time(k6_vus_max[$__rate_interval]))', legend: 'at most' },
    ],
  }),
  timeSeries({
    title: 'Requests not sent',
    description:
      'Requests of the schedule that found no free virtual user, since the last point. One is enough to make a run invalid.',
    unit: 'count',
    min: 0,
    queries: [{ expr: growth(`k6_dropped_iterations_total{${DRIVEN}}`, 'group'), legend: GROUP }],
  }),
]

const PUBLIC = `${IN_GROUP},proxy="public"`
const BEHIND = `${IN_GROUP},proxy=~"reads|writes"`

const EDGE = [
  timeSeries({
    title: 'Answers of the edge',
    description: 'Answers in a second by class of status; load from anywhere, also without a load generator.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`haproxy_frontend_http_responses_total{${PUBLIC}}`, 'group, code'),
        legend: '{{group}} {{code}}',
      },
    ],
  }),
  timeSeries({
    title: 'Connections to the edge',
    description: 'Connections of clients that are open.',
    unit: 'count',
    min: 0,
    queries: [{ expr: `sum by (group) (haproxy_frontend_current_sessions{${PUBLIC}})`, legend: GROUP }],
  }),
  timeSeries({
    title: 'Bytes through the edge',
    description: 'What clients send and what they are sent.',
    unit: 'bytesPerSecond',
    min: 0,
    queries: [
      { expr: perSecond(`haproxy_frontend_bytes_in_total{${PUBLIC}}`, 'group'), legend: `${GROUP} in` },
      { expr: perSecond(`haproxy_frontend_bytes_out_total{${PUBLIC}}`, 'group'), legend: `${GROUP} out` },
    ],
  }),
  timeSeries({
    title: 'Retries of the edge',
    description: 'Requests the edge sent again to another gateway because the first did not answer.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`haproxy_backend_retry_warnings_total{${BEHIND}}`, 'group, proxy'),
        legend: '{{group}} {{proxy}}',
      },
    ],
  }),
  timeSeries({
    title: 'Waiting at the edge',
    description: 'Requests for which the edge has no gateway with room.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `sum by (group, proxy) (haproxy_backend_current_queue{${BEHIND}})`,
        legend: '{{group}} {{proxy}}',
      },
    ],
  }),
  timeSeries({
    title: 'Gateways the edge sends to',
    description: 'Gateways that pass the health check of the edge.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `sum by (group, proxy) (haproxy_server_status{${BEHIND},state="UP"})`,
        legend: '{{group}} {{proxy}}',
      },
    ],
  }),
]

/** What is sent at the groups, and what came back, from the two ends. */
export function load(): Dashboard {
  return dashboard({
    uid: 'divergence-load',
    title: 'Load',
    description:
      'The load generator as it sees itself, and what reaches the edges. Judged is neither, but every single request.',
    choices: ['group'],
    sections: [
      { title: 'Load generator', panels: GENERATOR },
      { title: 'Edge', panels: EDGE },
    ],
  })
}
