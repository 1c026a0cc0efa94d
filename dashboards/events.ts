import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { growth, IN_GROUP, IN_SCOPE, perSecond } from './expressions.ts'
import { stat, timeSeries } from './panels/panel.ts'

const EVENTS = `oncall_error_events_total{${IN_GROUP}`

const TAKEN_IN = [
  timeSeries({
    title: 'Error events taken in',
    description:
      'Error events since the last point, by what became of them. Each kept one has a stack trace, its context and what led to it (breadcrumbs), to be read in the console.',
    unit: 'count',
    min: 0,
    queries: [{ expr: growth(`${EVENTS}}`, 'outcome'), legend: '{{outcome}}' }],
  }),
  timeSeries({
    title: 'Error events by service',
    description: 'Whose errors they are: events that were kept since the last point.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: growth(`${EVENTS},outcome="kept"}`, 'group, service'),
        legend: '{{group}} {{service}}',
      },
    ],
  }),
  timeSeries({
    title: 'Other items of envelopes',
    description:
      'What clients send beside error events and the on-call service does not keep, since the last point.',
    unit: 'count',
    min: 0,
    queries: [
      { expr: growth(`oncall_envelope_items_dropped_total{${IN_GROUP}}`, 'reason'), legend: '{{reason}}' },
    ],
  }),
  stat({
    title: 'Kept in the time shown',
    description: 'Error events with a stack trace that can be read in the console.',
    unit: 'count',
    queries: [{ expr: `sum(increase(${EVENTS},outcome="kept"}[$__range]))`, legend: 'kept' }],
  }),
  stat({
    title: 'Held back in the time shown',
    description: 'Error events over the limit of rate, or refused for their size or form.',
    unit: 'count',
    queries: [
      { expr: `sum(increase(${EVENTS},outcome=~"limited|refused"}[$__range]))`, legend: 'held back' },
    ],
  }),
]

const failures = (service: string, histogram: string) =>
  timeSeries({
    title: `Failed requests of the ${service} by route`,
    description: `Answers of the ${service} that are server errors: where the events come from.`,
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: `${perSecond(`${histogram}_count{${IN_SCOPE},status=~"5.."}`, 'group, route')} or ${perSecond(`${histogram}_count{${IN_SCOPE}}`, 'group, route')} * 0`,
        legend: '{{group}} {{route}}',
      },
    ],
  })

const SOURCES = [
  failures('gateway', 'gateway_request_duration_seconds'),
  failures('recommender', 'recommender_request_duration_seconds'),
  timeSeries({
    title: 'Failures behind the answers',
    description:
      'Tries of the gateway that did not succeed, and errors of the database that the recommender met; many of them no client ever sees.',
    unit: 'perSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(
          `gateway_upstream_requests_total{${IN_SCOPE},outcome!~"ok|cancelled"}`,
          'group, outcome',
        ),
        legend: '{{group}} try: {{outcome}}',
      },
      {
        expr: perSecond(`recommender_database_errors_total{${IN_SCOPE}}`, 'group, reason'),
        legend: '{{group}} database: {{reason}}',
      },
    ],
  }),
  timeSeries({
    title: 'Batches that did not succeed',
    description: 'Batches of the ingest that failed, or were abandoned by a process that was killed, so far.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `max by (group, outcome) (last_over_time(ingest_batches_total{${IN_SCOPE},outcome!="succeeded"}[$__rate_interval]))`,
        legend: '{{group}} {{outcome}}',
      },
    ],
  }),
]

/** Errors as the programs themselves report them, and where they come from. */
export function events(): Dashboard {
  return dashboard({
    uid: 'divergence-events',
    title: 'Application events',
    description:
      'Errors that the programs report with stack trace, context and breadcrumbs, and the failures they stem from.',
    choices: ['group', 'zone'],
    sections: [
      { title: 'Error events', panels: TAKEN_IN },
      { title: 'Where they come from', panels: SOURCES },
    ],
  })
}
