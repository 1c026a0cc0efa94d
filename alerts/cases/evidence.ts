import { type AlertCase, counts, hold, silent, then } from './case.ts'

const DROPPED = 'k6_dropped_iterations_total{group="experiment",kind="read",scenario="experiment_reads"}'
const LIMITED = 'oncall_error_events_total{outcome="limited"}'
const SPANS = 'zipkin_collector_spans_dropped_total{transport="http"}'

/** One after the other, until there are four. */
const four = counts([
  [60, 0],
  [20, 0.2],
  [600, 0],
])

export const EVIDENCE_CASES: readonly AlertCase[] = [
  {
    alert: 'OncallClockOffset',
    fires: {
      // Behind is as bad as ahead.
      told: { oncall_clock_offset_seconds: then(hold(0.01, 30), hold(-1.2, 60), hold(0.01, 60)) },
      notYetSeconds: 55,
      atSeconds: 80,
      labels: {},
      resolvedSeconds: 100,
    },
    quiet: [
      {
        why: 'it is off by less than a second',
        told: { oncall_clock_offset_seconds: hold(0.9, 120) },
        atSeconds: 100,
      },
      {
        why: 'some answers were slow',
        told: {
          oncall_clock_offset_seconds: then(
            hold(0.01, 30),
            hold(1.4, 25),
            hold(0.2, 5),
            hold(1.4, 25),
            hold(0.01, 60),
          ),
        },
        atSeconds: 80,
      },
    ],
  },
  {
    alert: 'ErrorEventsLeftOut',
    fires: {
      told: { [LIMITED]: four },
      notYetSeconds: 65,
      atSeconds: 100,
      labels: {},
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'hundreds are kept, and two were told to wait',
        told: {
          'oncall_error_events_total{outcome="kept"}': counts([[300, 5]]),
          [LIMITED]: then(hold(0, 60), hold(2, 120)),
        },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'SpansDropped',
    fires: {
      told: { [SPANS]: four },
      notYetSeconds: 65,
      atSeconds: 100,
      labels: {},
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'two were dropped',
        told: { [SPANS]: then(hold(0, 60), hold(2, 120)) },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'LoadNotSent',
    fires: {
      // The first thing that is ever told of it is that it happened.
      told: { [DROPPED]: then(silent(60), '1', silent(300)) },
      notYetSeconds: 55,
      atSeconds: 60,
      labels: { group: 'experiment' },
      resolvedSeconds: 125,
    },
    quiet: [
      {
        why: 'all is sent',
        told: { 'k6_http_reqs_total{group="experiment",name="songs",status="200"}': counts([[120, 30]]) },
        atSeconds: 100,
      },
      {
        why: 'it was while the generator looked at what there is to ask for',
        told: { 'k6_dropped_iterations_total{group="experiment"}': hold(1, 120) },
        atSeconds: 100,
      },
    ],
  },
]
