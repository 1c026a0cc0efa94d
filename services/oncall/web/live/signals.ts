import { SHARED_GROUP } from '../../../../platform/topology.ts'

/** One steady-state signal as the live page draws it. */
export type SignalChart = {
  readonly id: string
  readonly title: string
  readonly note: string
  /** One series for each group, told apart by the label `group`. */
  readonly query: string
  readonly unit: string
  /** Unit of the difference of both groups. */
  readonly differenceUnit: string
  /** Upper end of the axis; null: as high as the values. */
  readonly max: number | null
}

/** Wide enough for several scrapes, narrow enough to show an attack of half a minute. */
const WINDOW = '20s'

const GROUPED = `group!="${SHARED_GROUP}",group!=""`
const responses = (more: string) =>
  `sum by (group) (rate(haproxy_frontend_http_responses_total{proxy="public",${GROUPED}${more}}[${WINDOW}]))`

function latency(quantile: number): string {
  return `histogram_quantile(${quantile}, sum by (group, le) (rate(gateway_request_duration_seconds_bucket{${GROUPED}}[${WINDOW}])))`
}

/** What users see, measured where they enter: at the edges, and the gateways' own clocks for the latencies. */
export const SIGNAL_CHARTS: readonly SignalChart[] = [
  {
    id: 'success',
    title: 'Success ratio',
    note: 'answers that are no server error, at the edge',
    // Without traffic there is no ratio: 0 / 0 is not a number, and a gap in the line.
    query: `1 - (${responses(',code="5xx"')} / ${responses('')})`,
    unit: 'percentunit',
    differenceUnit: 'pp',
    max: 1,
  },
  {
    id: 'throughput',
    title: 'Throughput',
    note: 'answers each second, at the edge',
    query: responses(''),
    unit: 'reqps',
    differenceUnit: 'reqps',
    max: null,
  },
  {
    id: 'median',
    title: 'Latency, p50',
    note: 'half of the requests were quicker, at the gateways',
    query: latency(0.5),
    unit: 's',
    differenceUnit: 's',
    max: null,
  },
  {
    id: 'tail',
    title: 'Latency, p95',
    note: '1 request in 20 was slower, at the gateways',
    query: latency(0.95),
    unit: 's',
    differenceUnit: 's',
    max: null,
  },
]

/** Attacks that were on, from oncall's own gauge. */
export const ATTACK_QUERY = 'max by (kind, service, zone) (attack_active)'
export const ATTACK_TITLE = '{{kind}} {{service}} {{zone}}'
