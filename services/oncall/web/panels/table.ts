import type { Tokens } from '../tokens.ts'
import { namedColour } from './colours.ts'
import { type Panel, settingsOf, type Transformation } from './dashboard.ts'
import type { Series } from './result.ts'
import { display, thresholdColor } from './units.ts'

type Value = string | number | null
type Column = { readonly name: string; readonly refId: string; readonly values: readonly Value[] }

export type TableCell = { readonly text: string; readonly numeric: boolean; readonly colour: string | null }
export type Table = {
  readonly columns: readonly { readonly name: string; readonly numeric: boolean }[]
  readonly rows: readonly (readonly TableCell[])[]
  /** Transformations that this viewer does not know: the table differs from Grafana's by them. */
  readonly unknown: readonly string[]
}

/** Rows past this number are not drawn. */
const MOST_ROWS = 500

/** A table panel: one row for each series, its labels and its last value as columns, then the transformations. */
export function tableOf(panel: Panel, series: readonly Series[], tokens: Tokens, nowMs: number): Table {
  const unknown: string[] = []
  const single = new Set(panel.targets.map(({ refId }) => refId)).size <= 1
  let columns = columnsOf(series, single)
  for (const transformation of panel.transformations) {
    const next = transformed(columns, transformation)
    if (next === null) unknown.push(transformation.id)
    else columns = next
  }
  const count = Math.min(MOST_ROWS, columns[0]?.values.length ?? 0)
  const fields = columns.map(({ name, refId }) => settingsOf(panel, name, refId))
  const numeric = columns.map(({ values }) => values.some(value => typeof value === 'number'))
  const rows = Array.from({ length: count }, (_, row) =>
    columns.map(({ values, name }, index) => {
      const value = values[row] ?? null
      const field = fields[index] ?? panel.field
      if (typeof value === 'string') return { ...mapped(value, field.mappings, tokens), numeric: false }
      if (name === 'Time' && value !== null) {
        return {
          text: new Date(value).toISOString().replace('T', ' ').slice(0, 19),
          numeric: false,
          colour: null,
        }
      }
      const shown = display(value, field, nowMs)
      const cell = field.custom.cellOptions as { type?: string } | undefined
      const byThreshold = cell?.type?.startsWith('color') ? thresholdColor(value, field) : null
      return { text: shown.text, numeric: true, colour: namedColour(shown.color ?? byThreshold, tokens) }
    }),
  )
  return {
    columns: columns.map(({ name }, index) => ({
      name: fields[index]?.displayName ?? name,
      numeric: numeric[index] ?? false,
    })),
    rows,
    unknown,
  }
}

function mapped(value: string, mappings: Panel['field']['mappings'], tokens: Tokens) {
  const mapping = mappings.find(one => one.kind === 'value' && one.value === value)
  return { text: mapping?.text ?? value, colour: namedColour(mapping?.color ?? null, tokens) }
}

/** All answers side by side: one row for each set of labels, a value column for each query. */
function columnsOf(series: readonly Series[], single: boolean): Column[] {
  const labels = [...new Set(series.flatMap(one => Object.keys(one.labels)))].filter(
    label => label !== '__name__',
  )
  const refIds = [...new Set(series.map(({ refId }) => refId))]
  const rows = new Map<
    string,
    { labels: Series['labels']; time: number | null; values: Map<string, Value> }
  >()
  for (const { labels: own, refId, points } of series) {
    const { __name__: _, ...rest } = own
    const key = JSON.stringify(Object.entries(rest).sort())
    const row = rows.get(key) ?? { labels: rest, time: null, values: new Map() }
    const last = points.findLast(([, value]) => value !== null)
    row.values.set(refId, last?.[1] ?? null)
    row.time = last === undefined ? row.time : last[0] * 1000
    rows.set(key, row)
  }
  const all = [...rows.values()]
  return [
    { name: 'Time', refId: '', values: all.map(({ time }) => time) },
    ...labels.map(label => ({ name: label, refId: '', values: all.map(row => row.labels[label] ?? null) })),
    ...refIds.map(refId => ({
      name: single ? 'Value' : `Value #${refId}`,
      refId,
      values: all.map(({ values }) => values.get(refId) ?? null),
    })),
  ]
}

function transformed(columns: readonly Column[], { id, options }: Transformation): Column[] | null {
  switch (id) {
    // Done by `columnsOf` for every table.
    case 'merge':
    case 'joinByField':
    case 'labelsToFields':
    case 'timeSeriesTable':
    case 'seriesToRows':
      return [...columns]
    case 'organize':
      return organized(columns, options)
    case 'filterFieldsByName':
      return filtered(columns, options)
    case 'sortBy':
      return sorted(columns, options)
    case 'limit':
      return columns.map(column => ({
        ...column,
        values: column.values.slice(0, Number(options.limitField ?? 10)),
      }))
    default:
      return null
  }
}

function organized(columns: readonly Column[], options: Transformation['options']): Column[] {
  const excluded = (options.excludeByName ?? {}) as Record<string, boolean>
  const included = (options.includeByName ?? {}) as Record<string, boolean>
  const renamed = (options.renameByName ?? {}) as Record<string, string>
  const places = (options.indexByName ?? {}) as Record<string, number>
  const onlyIncluded = Object.values(included).some(Boolean)
  const kept = columns.filter(
    ({ name }) => excluded[name] !== true && (!onlyIncluded || included[name] === true),
  )
  const place = ({ name }: Column) => places[name] ?? Number.MAX_SAFE_INTEGER
  return [...kept]
    .sort((one, other) => place(one) - place(other))
    .map(column => ({ ...column, name: renamed[column.name] || column.name }))
}

function filtered(columns: readonly Column[], options: Transformation['options']): Column[] {
  const include = (options.include ?? {}) as { names?: string[]; pattern?: string }
  const exclude = (options.exclude ?? {}) as { names?: string[]; pattern?: string }
  const listed = (name: string, { names, pattern }: { names?: string[]; pattern?: string }) =>
    names?.includes(name) === true || (pattern !== undefined && new RegExp(pattern).test(name))
  const restricts = include.names !== undefined || include.pattern !== undefined
  return columns.filter(({ name }) => (!restricts || listed(name, include)) && !listed(name, exclude))
}

function sorted(columns: readonly Column[], options: Transformation['options']): Column[] {
  const [by] = (options.sort ?? []) as { field?: string; desc?: boolean }[]
  const key = columns.find(({ name }) => name === by?.field)
  if (key === undefined) return [...columns]
  const order = key.values
    .map((_, index) => index)
    .sort((one, other) => compare(key.values[one], key.values[other]))
  if (by?.desc) order.reverse()
  return columns.map(column => ({ ...column, values: order.map(index => column.values[index] ?? null) }))
}

function compare(one: Value | undefined, other: Value | undefined): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one ?? '').localeCompare(String(other ?? ''))
}
