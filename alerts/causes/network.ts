import { SIGNALS } from '../../instrumentation/signals.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'

const { metrics: OURS } = SIGNALS

/**
 * What the probers ask (services/object-state/probes.ts): names from every zone; echoes of every zone from the others, and
 * of every pod from outside. Labels are those of what is asked, `service="network"` for a zone itself.
 */
const DNS = 'job="probe-dns"'
const ECHO = 'job=~"probe-icmp.*"'
const PLACE = 'group, zone, service'

/** What one lost packet among hundreds must not set off. */
const LOSS = { ratio: 0.05, minProbes: 3 }
const DNS_FAILURES = 3
/** The gateway gives one look-up 300 ms, two tries (services/gateway/endpoints.ts). */
const DNS_SLOW_SECONDS = 0.25
/** Between the zones of the lab an echo takes about 0.1 ms, between zones of a cloud about 1 ms. */
const MOST_ECHO_SECONDS = 0.02

/** Names, packets and the way between the zones. */
export function networkRules(): RuleGroup {
  return {
    name: 'network',
    recordings: [
      {
        record: 'group_zone_service:echo_loss:ratio_rate2m',
        expr: `1 - avg by (${PLACE}) (avg_over_time(probe_success{${ECHO}}[2m]))`,
      },
      {
        record: 'group_zone_service:echo_seconds:min30s',
        expr: `max by (${PLACE}) (min_over_time(probe_icmp_duration_seconds{${ECHO},phase="rtt"}[30s]) > 0)`,
      },
    ],
    alerts: [dnsFailing(), dnsSlow(), packetLoss(), networkLatencyHigh()],
  }
}

/** How many probes failed in `window`, by place. */
function failedProbes(job: string, window: string): string {
  const probes = `probe_success{${job}}[${window}]`
  return `sum by (${PLACE}) (count_over_time(${probes}) - sum_over_time(${probes}))`
}

function dnsFailing(): AlertRule {
  const lookups = `sum by (${PLACE}) (increase(${OURS.gatewayLookups.name}{outcome="failed"}[1m]))`
  return {
    name: 'DnsFailing',
    expr: `${lookups} >= ${DNS_FAILURES} or ${failedProbes(DNS, '1m')} >= ${DNS_FAILURES}`,
    guard: { minEvents: DNS_FAILURES },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'service'],
    summary: 'Names cannot be looked up in zone {{ $labels.zone }} of {{ $labels.group }}',
    description: '{{ $value | humanize }} look-ups of {{ $labels.service }} failed within a minute.',
  }
}

function dnsSlow(): AlertRule {
  return {
    name: 'DnsSlow',
    expr: [
      `max by (${PLACE}) (min_over_time(${OURS.gatewayLookupDuration.name}[30s])) > ${DNS_SLOW_SECONDS}`,
      `or max by (${PLACE}) (min_over_time(probe_dns_duration_seconds{${DNS},phase="request"}[30s])) > ${DNS_SLOW_SECONDS}`,
    ].join(' '),
    guard: { forSeconds: 15 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'service'],
    summary: 'Looking up a name takes too long in zone {{ $labels.zone }} of {{ $labels.group }}',
    description:
      'The quickest look-up of {{ $labels.service }} in half a minute took {{ $value | humanizeDuration }}.',
  }
}

function packetLoss(): AlertRule {
  return {
    name: 'PacketLoss',
    expr: [
      `group_zone_service:echo_loss:ratio_rate2m > ${LOSS.ratio}`,
      `and on (${PLACE}) (${failedProbes(ECHO, '2m')} >= ${LOSS.minProbes})`,
    ].join(' '),
    guard: { minEvents: LOSS.minProbes },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'service'],
    summary:
      'Packets to or from {{ $labels.service }} in zone {{ $labels.zone }} of {{ $labels.group }} get lost',
    description: '{{ $value | humanizePercentage }} of the echoes of two minutes did not come back.',
  }
}

function networkLatencyHigh(): AlertRule {
  return {
    name: 'NetworkLatencyHigh',
    expr: `group_zone_service:echo_seconds:min30s > ${MOST_ECHO_SECONDS}`,
    guard: { forSeconds: 5 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'service'],
    summary:
      'The way to {{ $labels.service }} in zone {{ $labels.zone }} of {{ $labels.group }} has become long',
    description: 'Even the quickest echo of half a minute took {{ $value | humanizeDuration }}.',
  }
}
