/*
 * A Grafana dashboard (classic schema) as the viewer needs it. Read leniently where Grafana is lenient, since Grafana
 * itself is the other reader of the same files; what the viewer does not know is kept and named, never dropped silently.
 */

export type Dashboard = {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly annotations: readonly AnnotationQuery[]
  readonly panels: readonly Panel[]
  /** Length of the time shown at first, seconds. */
  readonly rangeSeconds: number
  /** Between two refreshes, seconds; 0: none. */
  readonly refreshSeconds: number
}

export type Variable = {
  readonly name: string
  readonly label: string
  /** Asked of Prometheus: values of `label` on the series of `metric`. */
  readonly query: { readonly metric: string | null; readonly label: string } | null
  /** Values that stand in the dashboard. */
  readonly values: readonly string[]
  readonly multi: boolean
  readonly includeAll: boolean
  /** What stands for all of them in a query; null: all of them, listed. */
  readonly allValue: string | null
  /** Chosen at first; empty: all. */
  readonly chosen: readonly string[]
  readonly hidden: boolean
}

export type AnnotationQuery = {
  readonly name: string
  readonly expr: string
  readonly titleFormat: string
}

export type Target = {
  readonly refId: string
  readonly expr: string
  readonly legendFormat: string
  readonly instant: boolean
  readonly format: 'time_series' | 'table' | 'heatmap'
  /** Least distance of two points, such as `30s`; empty: none. */
  readonly interval: string
  /** Whether single requests are marked as well. */
  readonly exemplar: boolean
}

export type Threshold = { readonly value: number | null; readonly color: string }

/** How values are written and drawn: of a panel, or of one of its series after overrides. */
export type FieldSettings = {
  readonly unit: string
  readonly decimals: number | null
  readonly min: number | null
  readonly max: number | null
  readonly noValue: string | null
  readonly displayName: string | null
  readonly thresholds: readonly Threshold[]
  readonly percentageThresholds: boolean
  readonly mappings: readonly ValueMapping[]
  readonly colorMode: string
  readonly fixedColor: string | null
  /** Grafana's `custom` of the field: drawStyle, fillOpacity, stacking, axisPlacement, ... */
  readonly custom: Readonly<Record<string, unknown>>
}

export type ValueMapping =
  | {
      readonly kind: 'value'
      readonly value: string
      readonly text: string | null
      readonly color: string | null
    }
  | {
      readonly kind: 'range'
      readonly from: number
      readonly to: number
      readonly text: string | null
      readonly color: string | null
    }
  | {
      readonly kind: 'special'
      readonly match: string
      readonly text: string | null
      readonly color: string | null
    }

export type Override = {
  readonly matcher: string
  readonly argument: string
  readonly properties: readonly { readonly id: string; readonly value: unknown }[]
}

export type Transformation = { readonly id: string; readonly options: Readonly<Record<string, unknown>> }

export type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description: string
  readonly grid: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly Target[]
  readonly field: FieldSettings
  readonly overrides: readonly Override[]
  readonly options: Readonly<Record<string, unknown>>
  readonly transformations: readonly Transformation[]
}

type Json = Readonly<Record<string, unknown>>

/** @throws TypeError when it is not a dashboard at all */
export function parseDashboard(value: unknown): Dashboard {
  const json = object(value)
  if (!Array.isArray(json.panels)) throw new TypeError('Cannot read the dashboard: it has no list of panels')
  const range = object(json.time)
  return {
    uid: text(json.uid),
    title: text(json.title) || 'Untitled dashboard',
    description: text(json.description),
    variables: list(object(json.templating).list).flatMap(parseVariable),
    annotations: list(object(json.annotations).list).flatMap(parseAnnotation),
    panels: flatten(json.panels).map(parsePanel),
    rangeSeconds: relativeSeconds(text(range.from)) ?? 3600,
    refreshSeconds: durationSeconds(text(json.refresh)) ?? 0,
  }
}

/** Panels of a folded row stand inside it. */
function flatten(panels: readonly unknown[]): Json[] {
  return panels.map(object).flatMap(panel => [panel, ...flatten(list(panel.panels))])
}

function parseVariable(value: unknown): Variable[] {
  const json = object(value)
  const type = text(json.type)
  const name = text(json.name)
  // There is one Prometheus behind this page.
  if (type === 'datasource' || name === '') return []
  const options = list(json.options).map(option => text(object(option).value))
  const query = typeof json.query === 'string' ? json.query : text(object(json.query).query)
  const values =
    type === 'query'
      ? []
      : options.filter(option => option !== '$__all').length > 0
        ? options.filter(option => option !== '$__all')
        : query
            .split(',')
            .map(one => one.trim())
            .filter(one => one !== '')
  const current = object(json.current).value
  const chosen = (Array.isArray(current) ? current : [current]).filter(
    (one): one is string => typeof one === 'string' && one !== '$__all' && one !== '',
  )
  const includeAll = json.includeAll === true
  return [
    {
      name,
      label: text(json.label) || name,
      query: type === 'query' ? labelValues(query) : null,
      values,
      multi: json.multi === true,
      includeAll,
      allValue: text(json.allValue) || null,
      chosen: chosen.length === 0 && !includeAll ? values.slice(0, 1) : chosen,
      hidden: json.hide === 2,
    },
  ]
}

/** Reads `label_values(metric, label)` and `label_values(label)`; the metric may have matchers with commas. */
function labelValues(query: string): Variable['query'] {
  const inside = /^\s*label_values\((.*)\)\s*$/s.exec(query)?.[1]
  if (inside === undefined) return null
  const split = /^(.*),\s*([A-Za-z_]\w*)\s*$/s.exec(inside)
  return split === null
    ? { metric: null, label: inside.trim() }
    : { metric: (split[1] ?? '').trim(), label: split[2] ?? '' }
}

function parseAnnotation(value: unknown): AnnotationQuery[] {
  const json = object(value)
  const expr = text(json.expr) || text(object(json.target).expr)
  if (expr === '' || json.enable === false) return []
  return [{ name: text(json.name), expr, titleFormat: text(json.titleFormat) || text(json.textFormat) }]
}

function parsePanel(json: Json): Panel {
  const grid = object(json.gridPos)
  const fieldConfig = object(json.fieldConfig)
  return {
    id: number(json.id) ?? 0,
    type: text(json.type),
    title: text(json.title),
    description: text(json.description),
    grid: {
      x: number(grid.x) ?? 0,
      y: number(grid.y) ?? 0,
      w: Math.max(1, number(grid.w) ?? 24),
      h: Math.max(1, number(grid.h) ?? 8),
    },
    targets: list(json.targets)
      .map(parseTarget)
      .filter(({ expr }) => expr !== ''),
    field: parseField(object(fieldConfig.defaults)),
    overrides: list(fieldConfig.overrides).map(parseOverride),
    options: object(json.options),
    transformations: list(json.transformations)
      .map(object)
      .filter(({ disabled }) => disabled !== true)
      .map(({ id, options }) => ({ id: text(id), options: object(options) })),
  }
}

function parseTarget(value: unknown, index: number): Target {
  const json = object(value)
  const format = text(json.format)
  return {
    refId: text(json.refId) || String.fromCharCode(65 + index),
    expr: json.hide === true ? '' : text(json.expr),
    legendFormat: text(json.legendFormat),
    instant: json.instant === true && json.range !== true,
    format: format === 'table' || format === 'heatmap' ? format : 'time_series',
    interval: text(json.interval),
    exemplar: json.exemplar === true,
  }
}

function parseField(json: Json): FieldSettings {
  const thresholds = object(json.thresholds)
  const color = object(json.color)
  return {
    unit: text(json.unit),
    decimals: number(json.decimals),
    min: number(json.min),
    max: number(json.max),
    noValue: text(json.noValue) || null,
    displayName: text(json.displayName) || null,
    thresholds: list(thresholds.steps).map(step => ({
      value: number(object(step).value),
      color: text(object(step).color),
    })),
    percentageThresholds: thresholds.mode === 'percentage',
    mappings: list(json.mappings).flatMap(parseMapping),
    colorMode: text(color.mode),
    fixedColor: text(color.fixedColor) || null,
    custom: object(json.custom),
  }
}

function parseMapping(value: unknown): ValueMapping[] {
  const { type, options: given } = object(value)
  const options = object(given)
  const result = (one: unknown) => ({
    text: typeof object(one).text === 'string' ? text(object(one).text) : null,
    color: text(object(one).color) || null,
  })
  if (type === 'value') {
    return Object.entries(options).map(([key, one]) => ({ kind: 'value', value: key, ...result(one) }))
  }
  if (type === 'range') {
    const from = number(options.from) ?? Number.NEGATIVE_INFINITY
    const to = number(options.to) ?? Number.POSITIVE_INFINITY
    return [{ kind: 'range', from, to, ...result(options.result) }]
  }
  if (type === 'special') return [{ kind: 'special', match: text(options.match), ...result(options.result) }]
  return []
}

function parseOverride(value: unknown): Override {
  const { matcher: given, properties } = object(value)
  const matcher = object(given)
  const argument = matcher.options
  return {
    matcher: text(matcher.id),
    argument: typeof argument === 'string' ? argument : JSON.stringify(argument ?? ''),
    properties: list(properties).map(property => ({
      id: text(object(property).id),
      value: object(property).value,
    })),
  }
}

/** Settings of one series after the overrides that match it; later ones win. */
export function settingsOf(panel: Panel, name: string, refId: string): FieldSettings {
  let settings = panel.field
  for (const { matcher, argument, properties } of panel.overrides) {
    if (!matches(matcher, argument, name, refId)) continue
    for (const { id, value } of properties) settings = overridden(settings, id, value)
  }
  return settings
}

function matches(matcher: string, argument: string, name: string, refId: string): boolean {
  if (matcher === 'byName') return argument === name
  if (matcher === 'byFrameRefID') return argument === refId
  if (matcher === 'byRegexp') {
    const [, pattern, flags] = /^\/(.*)\/([a-z]*)$/s.exec(argument) ?? [null, argument, '']
    try {
      return new RegExp(pattern ?? '', flags).test(name)
    } catch {
      return false
    }
  }
  if (matcher === 'byNames') return argument.includes(JSON.stringify(name))
  return false
}

function overridden(settings: FieldSettings, id: string, value: unknown): FieldSettings {
  if (id.startsWith('custom.')) return { ...settings, custom: { ...settings.custom, [id.slice(7)]: value } }
  if (id === 'thresholds' || id === 'color' || id === 'mappings') {
    const read = parseField({ [id]: value })
    if (id === 'mappings') return { ...settings, mappings: read.mappings }
    if (id === 'color') return { ...settings, colorMode: read.colorMode, fixedColor: read.fixedColor }
    return { ...settings, thresholds: read.thresholds, percentageThresholds: read.percentageThresholds }
  }
  if (['unit', 'displayName', 'noValue'].includes(id)) return { ...settings, [id]: text(value) }
  if (['decimals', 'min', 'max'].includes(id)) return { ...settings, [id]: number(value) }
  return settings
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  ms: 0.001,
}

/** `30s`, `5m`, `1h30m`; null when it is something else. Seconds. */
export function durationSeconds(duration: string): number | null {
  if (!/^(\d+(ms|[smhdw]))+$/.test(duration)) return null
  return [...duration.matchAll(/(\d+)(ms|[smhdw])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  )
}

function relativeSeconds(from: string): number | null {
  const duration = /^now-(.+)$/.exec(from)?.[1]
  return duration === undefined ? null : durationSeconds(duration)
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
