import { SIGNALS } from '../../instrumentation/signals.ts'
import { GROUPS } from '../../platform/topology.ts'
import type { AlertRule, RecordingRule, RuleGroup } from '../rule.ts'

const { metrics: OURS } = SIGNALS

/** Requests per second that a service of a group was asked, over a minute; labels group, service. */
const REQUESTS = 'group_service:requests:rate1m'

/** In a minute; fewer are single requests that had bad luck. */
const MIN_EVENTS = 20
/** Samples that saw an endpoint ejected, of all gateways in a minute; an ejection lasts 3 s, a scrape comes every 5 s. */
const MIN_OPEN_SAMPLES = 2
/** Requests per second anywhere in the lab above which every service must see some: both groups are asked the same. */
const TRAFFIC_ELSEWHERE = 1
const ASKED_SERVICES = ['edge', 'gateway', 'recommender'] as const

/** What the gateway does to survive, and requests that do not come. */
export function requestRules(): RuleGroup {
  return {
    name: 'requests',
    recordings: requests(),
    alerts: [retriesOverBudget(), loadShed(), breakerOpen(), databaseErrors(), noTraffic()],
  }
}

function requests(): readonly RecordingRule[] {
  const recorded = (service: (typeof ASKED_SERVICES)[number], counter: string) => ({
    record: REQUESTS,
    expr: `sum by (group) (rate(${counter}[1m]))`,
    labels: { service },
  })
  return [
    recorded('edge', 'haproxy_frontend_http_responses_total{proxy="public"}'),
    recorded('gateway', `${OURS.gatewayRequestDuration.name}_count`),
    recorded('recommender', `${OURS.recommenderRequestDuration.name}_count`),
  ]
}

function retriesOverBudget(): AlertRule {
  const refused = (name: string) => `sum by (group, service) (increase(${name}{outcome="refused"}[1m]))`
  return {
    name: 'RetriesOverBudget',
    expr: `${refused(OURS.gatewayRetries.name)} + ${refused(OURS.gatewayHedges.name)} >= ${MIN_EVENTS}`,
    guard: { minEvents: MIN_EVENTS },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', 'service'],
    summary: 'The gateway of {{ $labels.group }} would repeat more requests than it allows itself',
    description:
      '{{ $value | humanize }} repetitions were refused within a minute: more than one request in ten fails or is slow.',
  }
}

function loadShed(): AlertRule {
  return {
    name: 'LoadShed',
    expr: `sum by (group, service) (increase(${OURS.gatewayShed.name}[1m])) >= ${MIN_EVENTS}`,
    guard: { minEvents: MIN_EVENTS },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', 'service'],
    summary:
      'The gateway of {{ $labels.group }} turns requests away: it gets more than the recommenders answer',
    description: '{{ $value | humanize }} requests were answered 503 at once within a minute.',
  }
}

function breakerOpen(): AlertRule {
  return {
    name: 'BreakerOpen',
    expr: `sum by (group, service) (sum_over_time(${OURS.gatewayBreakerOpen.name}[1m])) >= ${MIN_OPEN_SAMPLES}`,
    guard: { minEvents: MIN_OPEN_SAMPLES },
    severity: 'info',
    tier: 'cause',
    carries: ['group', 'service'],
    summary: 'The gateway of {{ $labels.group }} leaves a recommender alone that fails',
    description: 'In {{ $value | humanize }} samples of the last minute an endpoint was ejected.',
  }
}

function databaseErrors(): AlertRule {
  return {
    name: 'RecommenderDatabaseErrors',
    expr: `sum by (group, service) (increase(${OURS.recommenderDatabaseErrors.name}[1m])) >= ${MIN_EVENTS}`,
    guard: { minEvents: MIN_EVENTS },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', 'service'],
    summary: 'The recommenders of {{ $labels.group }} get errors from their database',
    description: '{{ $value | humanize }} within a minute, those counted that a second try mended.',
  }
}

/** Without requests no ratio can be formed and no budget burns: silence must be an alert of its own. */
function noTraffic(): AlertRule {
  const silent = GROUPS.flatMap(group =>
    ASKED_SERVICES.map(service => {
      const labels = `{group="${group}",service="${service}"}`
      return `absent(${REQUESTS}${labels}) or ${REQUESTS}${labels} == 0`
    }),
  )
  return {
    name: 'NoTraffic',
    expr: [
      `(${silent.join(' or ')})`,
      `and on () (sum(${REQUESTS}{service="edge"}) > ${TRAFFIC_ELSEWHERE} or sum(rate(k6_http_reqs_total[1m])) > ${TRAFFIC_ELSEWHERE})`,
    ].join(' '),
    guard: { forSeconds: 15 },
    severity: 'page',
    tier: 'cause',
    labels: { no_data: 'true' },
    carries: ['group', 'service'],
    summary: 'No requests reach {{ $labels.service }} of {{ $labels.group }}, although the lab is under load',
    description: 'Nothing can be said about how well it answers: no data is not success.',
  }
}
