import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { IN_GROUP, IN_SCOPE, perSecond, share } from '../expressions.ts'
import { timeSeries } from './panel.ts'

const GROUP = '{{group}}'
const POD = '{{group}} {{pod}}'

const WRITTEN = `max by (group) (patroni_xlog_location{${IN_GROUP}})`
const APPLIED = `patroni_xlog_replayed_location{${IN_GROUP}} and on (group, pod) patroni_replica{${IN_GROUP}} == 1`

/** Who leads, how far the others are behind, and what Postgres does. */
export function database(): readonly Panel[] {
  return [
    timeSeries({
      title: 'Primaries',
      description: 'Members that take writes. 0 is a failover on its way, 2 must never be.',
      unit: 'count',
      min: 0,
      queries: [{ expr: `sum by (group) (patroni_primary{${IN_GROUP}})`, legend: GROUP }],
    }),
    timeSeries({
      title: 'Replicas',
      description:
        'Members that follow the primary, and those of them without whose word no write is acknowledged.',
      unit: 'count',
      min: 0,
      queries: [
        { expr: `sum by (group) (patroni_replica{${IN_GROUP}})`, legend: `${GROUP} replicas` },
        { expr: `sum by (group) (patroni_sync_standby{${IN_GROUP}})`, legend: `${GROUP} synchronous` },
      ],
    }),
    timeSeries({
      title: 'Bytes behind the primary',
      description: 'What a replica has not applied yet of the write-ahead log.',
      unit: 'bytes',
      min: 0,
      queries: [{ expr: `clamp_min(${WRITTEN} - on (group) group_right () (${APPLIED}), 0)`, legend: POD }],
    }),
    timeSeries({
      title: 'Timeline',
      description: 'Grows by one with every failover.',
      unit: 'count',
      queries: [{ expr: `max by (group) (patroni_postgres_timeline{${IN_GROUP}})`, legend: GROUP }],
    }),
    timeSeries({
      title: 'Since the store of the leader was reached',
      description: 'Time since a member last wrote or read who leads; beyond 30 s the primary steps down.',
      unit: 'seconds',
      min: 0,
      queries: [{ expr: `time() - max by (group, pod) (patroni_dcs_last_seen{${IN_SCOPE}})`, legend: POD }],
    }),
    timeSeries({
      title: 'Connections',
      description: 'Connections to a member by state.',
      unit: 'count',
      min: 0,
      queries: [
        {
          expr: `sum by (group, state) (pg_stat_activity_count{${IN_SCOPE}})`,
          legend: '{{group}} {{state}}',
        },
      ],
    }),
    timeSeries({
      title: 'Connections against the limit',
      description:
        'Share of the connections a member allows that are taken; at 1 new clients are turned away.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `sum by (group, pod) (pg_stat_activity_count{${IN_SCOPE}}) / max by (group, pod) (pg_settings_max_connections{${IN_SCOPE}})`,
          legend: POD,
        },
      ],
    }),
    timeSeries({
      title: 'Transactions',
      description: 'Transactions in a second that were committed, and that were rolled back.',
      unit: 'perSecond',
      min: 0,
      queries: [
        {
          expr: perSecond(`pg_stat_database_xact_commit{${IN_SCOPE}}`, 'group'),
          legend: `${GROUP} committed`,
        },
        {
          expr: perSecond(`pg_stat_database_xact_rollback{${IN_SCOPE}}`, 'group'),
          legend: `${GROUP} rolled back`,
        },
      ],
    }),
    timeSeries({
      title: 'Blocks read from disk',
      description: 'Share of the blocks that were not in memory.',
      unit: 'ratio',
      min: 0,
      queries: [
        {
          expr: share(
            perSecond(`pg_stat_database_blks_read{${IN_SCOPE}}`, 'group'),
            `(${perSecond(`pg_stat_database_blks_read{${IN_SCOPE}}`, 'group')} + ${perSecond(`pg_stat_database_blks_hit{${IN_SCOPE}}`, 'group')})`,
          ),
          legend: GROUP,
        },
      ],
    }),
    timeSeries({
      title: 'Deadlocks',
      description: 'Deadlocks in a second that Postgres broke.',
      unit: 'perSecond',
      min: 0,
      queries: [{ expr: perSecond(`pg_stat_database_deadlocks{${IN_SCOPE}}`, 'group'), legend: GROUP }],
    }),
    timeSeries({
      title: 'Database size',
      description: 'Bytes of the database that holds the songs, on disk.',
      unit: 'bytes',
      min: 0,
      queries: [
        { expr: `max by (group) (pg_database_size_bytes{${IN_SCOPE},datname="divergence"})`, legend: GROUP },
      ],
    }),
  ]
}
