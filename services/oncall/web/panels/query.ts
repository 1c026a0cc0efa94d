import type { Variable } from './dashboard.ts'
import { durationSeconds } from './dashboard.ts'

/** How often Prometheus of the lab asks everything, seconds. */
export const SCRAPE_SECONDS = 5

/** Distances of two points that a person can read off an axis, seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400] as const

/** Prometheus answers at most this many points for a series. */
const MOST_POINTS = 11_000

export type TimeRange = {
  /** Unix seconds. */
  readonly fromSeconds: number
  readonly toSeconds: number
}

/** What a query is filled in with. */
export type QueryContext = {
  readonly range: TimeRange
  /** Distance of two points, seconds. */
  readonly stepSeconds: number
  readonly variables: readonly Variable[]
  /** Chosen values by variable; empty: all. */
  readonly chosen: Readonly<Record<string, readonly string[]>>
}

/**
 * Distance of two points for a panel of so many pixels: as fine as can be seen, not finer than samples come.
 *
 * @param interval least distance the query itself asks for, such as `30s`; empty: none
 */
export function stepSeconds(
  { fromSeconds, toSeconds }: TimeRange,
  widthPixels: number,
  interval: string,
): number {
  const length = Math.max(1, toSeconds - fromSeconds)
  const points = Math.min(MOST_POINTS - 1, Math.max(50, widthPixels / 2))
  const least = Math.max(SCRAPE_SECONDS, durationSeconds(interval) ?? 0, length / points)
  return STEPS.find(step => step >= least) ?? Math.ceil(least / 86_400) * 86_400
}

/** A range whose ends stand on multiples of the step, so that a refresh asks for the same points again. */
export function aligned({ fromSeconds, toSeconds }: TimeRange, step: number): TimeRange {
  return {
    fromSeconds: Math.floor(fromSeconds / step) * step,
    toSeconds: Math.floor(toSeconds / step) * step,
  }
}

/**
 * Puts values into an expression the way Grafana does for Prometheus: `$name`, `${name}`, `${name:format}`,
 * `[[name]]`; `$__rate_interval`, `$__interval`, `$__range` and their kin. A name that nobody knows stays as it is, so
 * that Prometheus' error tells it.
 */
export function substitute(expr: string, context: QueryContext): string {
  const pattern = /\$\{(\w+)(?::([\w-]+))?\}|\[\[(\w+)(?::([\w-]+))?\]\]|\$(\w+)/g
  return expr.replace(pattern, (whole, braced, bracedFormat, bracketed, bracketedFormat, bare) => {
    const name: string = braced ?? bracketed ?? bare
    return builtIn(name, context) ?? filling(name, bracedFormat ?? bracketedFormat ?? '', context) ?? whole
  })
}

function builtIn(name: string, { range, stepSeconds: step }: QueryContext): string | null {
  const seconds = Math.max(1, Math.round(range.toSeconds - range.fromSeconds))
  switch (name) {
    case '__interval':
      return `${step}s`
    case '__interval_ms':
      return String(step * 1000)
    // A rate needs at least two samples in its window, also when one scrape was missed.
    case '__rate_interval':
      return `${Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`
    case '__range':
      return `${seconds}s`
    case '__range_s':
      return String(seconds)
    case '__range_ms':
      return String(seconds * 1000)
    case '__from':
      return String(Math.round(range.fromSeconds * 1000))
    case '__to':
      return String(Math.round(range.toSeconds * 1000))
    default:
      return null
  }
}

function filling(name: string, format: string, { variables, chosen }: QueryContext): string | null {
  const variable = variables.find(one => one.name === name)
  if (variable === undefined) return null
  const picked = chosen[name] ?? variable.chosen
  if (picked.length === 0 && variable.allValue !== null) return variable.allValue
  const values = picked.length === 0 ? variable.values : picked
  if (format === 'raw' || format === 'csv') return values.join(',')
  if (format === 'pipe') return values.join('|')
  // In a matcher `=` a single choice is compared as it is; several can only be a regular expression.
  if (format !== 'regex' && !variable.multi && !variable.includeAll) return quoted(values[0] ?? '')
  const escaped = values.map(regexQuoted)
  if (escaped.length === 0) return '.*'
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`
}

function quoted(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/** Escaped twice: once for the regular expression, once for the string of PromQL that it stands in. */
function regexQuoted(value: string): string {
  return quoted(value.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'))
}

/**
 * Query whose answer has one series for each value of a variable, with the value as its only label.
 *
 * @param range how far back a value may have been seen last
 */
export function variableQuery(query: NonNullable<Variable['query']>, context: QueryContext): string {
  const { metric, label } = query
  const seconds = Math.max(60, Math.round(context.range.toSeconds - context.range.fromSeconds))
  const selector = metric === null || metric === '' ? `{${label}!=""}` : substitute(metric, context)
  return `group by (${label}) (last_over_time(${selector}[${seconds}s]))`
}
