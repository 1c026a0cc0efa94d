import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { growth, IN_GROUP, IN_SCOPE, perSecond, quantileOf } from './expressions.ts'
import { type Step, stat, table, timeSeries } from './panels/panel.ts'

/** The Watchdog fires always; it is no news. */
const FIRING = `ALERTS{${IN_SCOPE},alertstate="firing",alertname!="Watchdog"}`

const NONE_IS_GOOD: readonly Step[] = [
  { from: null, color: 'green' },
  { from: 1, color: 'red' },
]
const ONE_IS_GOOD: readonly Step[] = [
  { from: null, color: 'red' },
  { from: 1, color: 'green' },
]

/** How many there are, 0 when there is none: a count of nothing would be no value at all. */
const count = (alerts: string) => `count(${alerts}) or vector(0)`

const NOW = [
  stat({
    title: 'Pages firing',
    description: 'Alerts that want a person now.',
    unit: 'count',
    steps: NONE_IS_GOOD,
    queries: [
      {
        expr: count(`ALERTS{${IN_SCOPE},alertstate="firing",severity="page"}`),
        legend: 'pages',
      },
    ],
  }),
  stat({
    title: 'Tickets firing',
    description: 'Alerts that want a person today.',
    unit: 'count',
    queries: [
      {
        expr: count(`ALERTS{${IN_SCOPE},alertstate="firing",severity="ticket"}`),
        legend: 'tickets',
      },
    ],
  }),
  stat({
    title: 'Pending',
    description: 'Alerts whose condition holds, but not for long enough yet.',
    unit: 'count',
    queries: [{ expr: count(`ALERTS{${IN_SCOPE},alertstate="pending"}`), legend: 'pending' }],
  }),
  stat({
    title: 'Watchdog',
    description: 'The alert that fires always. 0 means that no alert can arrive.',
    unit: 'count',
    steps: ONE_IS_GOOD,
    queries: [
      { expr: count('ALERTS{alertname="Watchdog",alertstate="firing",group="system"}'), legend: 'firing' },
    ],
  }),
]

const FIRING_PANELS = [
  table({
    title: 'Firing alerts',
    description: 'What fires, where, and how urgently a person is wanted.',
    unit: 'count',
    span: 16,
    height: 10,
    expr: `count by (alertname, group, service, zone, severity, tier) (${FIRING})`,
    columns: {
      alertname: 'Alert',
      group: 'Group',
      service: 'Service',
      zone: 'Zone',
      severity: 'Severity',
      tier: 'Tier',
    },
    value: 'Instances',
  }),
  timeSeries({
    title: 'Firing by group',
    description: 'Alerts that fire. One of the control group during an attack is a leak or a false alarm.',
    unit: 'count',
    min: 0,
    height: 10,
    queries: [{ expr: `count by (group, severity) (${FIRING})`, legend: '{{group}} {{severity}}' }],
  }),
  timeSeries({
    title: 'Firing by alert',
    description: 'Which alerts fired when.',
    unit: 'count',
    min: 0,
    span: 12,
    queries: [{ expr: `count by (alertname, group) (${FIRING})`, legend: '{{group}} {{alertname}}' }],
  }),
  timeSeries({
    title: 'Pending by alert',
    description: 'Conditions that hold and have not held long enough.',
    unit: 'count',
    min: 0,
    span: 12,
    queries: [
      {
        expr: `count by (alertname, group) (ALERTS{${IN_SCOPE},alertstate="pending"})`,
        legend: '{{group}} {{alertname}}',
      },
    ],
  }),
]

/** The way to the on-call service; the other ways that Alertmanager knows are not used. */
const WEBHOOK = `${IN_GROUP},integration="webhook"`

const DELIVERY = [
  timeSeries({
    title: 'Alerts in Alertmanager',
    description: 'Alerts that Alertmanager holds, by state: active, or silenced and inhibited.',
    unit: 'count',
    min: 0,
    queries: [{ expr: `sum by (state) (alertmanager_alerts{${IN_GROUP}})`, legend: '{{state}}' }],
  }),
  timeSeries({
    title: 'Notifications',
    description: 'Notifications in a second that Alertmanager sent, and those of them that failed.',
    unit: 'perSecond',
    min: 0,
    queries: [
      { expr: perSecond(`alertmanager_notifications_total{${WEBHOOK}}`, ''), legend: 'sent' },
      { expr: perSecond(`alertmanager_notifications_failed_total{${WEBHOOK}}`, ''), legend: 'failed' },
    ],
  }),
  timeSeries({
    title: 'From Prometheus to its receivers',
    description: 'Alerts in a second that Prometheus sent, failed to send, and gave up.',
    unit: 'perSecond',
    min: 0,
    queries: [
      { expr: perSecond(`prometheus_notifications_sent_total{${IN_GROUP}}`, ''), legend: 'sent' },
      { expr: perSecond(`prometheus_notifications_errors_total{${IN_GROUP}}`, ''), legend: 'failed' },
      { expr: perSecond(`prometheus_notifications_dropped_total{${IN_GROUP}}`, ''), legend: 'given up' },
    ],
  }),
  stat({
    title: 'Receivers found',
    description: 'Where Prometheus sends alerts: Alertmanager, and the recorder of the on-call service.',
    unit: 'count',
    steps: [
      { from: null, color: 'red' },
      { from: 2, color: 'green' },
    ],
    queries: [
      { expr: `max(prometheus_notifications_alertmanagers_discovered{${IN_GROUP}})`, legend: 'receivers' },
    ],
  }),
]

const ONCALL = [
  timeSeries({
    title: 'Alerts recorded',
    description: 'What Prometheus told the on-call service of alerts and it keeps, since the last point.',
    unit: 'count',
    min: 0,
    queries: [{ expr: growth(`oncall_alert_facts_total{${IN_GROUP}}`, 'outcome'), legend: '{{outcome}}' }],
  }),
  timeSeries({
    title: 'Alerts of which a person was told',
    description:
      'Alerts in the notifications that reached the on-call service from Alertmanager, since the last point.',
    unit: 'count',
    min: 0,
    queries: [{ expr: growth(`oncall_notifications_total{${IN_GROUP}}`, ''), legend: 'told' }],
  }),
  timeSeries({
    title: 'Entries of runs mirrored',
    description: 'Journal entries of experiments that were new to the on-call service, since the last point.',
    unit: 'count',
    min: 0,
    queries: [{ expr: growth(`oncall_run_entries_total{${IN_GROUP}}`, ''), legend: 'entries' }],
  }),
  timeSeries({
    title: 'On-call service: latency, 99th percentile',
    description: 'Time the on-call service took for a request, by route.',
    unit: 'seconds',
    min: 0,
    queries: [
      {
        expr: quantileOf(0.99, `oncall_request_duration_seconds_bucket{${IN_GROUP}}`, 'route'),
        legend: '{{route}}',
        exemplars: true,
      },
    ],
  }),
  timeSeries({
    title: 'On-call service: answers by status',
    description: 'Answers of the on-call service in a second: 4xx is somebody who may not or asks wrongly.',
    unit: 'requestsPerSecond',
    min: 0,
    queries: [
      {
        expr: perSecond(`oncall_request_duration_seconds_count{${IN_GROUP}}`, 'status'),
        legend: '{{status}}',
      },
    ],
  }),
  timeSeries({
    title: 'On-call service: clock offset',
    description:
      'Clock of Prometheus less clock of the on-call service. Beyond a second, times to detect cannot be trusted.',
    unit: 'seconds',
    queries: [{ expr: `max(oncall_clock_offset_seconds{${IN_GROUP}})`, legend: 'offset' }],
  }),
]

/** What fires, and whether those who must know are told. */
export function alerts(): Dashboard {
  return dashboard({
    uid: 'divergence-alerts',
    title: 'Alerts and on-call',
    description: 'Alerts that fire and fired, and their way from the rule to a person.',
    choices: ['group', 'zone'],
    sections: [
      { title: 'Now', panels: NOW },
      { title: 'Alerts', panels: FIRING_PANELS },
      { title: 'Delivery', panels: DELIVERY },
      { title: 'On-call service', panels: ONCALL },
    ],
  })
}
