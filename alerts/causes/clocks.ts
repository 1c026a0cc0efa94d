import { SIGNALS } from '../../instrumentation/signals.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'

const CLOCK = SIGNALS.metrics.processClock.name

/** What the clock of a process or node shows minus Prometheus' own, seconds; uncertain by half the time of a scrape. */
const OFFSET = 'pod:clock_offset:seconds'

/** Beyond this, time stamps of different places can no longer be put in one order by eye. */
const MOST_OFFSET_SECONDS = 1
/** Patroni tells whole seconds, of its last round (one a second), and a round may be slow. */
const MOST_PATRONI_OFFSET_SECONDS = 4

/** Probes are told under the name of whom they ask. */
const NO_PROBE = 'job!~"probe-.*"'
const WHO = 'group, zone, node, service, pod'

/**
 * Clocks, seen from outside. A process whose clock alone is wrong cannot notice, and the kernel's own account does not
 * know: what it says the time is gets compared with when it was asked.
 */
export function clockRules(): RuleGroup {
  return {
    name: 'clocks',
    recordings: [{ record: OFFSET, expr: `${offsetOf(CLOCK)} or ${offsetOf('node_time_seconds')}` }],
    alerts: [clockOffset()],
  }
}

/** The value was read at some instant of the scrape: in the middle of it is the best guess. */
function offsetOf(metric: string): string {
  return `max by (${WHO}) (${metric} - timestamp(${metric}) - on (job, instance) group_left () scrape_duration_seconds{${NO_PROBE}} / 2)`
}

function clockOffset(): AlertRule {
  // Only what the time of the scrape cannot explain counts.
  const beyond = (offset: string) =>
    `(${offset} - on (${WHO}) max by (${WHO}) (scrape_duration_seconds{pod!="",${NO_PROBE}}) / 2 > ${MOST_OFFSET_SECONDS})`
  const behind = `max by (${WHO}) (timestamp(patroni_dcs_last_seen) - patroni_dcs_last_seen > ${MOST_PATRONI_OFFSET_SECONDS} and changes(patroni_dcs_last_seen[20s]) >= 2)`
  const ahead = `max by (${WHO}) (patroni_dcs_last_seen - timestamp(patroni_dcs_last_seen) > ${MOST_OFFSET_SECONDS})`
  return {
    name: 'ClockOffset',
    expr: [
      `${beyond(OFFSET)} or ${beyond(`-1 * ${OFFSET}`)}`,
      // A member that cannot reach the API server has old news as well, but then it is the same news all the time.
      `or ${behind} or ${ahead}`,
    ].join(' '),
    guard: { forSeconds: 10 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: 'The clock of {{ $labels.pod }} of {{ $labels.group }} is wrong',
    description: 'It is off by {{ $value | humanizeDuration }}, more than the time it takes to ask.',
  }
}
