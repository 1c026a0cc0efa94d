import { SIGNALS } from '../instrumentation/signals.ts'
import type { RecordingRule, RuleGroup } from './rule.ts'

const { metrics: OURS } = SIGNALS

/** Requests per second that a service of a group was asked, over a minute; labels group, service. */
export const REQUESTS = 'group_service:requests:rate1m'
/** Share of them that did not fail, 0 to 1. */
export const SUCCESS = 'group_service:success:ratio_rate1m'

/** Quantiles of the time to answer, as shown on the front page. */
const QUANTILES = [0.5, 0.95, 0.99] as const

const HISTOGRAMS = [
  { service: 'gateway', metric: OURS.gatewayRequestDuration.name },
  { service: 'recommender', metric: OURS.recommenderRequestDuration.name },
] as const

const EDGE = 'haproxy_frontend_http_responses_total'

/**
 * The signals that say that the pipeline behaves normally, for each group, and how far the experiment is from the
 * control: what a page that many look at would otherwise compute again for each of them.
 */
export function steadyState(): RuleGroup {
  const levels = [requests(), failures(), success(), ...latencies(), batch()].flat()
  const differences = [SUCCESS, ...QUANTILES.map(latencyName), BATCH].map(difference)
  return { name: 'steady-state', recordings: [...levels, ...differences], alerts: [] }
}

const FAILURES = 'group_service:failures:rate1m'
const BATCH = 'group:ingest_batch_duration_seconds:max'

function requests(): readonly RecordingRule[] {
  return [
    {
      record: REQUESTS,
      expr: `sum by (group) (rate(${EDGE}{proxy="public"}[1m]))`,
      labels: { service: 'edge' },
    },
    ...HISTOGRAMS.map(({ service, metric }) => ({
      record: REQUESTS,
      expr: `sum by (group) (rate(${metric}_count[1m]))`,
      labels: { service },
    })),
  ]
}

/** A status that was never sent has no series: no failures are 0, not nothing. */
function failures(): readonly RecordingRule[] {
  return [
    {
      record: FAILURES,
      expr: `sum by (group) (rate(${EDGE}{proxy="public",code="5xx"}[1m]))`,
      labels: { service: 'edge' },
    },
    ...HISTOGRAMS.map(({ service, metric }) => ({
      record: FAILURES,
      expr: `sum by (group) (rate(${metric}_count{status=~"5.."}[1m])) or 0 * sum by (group) (rate(${metric}_count[1m]))`,
      labels: { service },
    })),
  ]
}

/** Without requests there is no ratio: no data is not success. */
function success(): readonly RecordingRule[] {
  return [{ record: SUCCESS, expr: `1 - ${FAILURES} / (${REQUESTS} > 0)` }]
}

function latencyName(quantile: number): string {
  return `group_service:latency_seconds:p${quantile * 100}_rate1m`
}

function latencies(): readonly RecordingRule[] {
  return HISTOGRAMS.flatMap(({ service, metric }) =>
    QUANTILES.map(quantile => ({
      record: latencyName(quantile),
      expr: `histogram_quantile(${quantile}, sum by (group, le) (rate(${metric}_bucket[1m])))`,
      labels: { service },
    })),
  )
}

function batch(): readonly RecordingRule[] {
  return [
    {
      record: BATCH,
      expr: `max by (group) (${OURS.ingestBatchDuration.name})`,
      labels: { service: 'ingest' },
    },
  ]
}

/** Experiment minus control, in the unit of `record`. */
function difference(record: string): RecordingRule {
  const of = (group: string) => `sum by (service) (${record}{group="${group}"})`
  return {
    record: `${record.replace(/^group_service:|^group:/, 'service:')}:difference`,
    expr: `${of('experiment')} - ${of('control')}`,
  }
}
