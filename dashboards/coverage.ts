import { parse } from 'yaml'
import { alertFiles } from '../alerts/files.ts'
import { selectorsOf } from '../alerts/promql.ts'
import { dashboards } from './files.ts'
import { panelsOf, targetsOf } from './lint.ts'

/** One thing that must be seen: what it is called, what shows it, and what wakes somebody. */
export type Covered = {
  readonly what: string
  /** Metric, as its panel asks for it. */
  readonly metric: string
  /** `dashboard / panel`. */
  readonly panel: string
  /** Alerts that read it, or what it stands for. */
  readonly alerts: readonly string[]
}

const row = (what: string, metric: string, panel: string, ...alerts: string[]): Covered => ({
  what,
  metric,
  panel,
  alerts,
})

/** Everything that the lab sets out to see. */
export const COVERAGE: readonly Covered[] = [
  row('CPU', 'container_cpu_usage_seconds_total', 'Infrastructure / CPU of services', 'CpuStarved'),
  row(
    'CPU, held back',
    'container_cpu_cfs_throttled_periods_total',
    'Infrastructure / CPU throttled',
    'CpuThrottled',
  ),
  row(
    'CPU of nodes',
    'node_pressure_cpu_waiting_seconds_total',
    'Infrastructure / Waiting for CPU',
    'NodeCpuPressure',
  ),
  row(
    'Memory',
    'container_memory_working_set_bytes',
    'Infrastructure / Memory against the limit',
    'MemoryNearLimit',
  ),
  row(
    'Memory, killed for',
    'kube_pod_container_status_last_terminated_reason',
    'Infrastructure / Killed for memory',
    'OomKilled',
  ),
  row('Disk', 'node_filesystem_avail_bytes', 'Infrastructure / Disk full', 'DiskFilling'),
  row('IO', 'node_pressure_io_waiting_seconds_total', 'Infrastructure / Waiting for IO', 'NodeIoPressure'),
  row(
    'IO, bytes',
    'node_disk_written_bytes_total',
    'Infrastructure / Disk reads and writes',
    'NodeIoPressure',
  ),
  row(
    'Shutdown of containers',
    'kube_pod_container_status_restarts_total',
    'Infrastructure / Restarts',
    'ContainerRestarted',
    'ContainerCrashLooping',
  ),
  row(
    'Shutdown of nodes and zones',
    'kube_node_status_condition',
    'Infrastructure / Nodes ready',
    'NodeDown',
    'ZoneDown',
  ),
  row('Shutdown, since when', 'node_boot_time_seconds', 'Infrastructure / Uptime of nodes', 'NodeRestarted'),
  row('Processes', 'container_processes', 'Infrastructure / Processes', 'TooManyProcesses'),
  row(
    'Clock time',
    'pod:clock_offset:seconds',
    'Infrastructure / Clock offset',
    'ClockOffset',
    'OncallClockOffset',
  ),
  row('DNS, failing', 'gateway_lookups_total', 'Infrastructure / DNS lookups failed', 'DnsFailing'),
  row('DNS, slow', 'gateway_lookup_duration_seconds', 'Infrastructure / DNS lookup time', 'DnsSlow'),
  row('DNS, from each zone', 'probe_dns_duration_seconds', 'Infrastructure / DNS answer time', 'DnsSlow'),
  row(
    'Latency between zones',
    'probe_icmp_duration_seconds',
    'Infrastructure / Round trip between zones',
    'NetworkLatencyHigh',
  ),
  row(
    'Latency to pods',
    'probe_icmp_duration_seconds',
    'Infrastructure / Round trip to pods',
    'NetworkLatencyHigh',
  ),
  row(
    'Latency of requests',
    'gateway_request_duration_seconds_bucket',
    'Steady state / Latency, 99th percentile',
    'RunBudgetBurnFast',
    'MonthBudgetBurnFast',
  ),
  row('Packet loss', 'probe_success', 'Infrastructure / Packets lost on the way to pods', 'PacketLoss'),
  row(
    'Pipeline: success',
    'haproxy_frontend_http_responses_total',
    'Steady state / Success ratio',
    'RunBudgetBurnFast',
    'MostlyFailing',
    'NoTraffic',
  ),
  row('Pipeline: gateway full', 'gateway_shed_total', 'Pipeline / Requests shed', 'LoadShed'),
  row('Pipeline: gateway retries', 'gateway_retries_total', 'Pipeline / Retries', 'RetriesOverBudget'),
  row('Pipeline: gateway breaker', 'gateway_breaker_open', 'Pipeline / Recommenders cut off', 'BreakerOpen'),
  row(
    'Pipeline: recommender',
    'recommender_database_errors_total',
    'Pipeline / Database errors seen by the recommender',
    'RecommenderDatabaseErrors',
  ),
  row(
    'Pipeline: database primary',
    'patroni_primary',
    'Pipeline / Primaries',
    'DatabaseNoPrimary',
    'DatabaseNoPrimaryLong',
    'DatabaseTwoPrimaries',
  ),
  row('Pipeline: database failover', 'patroni_postgres_timeline', 'Pipeline / Timeline', 'DatabaseFailover'),
  row(
    'Pipeline: database replicas',
    'patroni_xlog_replayed_location',
    'Pipeline / Bytes behind the primary',
    'ReplicationLag',
  ),
  row(
    'Pipeline: database synchronous replica',
    'patroni_sync_standby',
    'Pipeline / Replicas',
    'DatabaseNoSyncStandby',
  ),
  row(
    'Pipeline: database connections',
    'pg_stat_activity_count',
    'Pipeline / Connections against the limit',
    'DatabaseConnectionsNearMax',
  ),
  row('Pipeline: batch late', 'ingest_batch_running_seconds', 'Pipeline / Batch running for', 'BatchLate'),
  row('Pipeline: batch failed', 'ingest_last_batch_failed', 'Pipeline / Last batch failed', 'BatchFailed'),
  row(
    'Capacity: pods without room',
    'kube_pod_status_phase',
    'Kubernetes capacity / Pods by phase',
    'PodsPending',
  ),
  row(
    'Capacity: replicas',
    'kube_deployment_status_replicas_available',
    'Kubernetes capacity / Replicas missing',
    'ReplicasMissing',
  ),
  row(
    'Capacity: closed nodes',
    'kube_node_spec_unschedulable',
    'Kubernetes capacity / Nodes closed',
    'NodeCordoned',
  ),
  row(
    'Capacity: oversubscription',
    'kube_pod_container_resource_requests',
    'Kubernetes capacity / CPU requested',
    'PodsPending',
  ),
  row('Alerting: alerts', 'ALERTS', 'Alerts and on-call / Firing alerts', 'Watchdog'),
  row(
    'Alerting: delivery',
    'prometheus_notifications_errors_total',
    'Alerts and on-call / From Prometheus to its receivers',
    'NotificationsFailing',
    'AlertmanagersMissing',
  ),
  row(
    'Alerting: notification',
    'alertmanager_notifications_failed_total',
    'Alerts and on-call / Notifications',
    'DeliveryFailing',
  ),
  row(
    'SEV: burn',
    'group_slo:bad:rate30s',
    'SEV / Burn, five minutes',
    'RunBudgetBurnFast',
    'RunBudgetBurnMedium',
    'RunBudgetBurnSlow',
  ),
  row(
    'SEV: month',
    'group_slo:bad:rate5m',
    'SEV / Burn, one hour',
    'MonthBudgetBurnFast',
    'MonthBudgetBurnMedium',
    'MonthBudgetBurnSlow',
    'MonthBudgetBurnCreeping',
  ),
  row(
    'SEV: no primary',
    'group:database_writable:bool',
    'SEV / Database without a primary',
    'DatabaseNoPrimaryLong',
  ),
  row(
    'Events, stack traces, context, breadcrumbs',
    'oncall_error_events_total',
    'Application events / Error events taken in',
    'ErrorEventsLeftOut',
  ),
  row('Traces', 'zipkin_collector_spans_total', 'Cluster of the lab / Spans taken in', 'SpansDropped'),
  // No alert: an attack is begun on purpose, and what it does to users wakes somebody.
  row('Attacks', 'attack_active', 'Steady state / Running attacks'),
  row('Load', 'k6_http_req_duration_seconds', 'Load / Latency at the client', 'LoadNotSent'),
  row('Observation itself', 'up', 'Cluster of the lab / Targets up', 'TargetDown', 'TargetAbsent'),
  row(
    'Observation itself: rules',
    'prometheus_rule_evaluation_failures_total',
    'Cluster of the lab / Rules that failed or were left out',
    'RuleEvaluationFailing',
    'RuleEvaluationLate',
  ),
]

/** Queries of a panel that ask for a metric, by `dashboard / panel`; empty when there is no such panel or it asks for others. */
export function queriesFor({ metric, panel }: Covered, pages = dashboards()): readonly string[] {
  return pages.flatMap(page =>
    panelsOf(page)
      .filter(({ title }) => `${page.title} / ${title}` === panel)
      .flatMap(targetsOf)
      .map(({ expr }) => expr)
      .filter(expr => selectorsOf(expr).some(selector => selector.metric === metric)),
  )
}

/** Names of all alerts that the rules define. */
export function alertNames(): ReadonlySet<string> {
  const texts = Object.values(alertFiles().rules)
  const rules = texts.flatMap(text => {
    const { groups } = parse(text) as { groups: { rules: { alert?: string }[] }[] }
    return groups.flatMap(group => group.rules)
  })
  return new Set(rules.flatMap(({ alert }) => alert ?? []))
}
