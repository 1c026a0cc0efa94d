import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus'
import { labelsKept, type Selector, selectorsOf } from '../alerts/promql.ts'
import { GRID_COLUMNS, UNITS } from './panels/panel.ts'
import { DATASOURCE } from './variables.ts'

/** What is known of a metric. */
export type Metric = {
  /** counter, gauge, histogram, ... */
  readonly type: string
  /** Whether its series carry `group`: of all but the load generator's own and those about the probes' own host. */
  readonly hasGroup: boolean
}

export type Rule = {
  readonly name: string
  /** What is wrong, one sentence each; empty when nothing is. */
  readonly check: (page: Dashboard, metrics: ReadonlyMap<string, Metric>) => readonly string[]
}

/** Panels that show something; rows only divide the page. */
export function panelsOf(page: Dashboard): readonly Panel[] {
  return (page.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row')
}

export function targetsOf(panel: Panel): readonly Dataquery[] {
  return (panel.targets ?? []) as Dataquery[]
}

/** Name of a metric without what a histogram adds to it, if there is such a histogram. */
export function baseMetric(name: string, metrics: ReadonlyMap<string, Metric>): string {
  const base = name.replace(/_(bucket|count|sum)$/, '')
  return metrics.has(name) || !metrics.has(base) ? name : base
}

const panelRule = (name: string, check: (panel: Panel) => readonly string[]): Rule => ({
  name,
  check: page => panelsOf(page).flatMap(panel => check(panel).map(problem => `'${panel.title}': ${problem}`)),
})

const targetRule = (
  name: string,
  check: (target: Dataquery, metrics: ReadonlyMap<string, Metric>, panel: Panel) => readonly string[],
): Rule => ({
  name,
  check: (page, metrics) =>
    panelsOf(page).flatMap(panel =>
      targetsOf(panel).flatMap(target =>
        check(target, metrics, panel).map(problem => `'${panel.title}' ${target.refId}: ${problem}`),
      ),
    ),
})

const when = (isWrong: boolean, problem: string): readonly string[] => (isWrong ? [problem] : [])

/** Of values that must differ: those that do not. */
function repeated(values: readonly (string | number | undefined)[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index).map(value => `'${value}' twice`)
}

const PAGE_RULES: readonly Rule[] = [
  {
    name: 'page-identity',
    check: page => [
      ...when(!/^[a-z0-9-]{1,40}$/.test(page.uid ?? ''), `uid '${page.uid}' is no name for an address`),
      ...when(!page.title, 'there is no title'),
      ...when(!page.description, 'there is no description'),
    ],
  },
  { name: 'page-uneditable', check: page => when(page.editable !== false, 'it can be edited') },
  {
    name: 'page-time-and-refresh',
    check: page => when(!page.time?.from || !page.refresh, 'it has no time range or no refresh'),
  },
  {
    name: 'page-links',
    check: page =>
      when(
        !page.links?.some(
          ({ type, tags, includeVars, keepTime }) =>
            type === 'dashboards' && includeVars && keepTime && tags.every(tag => page.tags?.includes(tag)),
        ),
        'it has no links to the others that keep choices and time',
      ),
  },
  {
    name: 'page-attacks',
    check: page =>
      when(
        !page.annotations.list?.some(({ expr, enable }) => enable && expr?.includes('attack_active')),
        'it does not mark attacks',
      ),
  },
  {
    name: 'template-datasource',
    check: ({ templating }) => {
      const found = templating.list?.find(({ type }) => type === 'datasource')
      return when(
        found?.name !== 'datasource' || found.query !== 'prometheus' || !found.label,
        'there is no labelled data source variable "datasource" for Prometheus',
      )
    },
  },
  {
    name: 'template-choices',
    check: ({ templating }) =>
      (templating.list ?? [])
        .filter(({ type }) => type !== 'datasource')
        .flatMap(({ name, label, multi, includeAll, allValue }) =>
          when(
            !label || !multi || !includeAll || allValue !== '.*',
            `variable '${name}' needs a label, many values, and all of them as '.*'`,
          ),
        ),
  },
  {
    name: 'template-queries',
    check: ({ templating }) =>
      (templating.list ?? [])
        .filter(({ type }) => type === 'query')
        .flatMap(({ name, query, refresh, datasource }) => [
          ...when(!/^label_values\(\w+, \w+\)$/.test(String(query)), `'${name}' asks '${query}'`),
          ...when(refresh !== 2, `'${name}' is not asked again when the time changes`),
          ...when(datasource?.uid !== DATASOURCE.uid, `'${name}' asks another data source`),
        ]),
  },
  {
    name: 'template-used',
    check: page => {
      const text = panelsOf(page)
        .flatMap(panel => targetsOf(panel).map(({ expr }) => expr))
        .join('\n')
      const offered = (page.templating.list ?? [])
        .map(({ name }) => name)
        .filter(name => name !== 'datasource')
      const asked = new Set([...text.matchAll(/\$([a-z]\w*)/g)].map(match => match[1] ?? ''))
      return [
        ...offered.filter(name => !asked.has(name)).map(name => `'${name}' is offered and changes nothing`),
        ...[...asked]
          .filter(name => !offered.includes(name))
          .map(name => `'${name}' is used and not offered`),
      ]
    },
  },
  {
    name: 'panel-ids',
    check: page => [
      ...repeated((page.panels ?? []).map(({ id }) => id)),
      ...(page.panels ?? []).flatMap(({ id, title }) => when(!id || id < 1, `'${title}' has no id`)),
    ],
  },
  { name: 'panel-titles', check: page => repeated(panelsOf(page).map(({ title }) => title)) },
  { name: 'panel-grid', check: page => overlaps(page.panels ?? []) },
]

function overlaps(panels: readonly (Panel | RowPanel)[]): readonly string[] {
  const places = panels.map(({ title, gridPos }) => ({ title, ...(gridPos ?? { x: 0, y: 0, w: 0, h: 0 }) }))
  const outside = places.filter(({ x, w, h }) => x < 0 || w < 1 || h < 1 || x + w > GRID_COLUMNS)
  const pairs = places.flatMap((one, index) => places.slice(index + 1).map(other => [one, other] as const))
  return [
    ...outside.map(({ title }) => `'${title}' is outside the grid`),
    ...pairs
      .filter(([a, b]) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
      .map(([a, b]) => `'${a.title}' covers '${b.title}'`),
  ]
}

const KINDS = ['timeseries', 'stat', 'bargauge', 'heatmap', 'table']

const PANEL_RULES: readonly Rule[] = [
  panelRule('panel-kind', ({ type }) => when(!KINDS.includes(type), `no viewer draws '${type}'`)),
  panelRule('panel-datasource', panel =>
    when(panel.datasource?.uid !== DATASOURCE.uid, 'it does not ask the chosen data source'),
  ),
  panelRule('panel-title-description', ({ title, description }) =>
    when(
      !title || !description || !/[.]$/.test(description),
      'it needs a title, and a description in sentences',
    ),
  ),
  panelRule('panel-units', panel => {
    const unit = panel.fieldConfig?.defaults.unit
    return when(!(Object.values(UNITS) as unknown[]).includes(unit), `its unit is '${unit}'`)
  }),
  panelRule('panel-no-targets', panel => when(targetsOf(panel).length === 0, 'it asks nothing')),
  panelRule('panel-ref-ids', panel => repeated(targetsOf(panel).map(({ refId }) => refId))),
  panelRule('panel-legends', panel => {
    if (panel.type === 'table') return []
    const legends = targetsOf(panel).map(({ legendFormat }) => legendFormat)
    return [...repeated(legends), ...when(legends.includes(undefined), 'a query has no legend')]
  }),
]

/** An expression that cannot be read breaks one rule, not all of them. */
function readable(expression: string): readonly Selector[] {
  try {
    return selectorsOf(expression)
  } catch {
    return []
  }
}

/** Labels of which each value belongs to one group, or that are chosen with care. */
const GROUP_TELLING = ['group', 'namespace', 'job', 'service', 'node', 'run']

type Aggregation = {
  /** Without what stands in its brackets, such as `sum by (le)`. */
  readonly text: string
  readonly body: string
  readonly keeps: (label: string) => boolean
}

/** Those whose series are others than the ones they are made of; `topk` and its like only leave some out. */
const AGGREGATION =
  /\b(?:sum|min|max|avg|group|stddev|stdvar|count|count_values|quantile)\s*(?:\b(by|without)\s*\(([^)]*)\)\s*)?\(/g
const GROUPING_AFTER = /^\s*(by|without)\s*\(([^)]*)\)/

/** Every aggregation of an expression, also those within others; the labels it keeps may stand on either side of it. */
function aggregationsOf(expression: string): readonly Aggregation[] {
  return [...expression.matchAll(AGGREGATION)].map(match => {
    const [opening, word, list] = match
    const from = match.index + opening.length
    const end = closingBracket(expression, from)
    const [, wordAfter, listAfter = ''] = GROUPING_AFTER.exec(expression.slice(end + 1)) ?? []
    const labels = (list ?? listAfter).split(',').map(label => label.trim())
    const isBy = (word ?? wordAfter ?? 'by') === 'by'
    return {
      text: opening.slice(0, -1).trim(),
      body: expression.slice(from, end),
      keeps: label => labels.includes(label) === isBy,
    }
  })
}

/** Where the bracket is closed that was opened before `from`; the end when it never is. */
function closingBracket(expression: string, from: number): number {
  let open = 1
  for (let at = from; at < expression.length; at++) {
    if (expression[at] === '(') open++
    if (expression[at] === ')' && --open === 0) return at
  }
  return expression.length
}

/** Labels of which each value belongs to one group. */
const ONE_GROUP_EACH = ['group', 'namespace', 'node']

/** Metrics of the services that both groups share: they have one group only, whatever is chosen. */
const OF_SHARED_SERVICES = /^(alertmanager|oncall|prometheus|zipkin)_/

function isOfChosenGroups({ metric, matchers }: Selector): boolean {
  const isChosen = matchers.some(({ label, operator }) => label === 'group' && operator === '=~')
  return isChosen && !OF_SHARED_SERVICES.test(metric)
}

const RATES = ['rate', 'irate', 'increase', 'delta', 'deriv']

const TARGET_RULES: readonly Rule[] = [
  targetRule('target-promql', ({ expr }) => {
    try {
      return when(selectorsOf(expr).length === 0, 'it asks for no metric')
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)]
    }
  }),
  targetRule('target-datasource', ({ datasource }) =>
    when(datasource?.uid !== DATASOURCE.uid, 'it does not ask the chosen data source'),
  ),
  targetRule('target-metrics-known', ({ expr }, metrics) =>
    readable(expr)
      .map(({ metric }) => metric)
      .filter(metric => !metrics.has(baseMetric(metric, metrics)))
      .map(metric => `'${metric}' is not among the signals`),
  ),
  targetRule('target-rate-interval', ({ expr }) =>
    readable(expr)
      .filter(
        ({ within, range }) =>
          RATES.includes(within.at(-1) ?? '') && !['$__rate_interval', '$__range'].includes(range ?? ''),
      )
      .map(({ metric, range }) => `'${metric}' is rated over '${range}'`),
  ),
  targetRule('target-counter-rated', ({ expr }, metrics) =>
    readable(expr)
      .filter(({ metric }) => isCounter(metric, metrics))
      .filter(({ within }) => ![...RATES, 'last_over_time'].includes(within.at(-1) ?? ''))
      .map(({ metric }) => `'${metric}' only grows, and begins again with its process`),
  ),
  targetRule('target-group', ({ expr }, metrics) =>
    readable(expr)
      .filter(({ metric }) => metrics.get(baseMetric(metric, metrics))?.hasGroup)
      .filter(({ matchers }) => !matchers.some(({ label }) => GROUP_TELLING.includes(label)))
      .filter(() => !labelsKept(expr)?.some(label => GROUP_TELLING.includes(label)))
      .map(({ metric }) => `'${metric}' of both groups is thrown together`),
  ),
  targetRule('target-aggregation-keeps-group', ({ expr }, _, { type }) =>
    // A single figure may be of all that is chosen; what is drawn over time is there to be compared.
    type !== 'timeseries' && type !== 'heatmap'
      ? []
      : aggregationsOf(expr)
          .filter(({ body, keeps }) => readable(body).some(isOfChosenGroups) && !ONE_GROUP_EACH.some(keeps))
          .map(({ text }) => `'${text}' throws the chosen groups together`),
  ),
  targetRule('target-quantile-keeps-le', ({ expr }) =>
    readable(expr)
      .filter(({ metric, within }) => metric.endsWith('_bucket') && within[0] === 'histogram_quantile')
      .filter(() => !labelsKept(expr)?.includes('le'))
      .map(({ metric }) => `'${metric}' loses its buckets`),
  ),
  targetRule('target-legend-labels', ({ expr, legendFormat }) => {
    const kept = labelsKept(expr)
    const used = [...(legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/g)].map(match => match[1] ?? '')
    return used
      .filter(label => kept !== null && !kept.includes(label))
      .map(label => `'${label}' is summed away`)
  }),
  targetRule('target-exemplars', ({ expr, exemplar }, _, panel) =>
    when(
      panel.type === 'timeseries' && /_bucket\b/.test(expr) && !expr.includes(' - (') && exemplar !== true,
      'it shows latency without requests to look at',
    ),
  ),
  targetRule('target-instant', ({ instant, range, format }, _, { type }) =>
    when(
      ['stat', 'bargauge', 'table'].includes(type)
        ? !instant || range === true
        : range !== true || format === 'table',
      `a ${type} is asked for in the wrong way`,
    ),
  ),
]

function isCounter(metric: string, metrics: ReadonlyMap<string, Metric>): boolean {
  const base = baseMetric(metric, metrics)
  const type = metrics.get(base)?.type
  return type === 'counter' || (type === 'histogram' && base !== metric)
}

/**
 * What every dashboard keeps to; a rule's name is what it looks at. Grafana's own linter has four more: `template-job-rule`,
 * `template-instance-rule`, `target-job-rule` and `target-instance-rule`. Here `group` and `zone` take the place of job and
 * instance (`template-choices`, `target-group`): one chooses between twins and zones; addresses come and go with pods.
 */
export const RULES: readonly Rule[] = [...PAGE_RULES, ...PANEL_RULES, ...TARGET_RULES]

/** What is wrong with a page, by rule. */
export function lint(page: Dashboard, metrics: ReadonlyMap<string, Metric>): readonly string[] {
  return RULES.flatMap(({ name, check }) =>
    check(page, metrics).map(problem => `${page.title}: ${name}: ${problem}`),
  )
}
