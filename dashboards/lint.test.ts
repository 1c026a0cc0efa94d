import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { promtools } from '../alerts/promtool.ts'
import { dashboard } from './dashboard.ts'
import { dashboardFiles, dashboards } from './files.ts'
import { knownMetrics } from './known-metrics.ts'
import { lint, panelsOf, RULES, targetsOf } from './lint.ts'
import { bars, stat, table, timeSeries } from './panels/panel.ts'
import { askedBy } from './viewed.ts'

/** A bare machine fetches it first. */
const PROMTOOL_TIMEOUT_MS = 120_000

const METRICS = knownMetrics()
const ABOUT = { description: 'It shows something.', unit: 'count' } as const
const FINE = {
  ...ABOUT,
  title: 'Requests',
  queries: [
    {
      expr: 'sum by (group) (rate(k6_http_reqs_total{group=~"$group"}[$__rate_interval]))',
      legend: '{{group}}',
    },
  ],
} as const

const page = (...panels: Panel[]): Dashboard =>
  dashboard({
    uid: 'a-page',
    title: 'A page',
    description: 'For a test.',
    choices: ['group'],
    sections: [{ title: 'A section', panels }],
  })
const asking = (expr: string, legend = 'x') =>
  page(timeSeries(FINE), timeSeries({ ...FINE, title: 'Another', queries: [{ expr, legend }] }))
const changed = (change: (one: Panel) => Partial<Panel>): Dashboard => {
  const one = timeSeries(FINE)
  return page({ ...one, ...change(one) })
}

/** Of each rule, a page that breaks it. */
const BROKEN: Readonly<Record<string, Dashboard>> = {
  'page-identity': { ...page(timeSeries(FINE)), uid: 'A page' },
  'page-uneditable': { ...page(timeSeries(FINE)), editable: true },
  'page-time-and-refresh': { ...page(timeSeries(FINE)), refresh: '' },
  'page-links': { ...page(timeSeries(FINE)), links: [] },
  'page-attacks': { ...page(timeSeries(FINE)), annotations: { list: [] } },
  'template-datasource': { ...page(timeSeries(FINE)), templating: { list: [] } },
  'template-choices': withVariable({ type: 'custom', name: 'group', multi: false }),
  'template-queries': withVariable({ type: 'query', name: 'zone', query: 'up', refresh: 0 }),
  'template-used': asking('up{node="$node"}'),
  'panel-ids': page({ ...timeSeries(FINE), title: 'Requests' }, timeSeries(FINE)),
  'panel-titles': page(timeSeries(FINE), timeSeries(FINE)),
  'panel-grid': moved({ x: 20, y: 1, w: 8, h: 8 }),
  'panel-kind': changed(() => ({ type: 'piechart' })),
  'panel-datasource': changed(() => ({ datasource: { type: 'prometheus', uid: 'p1' } })),
  'panel-title-description': page(timeSeries({ ...FINE, description: 'No sentence' })),
  'panel-units': changed(() => ({ fieldConfig: { defaults: { unit: 'parsecs' }, overrides: [] } })),
  'panel-no-targets': changed(() => ({ targets: [] })),
  'panel-ref-ids': changed(one => ({ targets: [...(one.targets ?? []), ...(one.targets ?? [])] })),
  'panel-legends': page(
    timeSeries({ ...FINE, queries: [FINE.queries[0], { expr: FINE.queries[0].expr, legend: '{{group}}' }] }),
  ),
  'target-promql': asking('sum(up{group=~"$group"}'),
  'target-datasource': changed(one => ({
    targets: targetsOf(one).map(target => ({ ...target, datasource: { uid: 'p1' } })),
  })),
  'target-metrics-known': asking('sum(invented_total{group=~"$group"})'),
  'target-rate-interval': asking('rate(k6_http_reqs_total{group=~"$group"}[5m])'),
  'target-counter-rated': asking('sum(k6_http_reqs_total{group=~"$group"})'),
  'target-group': asking('sum(container_processes)'),
  'target-aggregation-keeps-group': asking(
    'sum by (le) (rate(gateway_request_duration_seconds_bucket{group=~"$group"}[$__rate_interval]))',
  ),
  'target-quantile-keeps-le': asking(
    'histogram_quantile(0.9, sum by (group) (rate(gateway_request_duration_seconds_bucket{group="control"}[$__rate_interval])))',
  ),
  'target-legend-labels': asking('sum by (group) (up{group=~"$group"})', '{{zone}}'),
  'target-exemplars': asking(
    'histogram_quantile(0.9, sum by (le) (rate(gateway_request_duration_seconds_bucket{group="control"}[$__rate_interval])))',
  ),
  'target-instant': changed(() => ({ type: 'stat' })),
}

function withVariable(variable: { type: string; name: string; [key: string]: unknown }): Dashboard {
  const fine = page(timeSeries(FINE))
  return { ...fine, templating: { list: [...(fine.templating.list ?? []), variable] } } as Dashboard
}

function moved(gridPos: { x: number; y: number; w: number; h: number }): Dashboard {
  const fine = page(timeSeries(FINE))
  return {
    ...fine,
    panels: (fine.panels ?? []).map(panel => (panel.type === 'row' ? panel : { ...panel, gridPos })),
  }
}

describe('lint()', () => {
  test('has nothing to say about panels of every kind that keep to the rules', () => {
    const { expr } = FINE.queries[0]
    const all = page(
      timeSeries(FINE),
      stat({ ...FINE, title: 'Now' }),
      bars({ ...FINE, title: 'Bars' }),
      table({ ...ABOUT, title: 'Rows', expr, columns: { group: 'Group' }, value: null }),
    )
    expect(lint(all, METRICS)).toEqual([])
  })

  test.each(RULES.map(({ name }) => name))('finds a page that breaks %s', name => {
    const broken = BROKEN[name]
    expect(broken && lint(broken, METRICS).filter(problem => problem.includes(`: ${name}: `))).not.toEqual([])
  })

  test('finds panels that cover each other', () => {
    const fine = page(timeSeries(FINE), timeSeries({ ...FINE, title: 'Another' }))
    const covering = (fine.panels ?? []).map(panel => ({ ...panel, gridPos: { x: 0, y: 1, w: 8, h: 8 } }))
    expect(lint({ ...fine, panels: covering }, METRICS)).toContain(
      "A page: panel-grid: 'Requests' covers 'Another'",
    )
  })
})

const pages = dashboards()

describe('dashboards()', () => {
  test.each(pages.map(one => [one.title, one] as const))('keep to the rules: %s', (_, one) => {
    expect(lint(one, METRICS)).toEqual([])
  })

  test('have addresses and titles of their own', () => {
    expect(new Set(pages.map(({ uid }) => uid)).size).toBe(pages.length)
    expect(new Set(pages.map(({ title }) => title)).size).toBe(pages.length)
  })

  test('show control, experiment and their difference of every signal on the front page', () => {
    const signals = panelsOf(pages[0] as Dashboard).filter(({ type }) => type !== 'table')
    expect(signals.length).toBeGreaterThan(10)
    for (const panel of signals) {
      const [control, experiment, difference, ...rest] = targetsOf(panel)
      expect([control, experiment, difference].map(target => target?.legendFormat)).toEqual([
        'control',
        'experiment',
        'difference',
      ])
      expect(rest).toEqual([])
      expect(experiment?.expr).toBe(control?.expr.replaceAll('"control"', '"experiment"'))
      expect(difference?.expr).toBe(`(${experiment?.expr}) - (${control?.expr})`)
    }
  })

  test(
    'ask what Prometheus can read',
    async () => {
      const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'divergence')
      const { promtool } = await promtools(cache)
      const view = { fromSeconds: 1_000, toSeconds: 1_900, stepSeconds: 15 }
      const rules = pages
        .flatMap(one => askedBy(one, view))
        .map(({ query }, index) => ({
          record: `panel:query_${index}:check`,
          expr: query,
        }))
      const folder = mkdtempSync(join(tmpdir(), 'panels-'))
      try {
        const file = join(folder, 'panels.yml')
        writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }))
        const output = execFileSync(promtool, ['check', 'rules', file], { encoding: 'utf8' })
        expect(output).toContain(`${rules.length} rules found`)
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    PROMTOOL_TIMEOUT_MS,
  )
})

describe('dashboardFiles()', () => {
  test('gives the same bytes each time, under the name of the page', () => {
    expect(dashboardFiles()).toEqual(dashboardFiles())
    for (const [uid, text] of Object.entries(dashboardFiles())) expect(JSON.parse(text).uid).toBe(uid)
  })

  test('fits into what Kubernetes keeps in one object', () => {
    for (const text of Object.values(dashboardFiles())) expect(text.length).toBeLessThan(900_000)
  })
})
