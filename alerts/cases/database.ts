import { type AlertCase, type Carried, hold, silent, then } from './case.ts'

const OF_GROUP: Carried = { group: 'experiment' }
const member = (number: number, metric: string, values: string, group = 'experiment') => ({
  [`${metric}{group="${group}",zone="${'abc'[number]}",node="${group}-${'abc'[number]}",pod="database-${number}"}`]:
    values,
})
const MEMBER_1: Carried = { group: 'experiment', zone: 'b', node: 'experiment-b', pod: 'database-1' }
const databaseUp = { 'up{job="database",group="experiment",pod="database-0"}': hold(0, 600) }

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
        why: 'the lab came back as a whole: who led before at another address is remembered, and not asked',
        told: {
          ...member(0, 'patroni_primary', then(hold(1, 60), silent(120))),
          ...member(1, 'patroni_primary', then(silent(100), hold(1, 80))),
        },
        atSeconds: 150,
      },
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
