import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { selectorsOf } from '../../alerts/promql.ts'
import { COVERAGE, type Covered } from '../coverage.ts'
import { dashboards } from '../files.ts'
import { panelsOf } from '../lint.ts'
import type { DisturbanceRecord, MovedRow } from '../metrics-moved.ts'
import { type Asked, askedBy } from '../viewed.ts'
import { type AskRange, STEP_SECONDS } from './ask.ts'
import {
  alertStates,
  type Change,
  changeOf,
  type Owner,
  ownerOf,
  type Series,
  type Stretch,
} from './changes.ts'
import { EXPECTATIONS } from './expectations.ts'

const OWNERS: readonly Owner[] = ['experiment', 'control', 'lab']

/** When it was calm, and when it was attacked. */
export type Stretches = { readonly before: Stretch; readonly during: Stretch }

/**
 * What the page's query of a row asks, with the choices at the top of its dashboard left at "all". Where it asks for one
 * group, the same is asked for the other one.
 */
export function questionsOf(
  covered: Covered,
  { fromSeconds, untilSeconds }: Stretch,
  pages: readonly Dashboard[],
): readonly string[] {
  const page = pageOf(covered, pages)
  const view = { fromSeconds, toSeconds: untilSeconds, stepSeconds: STEP_SECONDS }
  const isAsked = ({ name, query }: Asked) =>
    name.startsWith(`${covered.panel}, `) &&
    selectorsOf(query).some(({ metric }) => metric === covered.metric)
  const first = askedBy(page, view).find(isAsked)
  if (first === undefined) throw new Error(`Cannot ask for ${covered.metric}: ${covered.panel} does not`)
  return [...new Set([first.query, first.query.replaceAll('group="control"', 'group="experiment"')])]
}

/** Grafana's identifier of the unit of a row's panel. */
export function unitOf(covered: Covered, pages: readonly Dashboard[]): string {
  const page = pageOf(covered, pages)
  const panel = panelsOf(page).find(({ title }) => covered.panel === `${page.title} / ${title}`)
  return panel?.fieldConfig?.defaults.unit ?? ''
}

function pageOf({ panel }: Covered, pages: readonly Dashboard[]): Dashboard {
  const page = pages.find(({ title }) => panel.startsWith(`${title} / `))
  if (page === undefined) throw new Error(`Cannot find the dashboard of '${panel}'`)
  return page
}

/** What one disturbance did to the rows that are looked for in it. */
export async function measure(
  name: string,
  faults: readonly string[],
  { before, during }: Stretches,
  ask: AskRange,
): Promise<{ readonly record: DisturbanceRecord; readonly rows: readonly MovedRow[] }> {
  const whole = { fromSeconds: before.fromSeconds, untilSeconds: during.untilSeconds }
  const told = await ask('ALERTS{alertname!="Watchdog"}', whole.fromSeconds, whole.untilSeconds)
  const alerts: DisturbanceRecord['alerts'] = Object.fromEntries(
    OWNERS.map(owner => [owner, alertStates(of(owner, told, ''), before, during)]),
  )
  const pages = dashboards()
  const rows: MovedRow[] = []
  for (const covered of COVERAGE) {
    const expected = EXPECTATIONS[covered.what]
    if (expected === undefined || 'unmoved' in expected || expected.in !== name) continue
    const changes: Partial<Record<Owner, Change>> = {}
    const untilSeconds = during.untilSeconds + (expected.laterSeconds ?? 0)
    const shown = { fromSeconds: before.fromSeconds, untilSeconds }
    const found = await answersOf(questionsOf(covered, shown, pages), shown, ask)
    for (const owner of OWNERS) {
      const series = found
        .flatMap(({ query, series }) => of(owner, series, query))
        .filter(({ labels }) => hasAll(labels, expected.labels ?? {}))
      const change = changeOf(series, before, { ...during, untilSeconds }, expected)
      if (change !== null) changes[owner] = change
    }
    rows.push({
      what: covered.what,
      in: name,
      by: expected.by,
      unit: unitOf(covered, pages),
      changes: ofGroups(changes),
      alerts: ownAlerts(covered, alerts),
      ...(expected.shared === undefined ? {} : { shared: expected.shared }),
    })
  }
  const day = new Date(during.fromSeconds * 1000).toISOString().slice(0, 10)
  return { record: { name, day, faults, alerts }, rows }
}

/** What rows show that nothing moves. */
export async function measureUnmoved(whole: Stretch, ask: AskRange): Promise<readonly MovedRow[]> {
  const pages = dashboards()
  const rows: MovedRow[] = []
  for (const covered of COVERAGE) {
    const expected = EXPECTATIONS[covered.what]
    if (expected === undefined || !('unmoved' in expected)) continue
    const found = await answersOf(questionsOf(covered, whole, pages), whole, ask)
    const values = found.flatMap(({ series }) =>
      series.flatMap(({ points }) => points.map(point => point[1])),
    )
    rows.push({
      what: covered.what,
      unmoved: expected.unmoved,
      unit: unitOf(covered, pages),
      values: values.length === 0 ? null : { lowest: Math.min(...values), highest: Math.max(...values) },
    })
  }
  return rows
}

async function answersOf(questions: readonly string[], whole: Stretch, ask: AskRange) {
  return await Promise.all(
    questions.map(async query => ({
      query,
      series: await ask(query, whole.fromSeconds, whole.untilSeconds),
    })),
  )
}

function of(owner: Owner, series: readonly Series[], query: string): readonly Series[] {
  return series.filter(({ labels }) => ownerOf(labels, query) === owner)
}

function hasAll(labels: Series['labels'], wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value)
}

/** Where there are groups, the system node beside them is not of interest. */
function ofGroups({ lab, ...groups }: Partial<Record<Owner, Change>>): Partial<Record<Owner, Change>> {
  return Object.keys(groups).length === 0 && lab !== undefined ? { lab } : groups
}

/** What became of the alerts that a row names. */
function ownAlerts({ alerts: names }: Covered, alerts: DisturbanceRecord['alerts']) {
  return Object.fromEntries(
    names.flatMap(name => {
      const state = alerts.experiment?.[name] ?? alerts.lab?.[name]
      return state === undefined ? [] : [[name, state] as const]
    }),
  )
}
