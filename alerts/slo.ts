import { SIGNALS } from '../instrumentation/signals.ts'

/** Days over which an error budget is counted; what Google's SRE workbook, chapter 5, and all of its readers use. */
export const BUDGET_DAYS = 30

/** A number and where it comes from. */
export type Sourced = { readonly value: number; readonly source: string }

/**
 * What a service promises to those who use it. Both groups promise the same: the indicators are counted by group.
 *
 * An indicator is two rates by group: everything that counts, and what of it was bad. Of a promise about time rather than
 * requests each second counts as one event.
 */
export type Slo = {
  /** `<service>-<what>`: label `slo` of all series made from it. */
  readonly id: string
  readonly service: string
  /** In words, as a user would say it. */
  readonly promise: string
  /** Share of good events, 0 < value < 1. */
  readonly objective: Sourced
  /** Above or below what an event is bad, if there is such a number, seconds. */
  readonly threshold?: Sourced
  /** Events per second by `group`, over a window such as `30s`. */
  readonly events: (window: string) => string
  /** Bad ones per second by `group`; 0, not nothing, where all were good. */
  readonly bad: (window: string) => string
}

const { metrics: OURS } = SIGNALS
const GATEWAY = OURS.gatewayRequestDuration.name
const RECOMMENDER = OURS.recommenderRequestDuration.name

/** Answers of the edge to clients; its own page of metrics is another proxy. */
const EDGE = 'haproxy_frontend_http_responses_total'

/** Of every group with a database member in sight: 1 while one of its members takes writes. */
export const WRITABLE = 'group:database_writable:bool'
/** Of every group whose batches are known: 0 while one failed or is late. */
export const FRESH = 'group:ingest_fresh:bool'

/** How long a batch may run, seconds. */
export const BATCH_LATE: Sourced = {
  value: 600,
  source:
    'the driver waits at most 600 s for its database (platform/manifests/ingest.ts); the corpus of the lab takes 20 s',
}

export const SLOS: readonly Slo[] = [
  {
    id: 'edge-availability',
    service: 'edge',
    promise: 'At most 1 in 500 requests gets an answer that says the server failed.',
    objective: {
      value: 0.998,
      source: 'hypothesis of every experiment: at most 1 in 500 more requests fail',
    },
    events: window => `sum by (group) (rate(${EDGE}{proxy="public"}[${window}]))`,
    bad: window => `sum by (group) (rate(${EDGE}{proxy="public",code="5xx"}[${window}]))`,
  },
  {
    id: 'gateway-availability',
    service: 'gateway',
    promise: 'At most 1 in 500 requests gets an answer that says the server failed.',
    objective: {
      value: 0.998,
      source: 'hypothesis of every experiment: at most 1 in 500 more requests fail',
    },
    events: window => allRequests(GATEWAY, window),
    bad: window => failedRequests(GATEWAY, window),
  },
  {
    id: 'gateway-latency',
    service: 'gateway',
    promise: '99 of 100 requests are over within half a second, or are turned away at once.',
    objective: { value: 0.99, source: 'goal beyond capacity: admitted requests keep p99 < 500 ms' },
    threshold: { value: 0.5, source: 'the same goal; an upper bound of a bucket' },
    events: window => allRequests(GATEWAY, window),
    bad: window => slowRequests(GATEWAY, '0.5', window),
  },
  {
    id: 'recommender-availability',
    service: 'recommender',
    promise: 'At most 1 in 100 tries fails.',
    objective: {
      value: 0.99,
      source: 'the gateway repeats up to 1 in 10 requests: ten times what is left over',
    },
    events: window => allRequests(RECOMMENDER, window),
    bad: window => failedRequests(RECOMMENDER, window),
  },
  {
    id: 'recommender-latency',
    service: 'recommender',
    promise: '95 of 100 requests are over within a quarter of a second.',
    objective: {
      value: 0.95,
      source: 'the gateway hedges slow reads within a budget of 1 in 10: half of that',
    },
    threshold: {
      value: 0.25,
      source: 'the gateway tries elsewhere after 300 ms (GW_READ_TRY_MS); the bucket below',
    },
    events: window => allRequests(RECOMMENDER, window),
    bad: window => slowRequests(RECOMMENDER, '0.25', window),
  },
  {
    id: 'database-availability',
    service: 'database',
    promise: 'A primary takes writes in 998 of 1,000 seconds.',
    objective: { value: 0.998, source: 'as the requests: without a primary every write fails' },
    events: () => `0 * ${WRITABLE} + 1`,
    bad: window => `1 - avg_over_time(${WRITABLE}[${window}])`,
  },
  {
    id: 'ingest-freshness',
    service: 'ingest',
    promise:
      'In 99 of 100 seconds the newest batch asked for is loaded, or has run for less than ten minutes.',
    objective: {
      value: 0.99,
      source: 'seven hours a month: old songs are played on, nobody waits for new ones',
    },
    threshold: BATCH_LATE,
    events: () => `0 * ${FRESH} + 1`,
    bad: window => `1 - avg_over_time(${FRESH}[${window}])`,
  },
]

/** Share of events that may be bad, in (0, 1), without the dust that binary fractions leave. */
export function errorBudget(slo: Slo): number {
  return Number((1 - slo.objective.value).toPrecision(9))
}

function allRequests(histogram: string, window: string): string {
  return `sum by (group) (rate(${histogram}_count[${window}]))`
}

/** The series of a status begins with its first answer: until then there is none to add up, and nothing failed. */
function failedRequests(histogram: string, window: string): string {
  const failed = `sum by (group) (rate(${histogram}_count{status=~"5.."}[${window}]))`
  return `${failed} or 0 * ${allRequests(histogram, window)}`
}

function slowRequests(histogram: string, boundSeconds: string, window: string): string {
  const quick = `sum by (group) (rate(${histogram}_bucket{le="${boundSeconds}"}[${window}]))`
  return `clamp_min(${allRequests(histogram, window)} - ${quick}, 0)`
}

/** Labels that name the promise on its series. */
export function sloLabels(slo: Slo): Readonly<Record<string, string>> {
  return { slo: slo.id, service: slo.service }
}
