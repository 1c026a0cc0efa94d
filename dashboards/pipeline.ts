import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { growth, IN_GROUP, IN_SCOPE, perSecond } from './expressions.ts'
import { database } from './panels/database.ts'
import { stat, timeSeries } from './panels/panel.ts'
import { requests } from './panels/requests.ts'

const PLACE = '{{group}} {{zone}}'

const GATEWAY = [
  ...requests('Gateway', 'gateway_request_duration_seconds'),
  timeSeries({
    title: 'Tries by outcome',
    description:
      'Requests to recommenders in a second, by what became of them. "cancelled" is the slower one of a hedged pair.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`gateway_upstream_requests_total{${IN_SCOPE}}`, 'group, outcome'),
        legend: '{{group}} {{outcome}}',
      },
    ],
  }),
  timeSeries({
    title: 'Retries',
    description:
      'Retries in a second. "refused" ones were over the budget, which keeps a slow recommender from being buried.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`gateway_retries_total{${IN_SCOPE}}`, 'group, outcome'),
        legend: '{{group}} {{outcome}}',
      },
    ],
  }),
  timeSeries({
    title: 'Hedges',
    description: 'Second tries that were sent, or refused by the budget, while the first was slow.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`gateway_hedges_total{${IN_SCOPE}}`, 'group, outcome'),
        legend: '{{group}} {{outcome}}',
      },
    ],
  }),
  timeSeries({
    title: 'Requests shed',
    description: 'Requests answered 503 at once because the gateway was full, by reason.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      { expr: perSecond(`gateway_shed_total{${IN_SCOPE}}`, 'group, reason'), legend: '{{group}} {{reason}}' },
    ],
  }),
  timeSeries({
    title: 'Recommenders cut off',
    description: 'How many gateways have stopped asking a recommender because it kept failing.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `sum by (group, endpoint) (gateway_breaker_open{${IN_SCOPE}})`,
        legend: '{{group}} {{endpoint}}',
      },
    ],
  }),
  timeSeries({
    title: 'Requests in flight',
    description: 'Requests of clients that a gateway is answering.',
    unit: 'count',
    min: 0,
    queries: [{ expr: `sum by (group, zone) (gateway_in_flight_requests{${IN_SCOPE}})`, legend: PLACE }],
  }),
  timeSeries({
    title: 'Event loop lag',
    description:
      'How late the gateway comes to its work, 99th percentile: it grows when one core is not enough.',
    unit: 'seconds',
    min: 0,
    queries: [
      { expr: `max by (group, zone) (nodejs_eventloop_lag_p99_seconds{${IN_SCOPE}})`, legend: PLACE },
    ],
  }),
]

const RECOMMENDER = [
  ...requests('Recommender', 'recommender_request_duration_seconds'),
  timeSeries({
    title: 'Database errors seen by the recommender',
    description:
      'Errors of the database since the last point, by reason; those that a retry mended are in it.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: growth(`recommender_database_errors_total{${IN_SCOPE}}`, 'group, reason'),
        legend: '{{group}} {{reason}}',
      },
    ],
  }),
]

const INGEST = [
  stat({
    title: 'Last batch',
    description: 'How long the last finished batch took.',
    unit: 'seconds',
    queries: [{ expr: `max by (group) (ingest_batch_duration_seconds{${IN_SCOPE}})`, legend: '{{group}}' }],
  }),
  stat({
    title: 'Age of the songs',
    description: 'Time since a batch was last complete in the database.',
    unit: 'seconds',
    queries: [
      {
        expr: `time() - max by (group) (ingest_last_success_timestamp_seconds{${IN_SCOPE}})`,
        legend: '{{group}}',
      },
    ],
  }),
  stat({
    title: 'Last batch failed',
    description: 'Whether the batch that ended last did not succeed.',
    unit: 'yesNo',
    steps: [
      { from: null, color: 'green' },
      { from: 1, color: 'red' },
    ],
    queries: [{ expr: `max by (group) (ingest_last_batch_failed{${IN_SCOPE}})`, legend: '{{group}}' }],
  }),
  stat({
    title: 'Files of the last batch',
    description: 'Files of the last batch: those in the database, and those too damaged to read.',
    unit: 'count',
    queries: [
      { expr: `max by (group, outcome) (ingest_files_total{${IN_SCOPE}})`, legend: '{{group}} {{outcome}}' },
    ],
  }),
  timeSeries({
    title: 'Batch running for',
    description: 'How long the batch that runs now has been running; 0 when none does.',
    unit: 'seconds',
    min: 0,
    queries: [{ expr: `max by (group) (ingest_batch_running_seconds{${IN_SCOPE}})`, legend: '{{group}}' }],
  }),
  timeSeries({
    title: 'Batches by outcome',
    description: 'Batches that have ended so far, by outcome. An abandoned one was killed.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `max by (group, outcome) (last_over_time(ingest_batches_total{${IN_SCOPE}}[$__rate_interval]))`,
        legend: '{{group}} {{outcome}}',
      },
    ],
  }),
  timeSeries({
    title: 'Jobs of the batch',
    description: 'Kubernetes jobs of migration and ingest that succeeded, and pods of them that failed.',
    unit: 'count',
    min: 0,
    queries: [
      { expr: `sum by (group) (kube_job_status_succeeded{${IN_GROUP}})`, legend: '{{group}} succeeded' },
      { expr: `sum by (group) (kube_job_status_failed{${IN_GROUP}})`, legend: '{{group}} pods failed' },
    ],
  }),
]

/** Every stage a request or a batch goes through. */
export function pipeline(): Dashboard {
  return dashboard({
    uid: 'divergence-pipeline',
    title: 'Pipeline',
    description: 'Gateway, recommender, database and ingest of both groups.',
    choices: ['group', 'zone'],
    sections: [
      { title: 'Gateway', panels: GATEWAY },
      { title: 'Recommender', panels: RECOMMENDER },
      { title: 'Database', panels: database() },
      { title: 'Ingest', panels: INGEST },
    ],
  })
}
