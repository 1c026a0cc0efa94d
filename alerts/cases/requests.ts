import { type AlertCase, type Carried, counts, hold, then } from './case.ts'

const GATEWAY = 'group="experiment",zone="a",node="experiment-a",service="gateway",pod="gateway-1"'
const OF_GATEWAY: Carried = { group: 'experiment', service: 'gateway' }

/** Requests that reach a service, per second. */
const requests = (service: 'edge' | 'gateway' | 'recommender', group: string, values: string) =>
  service === 'edge'
    ? { [`haproxy_frontend_http_responses_total{group="${group}",proxy="public",code="2xx"}`]: values }
    : {
        [`${service}_request_duration_seconds_count{group="${group}",service="${service}",route="/songs",status="200"}`]:
          values,
      }
const everywhere = (values: string) => ({
  ...requests('edge', 'control', counts([[600, 0.7]])),
  ...requests('gateway', 'control', counts([[600, 3]])),
  ...requests('recommender', 'control', counts([[600, 3]])),
  ...requests('edge', 'experiment', counts([[600, 0.7]])),
  ...requests('gateway', 'experiment', values),
  ...requests('recommender', 'experiment', counts([[600, 3]])),
})

export const REQUEST_CASES: readonly AlertCase[] = [
  {
    alert: 'RetriesOverBudget',
    fires: {
      told: {
        [`gateway_retries_total{${GATEWAY},outcome="refused"}`]: counts([
          [60, 0],
          [60, 0.2],
          [180, 0],
        ]),
        [`gateway_hedges_total{${GATEWAY},outcome="refused"}`]: counts([
          [60, 0],
          [60, 0.3],
          [180, 0],
        ]),
      },
      notYetSeconds: 75,
      atSeconds: 115,
      labels: OF_GATEWAY,
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'many were sent, none refused',
        told: {
          [`gateway_retries_total{${GATEWAY},outcome="sent"}`]: counts([[300, 9]]),
          [`gateway_retries_total{${GATEWAY},outcome="refused"}`]: counts([[300, 0]]),
          [`gateway_hedges_total{${GATEWAY},outcome="refused"}`]: counts([[300, 0]]),
        },
        atSeconds: 200,
      },
      {
        why: 'eighteen in a minute',
        told: {
          [`gateway_retries_total{${GATEWAY},outcome="refused"}`]: counts([[300, 0.3]]),
          [`gateway_hedges_total{${GATEWAY},outcome="refused"}`]: counts([[300, 0]]),
        },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'LoadShed',
    fires: {
      told: {
        [`gateway_shed_total{${GATEWAY},reason="queue_full"}`]: counts([
          [60, 0],
          [60, 0.45],
          [180, 0],
        ]),
      },
      notYetSeconds: 95,
      atSeconds: 115,
      labels: OF_GATEWAY,
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'eighteen in a minute',
        told: { [`gateway_shed_total{${GATEWAY},reason="queue_wait"}`]: counts([[300, 0.3]]) },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'BreakerOpen',
    fires: {
      told: {
        [`gateway_breaker_open{${GATEWAY},endpoint="10.0.0.1:8000"}`]: then(
          hold(0, 30),
          hold(1, 10),
          hold(0, 120),
        ),
      },
      notYetSeconds: 30,
      atSeconds: 60,
      labels: OF_GATEWAY,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'one sample saw it',
        told: {
          [`gateway_breaker_open{${GATEWAY},endpoint="10.0.0.1:8000"}`]: then(hold(0, 30), '1', hold(0, 60)),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'RecommenderDatabaseErrors',
    fires: {
      told: {
        'recommender_database_errors_total{group="experiment",service="recommender",pod="recommender-1",reason="connection"}':
          counts([
            [60, 0],
            [60, 0.45],
            [180, 0],
          ]),
      },
      notYetSeconds: 95,
      atSeconds: 115,
      labels: { group: 'experiment', service: 'recommender' },
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'a failover cost a dozen',
        told: {
          'recommender_database_errors_total{group="experiment",service="recommender",pod="recommender-1",reason="connection"}':
            counts([
              [60, 0],
              [10, 1.2],
              [120, 0],
            ]),
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'NoTraffic',
    fires: {
      told: everywhere(
        counts([
          [60, 10],
          [180, 0],
          [120, 10],
        ]),
      ),
      notYetSeconds: 120,
      atSeconds: 150,
      labels: { group: 'experiment', service: 'gateway' },
      resolvedSeconds: 260,
    },
    quiet: [
      {
        why: 'hardly anybody asks: the lab is idle',
        told: {
          ...requests('edge', 'control', counts([[300, 0.4]])),
          ...requests('edge', 'experiment', counts([[300, 0.4]])),
          ...requests('gateway', 'control', counts([[300, 0]])),
        },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'NoTraffic',
    fires: {
      // The load generator sends, and neither edge tells of anything.
      told: {
        'k6_http_reqs_total{group="experiment",name="songs",status="0"}': counts([
          [180, 1.4],
          [180, 0],
        ]),
        ...requests('gateway', 'control', counts([[360, 10]])),
        ...requests('gateway', 'experiment', counts([[360, 10]])),
        ...requests('recommender', 'control', counts([[360, 10]])),
        ...requests('recommender', 'experiment', counts([[360, 10]])),
      },
      atSeconds: 150,
      labels: [
        { group: 'control', service: 'edge' },
        { group: 'experiment', service: 'edge' },
      ],
      resolvedSeconds: 320,
    },
    quiet: [
      {
        why: 'the load generator hardly sends',
        told: { 'k6_http_reqs_total{group="experiment",name="setup",status="200"}': counts([[300, 0.8]]) },
        atSeconds: 200,
      },
    ],
  },
]
