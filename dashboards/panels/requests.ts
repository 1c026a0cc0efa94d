import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { GROUPS } from '../../platform/topology.ts'
import { IN_SCOPE, perSecond, quantileOf, share } from '../expressions.ts'
import { GRID_COLUMNS, heatmap, timeSeries } from './panel.ts'

/** Two in a row: marks need room, and the groups are compared side by side. */
const HALF = GRID_COLUMNS / 2

const BY_PLACE = 'group, zone'
const PLACE = '{{group}} {{zone}}'

/** Rate, errors and duration of a service that counts its requests in one histogram by method, route and status. */
export function requests(name: string, histogram: string): readonly Panel[] {
  const count = `${histogram}_count{${IN_SCOPE}`
  const buckets = `${histogram}_bucket{${IN_SCOPE}}`
  return [
    timeSeries({
      title: `${name}: requests by route`,
      description: `Requests that the ${name.toLowerCase()} answered in a second. The route "unmatched" is everything it does not know.`,
      unit: 'requestsPerSecond',
      min: 0,
      queries: [
        { expr: perSecond(`${count}}`, 'group, method, route'), legend: '{{group}} {{method}} {{route}}' },
      ],
    }),
    timeSeries({
      title: `${name}: error share`,
      description: `Share of the answers of the ${name.toLowerCase()} that are server errors (5xx).`,
      unit: 'ratio',
      min: 0,
      queries: [
        {
          expr: share(perSecond(`${count},status=~"5.."}`, BY_PLACE), perSecond(`${count}}`, BY_PLACE)),
          legend: PLACE,
        },
      ],
    }),
    timeSeries({
      title: `${name}: answers by status`,
      description: `Answers of the ${name.toLowerCase()} in a second, by HTTP status.`,
      unit: 'requestsPerSecond',
      min: 0,
      queries: [{ expr: perSecond(`${count}}`, 'group, status'), legend: '{{group}} {{status}}' }],
    }),
    timeSeries({
      title: `${name}: latency`,
      description: `Quantiles of the time the ${name.toLowerCase()} took for a request. The marks are single requests; each leads to its trace.`,
      unit: 'seconds',
      span: HALF,
      min: 0,
      queries: [
        { expr: quantileOf(0.5, buckets, 'group'), legend: '{{group}} p50', exemplars: true },
        { expr: quantileOf(0.95, buckets, 'group'), legend: '{{group}} p95', exemplars: true },
        { expr: quantileOf(0.99, buckets, 'group'), legend: '{{group}} p99', exemplars: true },
      ],
    }),
    timeSeries({
      title: `${name}: latency by route, 99th percentile`,
      description: `Which route of the ${name.toLowerCase()} is slow.`,
      unit: 'seconds',
      span: HALF,
      min: 0,
      queries: [
        { expr: quantileOf(0.99, buckets, 'group, route'), legend: '{{group}} {{route}}', exemplars: true },
      ],
    }),
    ...GROUPS.map(group =>
      heatmap({
        title: `${name}: spread of latency, ${group}`,
        description: `How many requests of the ${name.toLowerCase()} in the ${group} group took how long: a second band is a second kind of answer, such as a time-out.`,
        unit: 'seconds',
        span: HALF,
        expr: perSecond(`${histogram}_bucket{group="${group}",zone=~"$zone"}`, 'le'),
      }),
    ),
  ]
}
