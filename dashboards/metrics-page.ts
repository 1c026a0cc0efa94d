import { runbookOf } from '../alerts/rule.ts'
import { format } from '../services/oncall/web/panels/units.ts'
import { COVERAGE, type Covered, queriesFor } from './coverage.ts'
import { dashboards } from './files.ts'
import type { DisturbanceRecord, MovedFile, MovedRow } from './metrics-moved.ts'
import type { AlertState, Change } from './trials/changes.ts'

const COLUMNS = [
  'what',
  'metric',
  'dashboard / panel',
  'query',
  'alerts',
  'moved by',
  'experiment: before -> during',
  'control: before -> during',
]

const DISTURBANCE_COLUMNS = [
  'disturbance',
  'day',
  'faults',
  'alerts of the experiment',
  'alerts of the control',
  'alerts of the lab',
]

/** Before and after an arrow that a narrow column does not break. */
const ARROW = '\u00a0-> '

/** `docs/metrics.md`. */
export function metricsPage(moved: MovedFile): string {
  const pages = dashboards()
  return [
    '# Metrics',
    '',
    'What the lab sees, the panel that shows it, what that panel asks Prometheus, the alerts that watch it, and how it moved when',
    'the experimental group was attacked. Both groups are seen alike: every series carries `group`, and `zone` where it stands in',
    'one. Names come from `instrumentation/signals.json`; this page is made by `node dashboards/metrics-page-program.ts`, and a',
    'test fails when it is not up to date.',
    '',
    `The last three columns were measured in ${moved.lab}, by \`node dashboards/trials/metrics-program.ts\`, which attacks`,
    'the running lab under load, asks Prometheus the query of each row over the time before and during the attack, and names the',
    'series that moved the most: the middle of the values before, and the farthest value during. An alert that was pending or',
    'firing then says so. [What was done](#what-was-done), and when, stands below the table.',
    '',
    line(COLUMNS),
    line(COLUMNS.map(() => '---')),
    ...COVERAGE.map(covered => rowOf(covered, queriesFor(covered, pages)[0] ?? '', moved)),
    '',
    '## What was done',
    '',
    'Each row is one experiment of `divergence run`, with load at both groups; faults of the catalogue, offsets from the start of',
    'the attack. `fires on` fired before as well.',
    '',
    line(DISTURBANCE_COLUMNS),
    line(DISTURBANCE_COLUMNS.map(() => '---')),
    ...moved.disturbances.map(disturbanceRow),
    '',
  ].join('\n')
}

function rowOf(covered: Covered, query: string, { rows }: MovedFile): string {
  const row = rows.find(({ what }) => what === covered.what)
  return line([
    covered.what,
    `\`${covered.metric}\``,
    covered.panel,
    `\`${query}\``,
    alertsCell(covered, row),
    ...movedCells(row),
  ])
}

function alertsCell({ alerts }: Covered, row: MovedRow | undefined): string {
  const states: Readonly<Record<string, AlertState>> = row === undefined || 'unmoved' in row ? {} : row.alerts
  const cells = alerts.map(name => {
    const link = `[${name}](${runbookOf(name).replace(/^docs\//, '')})`
    const state = states[name]
    return state === undefined ? link : `${link} **${state}**`
  })
  return cells.join(', ') || '-'
}

/** What moved it, how far the experimental group's went, and the control group's. */
export function movedCells(row: MovedRow | undefined): readonly [string, string, string] {
  if (row === undefined) return ['not looked at', '', '']
  if ('unmoved' in row) {
    const how = `nothing: ${row.unmoved}`
    if (row.values === null) return [how, 'no series', 'no series']
    const lowest = format(row.values.lowest, row.unit, null)
    const highest = format(row.values.highest, row.unit, null)
    return [how, lowest === highest ? `stays ${lowest}` : `between ${lowest} and ${highest}`, 'the same']
  }
  const { by, unit, changes, shared } = row
  const how = `\`${by}\` (${row.in})`
  if (changes.lab !== undefined) return [how, changeText(changes.lab, unit), 'the lab as a whole']
  const control = changes.control === undefined ? 'no series' : changeText(changes.control, unit)
  return [
    how,
    changes.experiment === undefined ? 'did not move' : changeText(changes.experiment, unit),
    shared !== undefined && changes.control?.moved === true ? `${control}: ${shared}` : control,
  ]
}

function changeText({ of, before, during, moved }: Change, unit: string): string {
  const value = (one: number | null) => (one === null ? 'none' : format(one, unit, null))
  const values = `${value(before)}${ARROW}${value(during)}`
  if (!moved) return `${values} (did not move)`
  return of === '' ? values : `${values} (${of})`
}

function disturbanceRow({ name, day, faults, alerts }: DisturbanceRecord): string {
  const told = (states: Readonly<Record<string, AlertState>> = {}) =>
    Object.entries(states)
      .map(([alert, state]) => `${alert} ${state}`)
      .join(', ') || '-'
  return line([
    name,
    day,
    faults.map(fault => `\`${fault}\``).join('<br>'),
    told(alerts.experiment),
    told(alerts.control),
    told(alerts.lab),
  ])
}

/** One row of a table; a bar within a cell would begin the next one. */
function line(cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
}
