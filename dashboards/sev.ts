import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { type BurnProfile, burnThreshold, MONTH_PROFILE, RUN_PROFILE } from '../alerts/burn-rate.ts'
import { dashboard } from './dashboard.ts'
import { IN_GROUP } from './expressions.ts'
import { stat, table, timeSeries } from './panels/panel.ts'

const SLO = '{{group}} {{slo}}'

/** Share of bad events in a window, and how much faster than allowed that spends the budget. */
const badRatio = (base: '30s' | '5m', window: string) =>
  `avg_over_time(group_slo:bad:rate${base}{${IN_GROUP}}[${window}]) / (avg_over_time(group_slo:events:rate${base}{${IN_GROUP}}[${window}]) > 0)`
const burn = (base: '30s' | '5m', window: string) =>
  `(${badRatio(base, window)}) / on (slo) group_left () slo:error_budget:ratio`

/** Burn at which the alert of window number `row` fires. */
function at(row: number, profile: BurnProfile = RUN_PROFILE): number | undefined {
  const window = profile.windows[row]
  return window && burnThreshold(window, profile)
}

const OPEN = [1, 2, 3, 4].map(level =>
  stat({
    title: `SEV${level} now`,
    description: `Groups and services for which an alert fires that opens an incident of level ${level}. 1 is the worst.`,
    unit: 'count',
    steps: [
      { from: null, color: 'green' },
      { from: 1, color: level <= 2 ? 'red' : 'orange' },
    ],
    queries: [
      {
        expr: `count(count by (group, service) (ALERTS{${IN_GROUP},alertstate="firing",sev="${level}"})) or vector(0)`,
        legend: `SEV${level}`,
      },
    ],
  }),
)

const INCIDENTS = [
  table({
    title: 'What opens incidents now',
    description: 'Alerts with a level that fire, and the promise that is broken.',
    unit: 'count',
    span: 12,
    expr: `count by (sev, alertname, group, service, slo) (ALERTS{${IN_GROUP},alertstate="firing",sev!=""})`,
    columns: { sev: 'Level', alertname: 'Alert', group: 'Group', service: 'Service', slo: 'Promise' },
    value: 'Instances',
  }),
  timeSeries({
    title: 'Alerts with a level',
    description: 'When alerts fired that open an incident, by level.',
    unit: 'count',
    min: 0,
    span: 12,
    queries: [
      {
        expr: `count by (group, sev) (ALERTS{${IN_GROUP},alertstate="firing",sev!=""})`,
        legend: '{{group}} SEV{{sev}}',
      },
    ],
  }),
]

const BURN = [
  timeSeries({
    title: 'Burn, five minutes',
    description: `How many times faster than allowed the error budget is spent. Above ${at(0)} an incident of level 2 opens in the profile of experiments, above ${at(1)} over a quarter of an hour one of level 3.`,
    unit: 'factor',
    min: 0,
    span: 12,
    queries: [{ expr: burn('30s', '5m'), legend: SLO }],
  }),
  timeSeries({
    title: 'Burn, one hour',
    description: `The same over an hour, in the profile of thirty days: above ${at(0, MONTH_PROFILE)} a person is called.`,
    unit: 'factor',
    min: 0,
    span: 12,
    queries: [{ expr: burn('5m', '1h'), legend: SLO }],
  }),
  timeSeries({
    title: 'Bad events',
    description: 'Share of events that broke a promise, over half a minute.',
    unit: 'ratio',
    min: 0,
    max: 1,
    span: 12,
    queries: [
      {
        expr: `group_slo:bad:rate30s{${IN_GROUP}} / (group_slo:events:rate30s{${IN_GROUP}} > 0)`,
        legend: SLO,
      },
    ],
  }),
  timeSeries({
    title: 'Database without a primary',
    description: 'Whether writes are possible: 60 s without is an incident of level 1.',
    unit: 'yesNo',
    min: 0,
    max: 1,
    span: 12,
    queries: [
      { expr: `1 - min by (group) (group:database_writable:bool{${IN_GROUP}})`, legend: '{{group}}' },
    ],
  }),
]

/** What is bad enough for an incident. */
export function sev(): Dashboard {
  return dashboard({
    uid: 'divergence-sev',
    title: 'SEV',
    description: 'Conditions that open an incident, and how fast the error budgets are spent.',
    choices: ['group'],
    sections: [
      { title: 'Open by level', panels: OPEN },
      { title: 'Incidents', panels: INCIDENTS },
      { title: 'Error budgets', panels: BURN },
    ],
  })
}
