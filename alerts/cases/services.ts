import { type AlertCase, type Carried, counts, hold, silent, then } from './case.ts'

const GATEWAY = 'group="experiment",zone="a",node="experiment-a",service="gateway",pod="gateway-1"'
const OF_GATEWAY: Carried = { group: 'experiment', service: 'gateway' }
const OF_GROUP: Carried = { group: 'experiment' }

const member = (number: number, metric: string, values: string, group = 'experiment') => ({
  [`${metric}{group="${group}",zone="${'abc'[number]}",node="${group}-${'abc'[number]}",pod="database-${number}"}`]:
    values,
})
const MEMBER_1: Carried = { group: 'experiment', zone: 'b', node: 'experiment-b', pod: 'database-1' }
const databaseUp = { 'up{job="database",group="experiment",pod="database-0"}': hold(0, 600) }

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

export const DATABASE_CASES: readonly AlertCase[] = [
  {
    alert: 'DatabaseNoPrimary',
    fires: {
      told: {
        ...member(0, 'patroni_primary', then(hold(1, 30), hold(0, 120))),
        ...member(1, 'patroni_primary', then(hold(0, 60), hold(1, 90))),
      },
      notYetSeconds: 40,
      atSeconds: 50,
      labels: OF_GROUP,
      resolvedSeconds: 70,
    },
    quiet: [
      {
        why: 'a failover took ten seconds',
        told: {
          ...member(0, 'patroni_primary', then(hold(1, 30), hold(0, 60))),
          ...member(1, 'patroni_primary', then(hold(0, 40), hold(1, 60))),
        },
        atSeconds: 50,
      },
    ],
  },
  {
    alert: 'DatabaseNoPrimaryLong',
    fires: {
      // No member answers at all.
      told: {
        ...member(0, 'patroni_primary', then(hold(1, 30), 'stale', silent(100), hold(1, 60))),
        ...databaseUp,
      },
      notYetSeconds: 80,
      atSeconds: 100,
      labels: OF_GROUP,
      resolvedSeconds: 150,
    },
    quiet: [
      {
        why: 'it was back after fifty seconds',
        told: {
          ...member(0, 'patroni_primary', then(hold(1, 30), hold(0, 50), hold(1, 60))),
          ...databaseUp,
        },
        atSeconds: 95,
      },
    ],
  },
  {
    alert: 'DatabaseTwoPrimaries',
    fires: {
      told: {
        ...member(0, 'patroni_primary', then(hold(1, 60), hold(0, 60))),
        ...member(1, 'patroni_primary', then(hold(0, 30), hold(1, 90))),
      },
      notYetSeconds: 35,
      atSeconds: 50,
      labels: OF_GROUP,
      resolvedSeconds: 70,
    },
    quiet: [
      {
        why: 'each group has one',
        told: {
          ...member(0, 'patroni_primary', hold(1, 90)),
          ...member(0, 'patroni_primary', hold(1, 90), 'control'),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'DatabaseFailover',
    fires: {
      told: {
        ...member(0, 'patroni_postgres_timeline', then(hold(4, 60), 'stale')),
        ...member(1, 'patroni_postgres_timeline', then(hold(4, 60), hold(5, 600))),
      },
      notYetSeconds: 55,
      atSeconds: 70,
      labels: OF_GROUP,
      resolvedSeconds: 400,
    },
    quiet: [
      {
        why: 'a replica is stuck on an old timeline',
        told: {
          ...member(0, 'patroni_postgres_timeline', hold(3, 600)),
          ...member(1, 'patroni_postgres_timeline', hold(5, 600)),
        },
        atSeconds: 500,
      },
    ],
  },
  {
    alert: 'ReplicationLag',
    fires: {
      told: {
        ...member(0, 'patroni_xlog_location', hold(9e6, 200)),
        ...member(0, 'patroni_xlog_replayed_location', hold(0, 200)),
        ...member(1, 'patroni_xlog_location', hold(0, 200)),
        ...member(1, 'patroni_xlog_replayed_location', then(hold(9e6, 30), hold(7.8e6, 60), hold(9e6, 60))),
      },
      notYetSeconds: 40,
      atSeconds: 60,
      labels: MEMBER_1,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'it is a moment behind',
        told: {
          ...member(0, 'patroni_xlog_location', hold(9e6, 200)),
          ...member(1, 'patroni_xlog_replayed_location', hold(8e6, 200)),
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'DatabaseNoSyncStandby',
    fires: {
      told: {
        ...member(0, 'patroni_primary', hold(1, 200)),
        ...member(0, 'patroni_sync_standby', hold(0, 200)),
        ...member(1, 'patroni_sync_standby', then(hold(1, 30), hold(0, 60), hold(1, 60))),
      },
      notYetSeconds: 45,
      atSeconds: 70,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'there is no primary either: another alert says so',
        told: {
          ...member(0, 'patroni_primary', hold(0, 200)),
          ...member(1, 'patroni_sync_standby', hold(0, 200)),
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'DatabaseConnectionsNearMax',
    fires: {
      told: {
        'pg_stat_activity_count{group="experiment",zone="b",node="experiment-b",pod="database-1",datname="divergence",state="idle"}':
          then(hold(20, 30), hold(90, 60), hold(20, 60)),
        'pg_stat_activity_count{group="experiment",zone="b",node="experiment-b",pod="database-1",datname="divergence",state="active"}':
          hold(10, 150),
        ...member(1, 'pg_settings_max_connections', hold(120, 150)),
      },
      notYetSeconds: 35,
      atSeconds: 60,
      labels: MEMBER_1,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'three of four are taken',
        told: {
          ...member(1, 'pg_stat_activity_count', hold(90, 150)),
          ...member(1, 'pg_settings_max_connections', hold(120, 150)),
        },
        atSeconds: 100,
      },
    ],
  },
]

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

export const INGEST_CASES: readonly AlertCase[] = [
  {
    alert: 'BatchLate',
    fires: {
      told: {
        'ingest_batch_running_seconds{group="experiment",service="recommender",pod="recommender-1"}': then(
          hold(590, 30),
          hold(620, 60),
          hold(0, 60),
        ),
      },
      notYetSeconds: 30,
      atSeconds: 60,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'it has run for nine minutes',
        told: {
          'ingest_batch_running_seconds{group="experiment",service="recommender",pod="recommender-1"}': hold(
            540,
            90,
          ),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'BatchFailed',
    fires: {
      told: {
        'ingest_last_batch_failed{group="experiment",service="recommender",pod="recommender-1"}': then(
          hold(0, 30),
          hold(1, 60),
          hold(0, 60),
        ),
      },
      notYetSeconds: 30,
      atSeconds: 45,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'its pod failed once and the next one did it',
        told: {
          'kube_job_status_failed{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
            hold(1, 90),
          'kube_job_status_succeeded{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
            hold(1, 90),
          'kube_job_status_failed{group="experiment",namespace="experiment",job_name="migrate-1"}': hold(
            1,
            90,
          ),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'BatchFailed',
    fires: {
      // It ended before it could leave a row in the database.
      told: {
        'kube_job_status_failed{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}': then(
          hold(0, 30),
          hold(1, 120),
        ),
        'kube_job_status_succeeded{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
          then(hold(0, 90), hold(1, 60)),
      },
      atSeconds: 50,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [],
  },
]
