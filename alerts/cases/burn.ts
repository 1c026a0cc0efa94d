import { type AlertCase, counts, hold, then } from './case.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

type Stretches = Parameters<typeof counts>[0]

/** Ten requests a second reach the edge of the experiment; `bad` of them fail. */
function edge(bad: Stretches, stepSeconds = 5) {
  return answers(
    bad,
    bad.map(([seconds, perSecond]) => [seconds, 10 - perSecond] as const),
    stepSeconds,
  )
}

/** Good and bad answers of that edge, each per second. */
function answers(bad: Stretches, good: Stretches, stepSeconds: number) {
  const group = 'experiment'
  return {
    [`haproxy_frontend_http_responses_total{group="${group}",proxy="public",code="2xx"}`]: counts(
      good,
      stepSeconds,
    ),
    [`haproxy_frontend_http_responses_total{group="${group}",proxy="public",code="5xx"}`]: counts(
      bad,
      stepSeconds,
    ),
  }
}
const EDGE = { group: 'experiment', service: 'edge', slo: 'edge-availability' }

/** Requests at the gateway; `slow` of ten a second take longer than half a second. */
function gatewaySlow(slow: Stretches) {
  const quick = slow.map(([seconds, perSecond]) => [seconds, 10 - perSecond] as const)
  const all = slow.map(([seconds]) => [seconds, 10] as const)
  const labels = 'group="experiment",service="gateway",route="/songs",method="GET",status="200"'
  return {
    [`gateway_request_duration_seconds_count{${labels}}`]: counts(all),
    [`gateway_request_duration_seconds_bucket{${labels},le="0.5"}`]: counts(quick),
  }
}

export const RUN_CASES: readonly AlertCase[] = [
  {
    alert: 'RunBudgetBurnFast',
    fires: {
      // 14.4 times 0.2 % of 3,000 requests are 86 failures: a minute and a half of one in ten.
      told: edge([
        [120, 0],
        [90, 1],
        [60, 0.36],
        [300, 0],
      ]),
      notYetSeconds: 195,
      atSeconds: 255,
      labels: EDGE,
      resolvedSeconds: 310,
    },
    quiet: [
      {
        why: 'it has calmed down to ten times too fast',
        told: edge([
          [120, 0],
          [90, 2],
          [300, 0.2],
        ]),
        atSeconds: 300,
      },
      { why: 'two in a hundred fail: ten times too fast', told: edge([[330, 0.2]]), atSeconds: 320 },
      {
        why: 'half of very few requests fail: eighteen',
        told: {
          'haproxy_frontend_http_responses_total{group="experiment",proxy="public",code="5xx"}': counts([
            [300, 0.06],
          ]),
        },
        atSeconds: 290,
      },
      {
        why: 'it is over: the short window is clean',
        told: edge([
          [120, 0],
          [60, 2],
          [300, 0],
        ]),
        atSeconds: 240,
      },
      {
        why: 'there are no requests',
        told: {
          'haproxy_frontend_http_responses_total{group="experiment",proxy="public",code="5xx"}': hold(5, 600),
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'RunBudgetBurnFast',
    fires: {
      // Slow answers burn the budget of the promise about time, and of no other.
      told: gatewaySlow([
        [120, 0],
        [120, 6],
        [300, 0],
      ]),
      atSeconds: 230,
      labels: { group: 'experiment', service: 'gateway', slo: 'gateway-latency' },
      resolvedSeconds: 300,
    },
    quiet: [{ why: 'one in ten is slow: ten times too fast', told: gatewaySlow([[330, 1]]), atSeconds: 320 }],
  },
  {
    alert: 'RunBudgetBurnFast',
    fires: {
      // Twenty-five seconds without a primary are twenty-five bad events.
      told: {
        'patroni_primary{group="experiment",pod="database-0"}': then(hold(1, 120), hold(0, 45), hold(1, 300)),
      },
      notYetSeconds: 130,
      atSeconds: 165,
      labels: { group: 'experiment', service: 'database', slo: 'database-availability' },
      resolvedSeconds: 230,
    },
    quiet: [
      {
        why: 'a failover of ten seconds',
        told: {
          'patroni_primary{group="experiment",pod="database-0"}': then(
            hold(1, 120),
            hold(0, 10),
            hold(1, 300),
          ),
        },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'RunBudgetBurnFast',
    fires: {
      // A batch that failed is bad every second until the next succeeds.
      told: {
        'ingest_last_batch_failed{group="experiment"}': then(hold(0, 120), hold(1, 120), hold(0, 300)),
        'ingest_batch_running_seconds{group="experiment"}': hold(0, 600),
      },
      atSeconds: 200,
      labels: { group: 'experiment', service: 'ingest', slo: 'ingest-freshness' },
      resolvedSeconds: 300,
    },
    quiet: [
      {
        why: 'the batch runs',
        told: {
          'ingest_last_batch_failed{group="experiment"}': hold(0, 300),
          'ingest_batch_running_seconds{group="experiment"}': hold(300, 300),
        },
        atSeconds: 250,
      },
    ],
  },
  {
    alert: 'RunBudgetBurnMedium',
    fires: {
      // 6 times 0.2 % of 9,000 requests are 108 failures.
      told: edge([
        [30, 0],
        [600, 0.2],
        [300, 0],
      ]),
      notYetSeconds: 510,
      atSeconds: 620,
      labels: EDGE,
      resolvedSeconds: 810,
    },
    quiet: [{ why: 'one in a hundred fails: five times too fast', told: edge([[930, 0.1]]), atSeconds: 920 }],
  },
  {
    alert: 'RunBudgetBurnSlow',
    fires: {
      // 3 times 0.2 % of 18,000 requests are 108 failures.
      told: edge([
        [30, 0],
        [1200, 0.1],
        [400, 0],
      ]),
      notYetSeconds: 1040,
      atSeconds: 1200,
      labels: EDGE,
      resolvedSeconds: 1600,
    },
    quiet: [{ why: 'four in a thousand fail: twice too fast', told: edge([[1900, 0.04]]), atSeconds: 1850 }],
  },
  {
    alert: 'MostlyFailing',
    fires: {
      told: edge([
        [120, 0],
        [180, 8],
        [300, 0],
      ]),
      notYetSeconds: 170,
      atSeconds: 230,
      labels: EDGE,
      resolvedSeconds: 360,
    },
    quiet: [
      {
        why: 'four in ten fail',
        told: edge([
          [120, 0],
          [180, 4],
        ]),
        atSeconds: 280,
      },
      {
        why: 'all of very few requests fail: eighteen',
        told: {
          'haproxy_frontend_http_responses_total{group="experiment",proxy="public",code="5xx"}': counts([
            [300, 0.06],
          ]),
        },
        atSeconds: 290,
      },
      {
        why: 'for half a minute',
        told: edge([
          [120, 0],
          [30, 9],
          [300, 0],
        ]),
        atSeconds: 200,
      },
    ],
  },
]

const STEP = MINUTE

export const MONTH_CASES: readonly AlertCase[] = [
  {
    alert: 'MonthBudgetBurnFast',
    stepSeconds: STEP,
    fires: {
      // 14.4 times 0.2 % of 36,000 requests are 1,037 failures.
      told: edge(
        [
          [10 * MINUTE, 0],
          [30 * MINUTE, 1],
          [HOUR, 0],
        ],
        STEP,
      ),
      notYetSeconds: 25 * MINUTE,
      atSeconds: 35 * MINUTE,
      labels: EDGE,
      resolvedSeconds: 55 * MINUTE,
    },
    quiet: [
      { why: 'two in a hundred fail', told: edge([[80 * MINUTE, 0.2]], STEP), atSeconds: 75 * MINUTE },
      {
        why: 'it ended a quarter of an hour ago',
        told: edge(
          [
            [5 * MINUTE, 0],
            [30 * MINUTE, 2],
            [HOUR, 0],
          ],
          STEP,
        ),
        atSeconds: 50 * MINUTE,
      },
    ],
  },
  {
    alert: 'MonthBudgetBurnMedium',
    stepSeconds: STEP,
    fires: {
      // 6 times 0.2 % of 216,000 requests are 2,592 failures.
      told: edge(
        [
          [5 * MINUTE, 0],
          [100 * MINUTE, 0.5],
          [2 * HOUR, 0],
        ],
        STEP,
      ),
      notYetSeconds: 85 * MINUTE,
      atSeconds: 100 * MINUTE,
      labels: EDGE,
      resolvedSeconds: 2.5 * HOUR,
    },
    quiet: [
      {
        why: 'on a day without requests half of one experiment failed, for two minutes',
        told: answers(
          [
            [HOUR, 0],
            [2 * MINUTE, 2],
            [HOUR, 0],
          ],
          [
            [HOUR, 0],
            [2 * MINUTE, 2],
            [HOUR, 0],
          ],
          STEP,
        ),
        atSeconds: HOUR + 20 * MINUTE,
      },
      { why: 'one in a hundred fails', told: edge([[6.5 * HOUR, 0.1]], STEP), atSeconds: 6.2 * HOUR },
    ],
  },
  {
    alert: 'MonthBudgetBurnSlow',
    stepSeconds: STEP,
    fires: {
      // A tenth of what is allowed in thirty days: 5,184 failures, three quarters of an hour of one in five.
      told: edge(
        [
          [50 * MINUTE, 2],
          [3 * HOUR, 0],
        ],
        STEP,
      ),
      notYetSeconds: 40 * MINUTE,
      atSeconds: 48 * MINUTE,
      labels: EDGE,
      resolvedSeconds: 3 * HOUR,
    },
    quiet: [
      {
        why: 'it was over before the tenth was spent',
        told: edge(
          [
            [40 * MINUTE, 2],
            [HOUR, 0],
          ],
          STEP,
        ),
        atSeconds: HOUR,
      },
    ],
  },
  {
    alert: 'MonthBudgetBurnCreeping',
    stepSeconds: STEP,
    fires: {
      // The same tenth, whether spent in a day or in three; it is remembered for longer.
      told: edge(
        [
          [50 * MINUTE, 2],
          [7 * HOUR, 0],
        ],
        STEP,
      ),
      notYetSeconds: 40 * MINUTE,
      atSeconds: 5 * HOUR,
      labels: EDGE,
      resolvedSeconds: 7 * HOUR,
    },
    quiet: [
      {
        why: 'it was over before the tenth was spent',
        told: edge(
          [
            [40 * MINUTE, 2],
            [HOUR, 0],
          ],
          STEP,
        ),
        atSeconds: HOUR,
      },
    ],
  },
]
