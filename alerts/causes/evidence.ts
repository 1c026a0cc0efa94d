import { SIGNALS } from '../../instrumentation/signals.ts'
import { SHARED_GROUP } from '../../platform/topology.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'

const { metrics: OURS } = SIGNALS

/** Oncall and Prometheus stand on one machine or are kept by NTP; beyond this, times to detect are not worth telling. */
const MOST_OFFSET_SECONDS = 1
/** Within five minutes; fewer are one slow answer. */
const MIN_LOST = 3

/** What runs are judged by and people look back at: is it whole, and are its times right? */
export function evidenceRules(): RuleGroup {
  return {
    name: 'evidence',
    recordings: [],
    alerts: [oncallClockOffset(), errorEventsLeftOut(), spansDropped(), loadNotSent()],
  }
}

function oncallClockOffset(): AlertRule {
  return {
    name: 'OncallClockOffset',
    expr: `max(abs(${OURS.oncallClockOffset.name})) > ${MOST_OFFSET_SECONDS}`,
    // It is measured every five seconds, and a slow answer makes one measurement uncertain by as much.
    guard: { forSeconds: 30 },
    severity: 'ticket',
    tier: 'lab',
    labels: { group: SHARED_GROUP, service: 'oncall' },
    carries: [],
    summary: 'The clocks of the on-call service and of Prometheus differ: times to detect are wrong',
    description: 'They are {{ $value | humanizeDuration }} apart.',
  }
}

function errorEventsLeftOut(): AlertRule {
  return {
    name: 'ErrorEventsLeftOut',
    expr: `sum(increase(${OURS.oncallErrorEvents.name}{outcome="limited"}[5m])) >= ${MIN_LOST}`,
    guard: { minEvents: MIN_LOST },
    // An attack that breaks much may do this, and what was kept says what broke.
    severity: 'info',
    tier: 'lab',
    labels: { group: SHARED_GROUP, service: 'oncall' },
    carries: [],
    summary: 'There are more error events than the on-call service keeps: some are left out',
    description:
      '{{ $value | humanize }} times within five minutes it told a sender to be silent for a while.',
  }
}

function spansDropped(): AlertRule {
  return {
    name: 'SpansDropped',
    expr: `sum(increase(zipkin_collector_spans_dropped_total[5m])) >= ${MIN_LOST}`,
    guard: { minEvents: MIN_LOST },
    severity: 'ticket',
    tier: 'lab',
    labels: { group: SHARED_GROUP, service: 'zipkin' },
    carries: [],
    summary: 'The store of traces does not keep what it is sent: traces have holes',
    description: '{{ $value | humanize }} spans were dropped within five minutes.',
  }
}

/** The load generator tells of this only when it happens, so there is nothing from which the first could be a growth. */
function loadNotSent(): AlertRule {
  return {
    name: 'LoadNotSent',
    expr: 'sum by (group) (max_over_time(k6_dropped_iterations_total{scenario!=""}[1m])) >= 1',
    guard: { minEvents: 1 },
    severity: 'ticket',
    tier: 'lab',
    labels: { service: 'load' },
    carries: ['group'],
    summary: 'The load generator does not send {{ $labels.group }} all that is planned: this run is invalid',
    description:
      '{{ $value | humanize }} requests of the schedule found no free virtual user; the last of them within a minute.',
  }
}
