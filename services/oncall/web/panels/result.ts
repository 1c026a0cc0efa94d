/** What Prometheus answered, as series with names. */

export type Labels = Readonly<Record<string, string>>

/** Unix seconds and the value; null where there is none. */
export type Point = readonly [number, number | null]

export type Series = {
  readonly refId: string
  readonly name: string
  readonly labels: Labels
  readonly points: readonly Point[]
}

/**
 * Reads an answer of `query` or `query_range`.
 *
 * @throws TypeError when it is not an answer of Prometheus; Error with Prometheus' words when it refused
 */
export function parseAnswer(answer: unknown, refId: string, legendFormat: string): Series[] {
  const { status, error, detail, data } = answer as Record<string, unknown>
  if (status === 'error') throw new Error(String(error))
  if (status !== 'success') throw new TypeError(String(detail ?? 'The answer is not one of Prometheus'))
  const { resultType, result } = data as { resultType: string; result: unknown }
  if (resultType === 'scalar' || resultType === 'string') {
    return [{ refId, name: legendFormat || refId, labels: {}, points: [point(result as [number, string])] }]
  }
  const rows = result as { metric?: Labels; values?: [number, string][]; value?: [number, string] }[]
  return rows.map(({ metric = {}, values, value }) => ({
    refId,
    name: legend(metric, legendFormat) || refId,
    labels: metric,
    points: (values ?? (value === undefined ? [] : [value])).map(point),
  }))
}

/** Not-a-number is a gap; Prometheus writes infinity as `+Inf`. */
function point([seconds, text]: readonly [number, string]): Point {
  const value =
    text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text)
  return [seconds, Number.isNaN(value) ? null : value]
}

/** `{{label}}` of a legend filled in; without a format, the labels as Prometheus writes them. */
export function legend(labels: Labels, format: string): string {
  if (format !== '' && format !== '__auto') {
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '').trim()
  }
  const { __name__: name = '', ...rest } = labels
  const pairs = Object.entries(rest).map(([label, value]) => `${label}="${value}"`)
  if (format === '__auto' && pairs.length === 1) return Object.values(rest)[0] ?? ''
  return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`
}

/** Gaps put in where points are missing, so that a line is not drawn across them. */
export function withGaps(points: readonly Point[], stepSeconds: number): Point[] {
  const whole: Point[] = []
  let last: number | null = null
  for (const one of points) {
    if (last !== null && one[0] - last > stepSeconds * 1.5) whole.push([last + stepSeconds, null])
    whole.push(one)
    last = one[0]
  }
  return whole
}

/** How a panel makes one number of a series. */
export function reduce(points: readonly Point[], calculation: string): number | null {
  const values = points.map(([, value]) => value).filter(value => value !== null)
  if (calculation === 'last') return points.at(-1)?.[1] ?? null
  if (calculation === 'count') return values.length
  if (values.length === 0) return null
  const sum = values.reduce((total, value) => total + value, 0)
  switch (calculation) {
    case 'mean':
      return sum / values.length
    case 'sum':
    case 'total':
      return sum
    case 'max':
      return Math.max(...values)
    case 'min':
      return Math.min(...values)
    case 'first':
    case 'firstNotNull':
      return values[0] ?? null
    case 'range':
      return Math.max(...values) - Math.min(...values)
    case 'diff':
      return (values.at(-1) ?? 0) - (values[0] ?? 0)
    default:
      return values.at(-1) ?? null
  }
}

export type Interval = { readonly fromSeconds: number; readonly toSeconds: number; readonly title: string }

/** Stretches of time in which an annotation's query had a value other than 0; stretches of one title are merged. */
export function intervals(series: readonly Series[], titleFormat: string, stepSeconds: number): Interval[] {
  const found = series.flatMap(({ labels, name, points }) => {
    const title = titleFormat === '' ? name : legend(labels, titleFormat)
    const stretches: { fromSeconds: number; toSeconds: number; title: string }[] = []
    for (const [seconds, value] of points) {
      if (value === null || value === 0) continue
      const last = stretches.at(-1)
      if (last !== undefined && seconds - last.toSeconds <= stepSeconds * 1.5) last.toSeconds = seconds
      else stretches.push({ fromSeconds: seconds, toSeconds: seconds, title })
    }
    return stretches
  })
  const merged: { fromSeconds: number; toSeconds: number; title: string }[] = []
  for (const one of found.sort((a, b) => a.fromSeconds - b.fromSeconds)) {
    const same = merged.find(
      ({ title, toSeconds }) => title === one.title && one.fromSeconds <= toSeconds + stepSeconds,
    )
    if (same === undefined) merged.push(one)
    else same.toSeconds = Math.max(same.toSeconds, one.toSeconds)
  }
  return merged
}
