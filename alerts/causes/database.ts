import type { AlertRule, RuleGroup } from '../rule.ts'
import { WRITABLE } from '../slo.ts'

const PRIMARIES = 'group:database_primaries:count'
const TIMELINE = 'group:postgres_timeline:max'
const LAG = 'pod:replication_lag_bytes:max'

/** Scrapes of Patroni; other exporters stand beside it in the same pods. */
const PATRONI_UP = 'up{job="database"}'

/**
 * Members whose samples are older than this are asked no more, seconds. When all of the lab, Prometheus too, stops and comes
 * back, Prometheus goes on telling what members said at addresses that are no longer theirs, for five minutes.
 */
const FRESH_SECONDS = 30
const LEADS = `(patroni_primary and timestamp(patroni_primary) > time() - ${FRESH_SECONDS})`

/** A failover is over in 10 s: without a primary for longer something else is wrong. */
const NO_PRIMARY_SECONDS = 15
/** From here on it is an incident of level 1. */
const NO_PRIMARY_LONG_SECONDS = 60
/** Half a minute of plays at 10 a second; a batch may run ahead of its replicas for a moment. */
const MOST_LAG_BYTES = 1_048_576
const CONNECTIONS_NEAR_MAX = 0.8
const WHO = 'group, zone, node, pod'

/** Postgres and Patroni. */
export function databaseRules(): RuleGroup {
  return {
    name: 'database',
    recordings: [
      {
        record: PRIMARIES,
        expr: `sum by (group) ${LEADS} or 0 * count by (group) (${PATRONI_UP})`,
      },
      { record: WRITABLE, expr: `clamp_max(${PRIMARIES}, 1)`, labels: { service: 'database' } },
      { record: TIMELINE, expr: 'max by (group) (patroni_postgres_timeline)' },
      {
        record: LAG,
        expr: `clamp_min(max by (group) (patroni_xlog_location) - on (group) group_right () max by (${WHO}) (patroni_xlog_replayed_location > 0), 0)`,
      },
    ],
    alerts: [
      noPrimary('DatabaseNoPrimary', NO_PRIMARY_SECONDS),
      noPrimary('DatabaseNoPrimaryLong', NO_PRIMARY_LONG_SECONDS),
      twoPrimaries(),
      failover(),
      replicationLag(),
      noSyncStandby(),
      connectionsNearMax(),
    ],
  }
}

function noPrimary(name: 'DatabaseNoPrimary' | 'DatabaseNoPrimaryLong', seconds: number): AlertRule {
  return {
    name,
    expr: `${PRIMARIES} == 0`,
    guard: { forSeconds: seconds },
    severity: 'page',
    tier: 'cause',
    ...(seconds >= NO_PRIMARY_LONG_SECONDS ? { sev: 1 } : {}),
    labels: { service: 'database' },
    carries: ['group'],
    summary: `The database of {{ $labels.group }} has had no primary for ${seconds} s: nothing can be written`,
    description: 'No member says that it leads. Reads go on from the replicas.',
  }
}

function twoPrimaries(): AlertRule {
  return {
    name: 'DatabaseTwoPrimaries',
    expr: `${PRIMARIES} > 1`,
    // The member that led before may be asked a moment earlier than the one that leads now.
    guard: { forSeconds: 10 },
    severity: 'page',
    tier: 'cause',
    sev: 1,
    labels: { service: 'database' },
    carries: ['group'],
    summary: 'Two members of the database of {{ $labels.group }} both say they lead: writes may be lost',
    description: '{{ $value | humanize }} members say that they are primary.',
  }
}

function failover(): AlertRule {
  return {
    name: 'DatabaseFailover',
    expr: `${TIMELINE} - min_over_time(${TIMELINE}[5m]) >= 1`,
    guard: { minEvents: 1 },
    severity: 'info',
    tier: 'cause',
    labels: { service: 'database' },
    carries: ['group'],
    summary: 'Another member of the database of {{ $labels.group }} has taken the lead',
    description: '{{ $value | humanize }} times within five minutes.',
  }
}

function replicationLag(): AlertRule {
  return {
    name: 'ReplicationLag',
    expr: `${LAG} > ${MOST_LAG_BYTES}`,
    guard: { forSeconds: 15 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'database' },
    carries: ['group', '[zone]', 'node', 'pod'],
    summary: '{{ $labels.pod }} of {{ $labels.group }} lags behind its primary: reads from it are old',
    description: 'It has {{ $value | humanize1024 }}B of changes still to replay.',
  }
}

function noSyncStandby(): AlertRule {
  return {
    name: 'DatabaseNoSyncStandby',
    expr: `sum by (group) (patroni_sync_standby) == 0 and on (group) ${PRIMARIES} > 0`,
    guard: { forSeconds: 20 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'database' },
    carries: ['group'],
    summary: 'Writes to the database of {{ $labels.group }} are acknowledged by one member alone',
    description: 'No replica is synchronous. Should the primary die now, acknowledged plays are lost.',
  }
}

function connectionsNearMax(): AlertRule {
  return {
    name: 'DatabaseConnectionsNearMax',
    expr: `sum by (${WHO}) (pg_stat_activity_count) / max by (${WHO}) (pg_settings_max_connections) > ${CONNECTIONS_NEAR_MAX}`,
    guard: { forSeconds: 10 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'database' },
    carries: ['group', '[zone]', 'node', 'pod'],
    summary: '{{ $labels.pod }} of {{ $labels.group }} has hardly a connection left',
    description: '{{ $value | humanizePercentage }} of them are taken.',
  }
}
