/*
 * Answers of a Prometheus for the console's tests. It does not evaluate PromQL: it gives each query series with the labels
 * that the query groups by, and values that depend on nothing but the query and the time, so that drawings repeat.
 */

const VALUES: Readonly<Record<string, readonly string[]>> = {
  group: ['control', 'experiment'],
  zone: ['a', 'b', 'c'],
  service: ['database', 'gateway', 'recommender'],
  le: ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '+Inf'],
  code: ['2xx', '4xx', '5xx'],
  kind: ['latency'],
  pod: ['gateway-a', 'gateway-b'],
  node: ['control-a', 'experiment-a'],
}

export type Answered = {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [number, string])[]
}

export function answerOf(
  query: string,
  fromSeconds: number,
  toSeconds: number,
  stepSeconds: number,
): readonly Answered[] {
  const count = Math.floor((toSeconds - fromSeconds) / stepSeconds) + 1
  const times = Array.from({ length: count }, (_, index) => fromSeconds + index * stepSeconds)
  return metricsOf(query).flatMap((metric, index) => {
    const values = times.flatMap((at): readonly (readonly [number, string])[] => {
      const value = valueAt(query, metric, index, at, toSeconds)
      return value === null ? [] : [[at, String(value)]]
    })
    return values.length === 0 ? [] : [{ metric, values }]
  })
}

/** A traced request of each group every ten seconds, as `query_exemplars` tells them; its number stands in its trace id. */
export function exemplarsOf(fromSeconds: number, toSeconds: number): readonly object[] {
  return ['control', 'experiment'].map((group, index) => {
    const first = Math.ceil(fromSeconds / 10)
    const count = Math.max(0, Math.floor(toSeconds / 10) - first + 1)
    const exemplars = Array.from({ length: count }, (_, offset) => {
      const number = first + offset
      return {
        labels: { trace_id: `${index}${number.toString(16).padStart(31, '0')}` },
        value: String(
          0.03 + 0.01 * Math.sin(number + 2 * index) + (index === 1 && number % 9 === 0 ? 0.06 : 0),
        ),
        timestamp: number * 10,
      }
    })
    return { seriesLabels: { __name__: 'duration_bucket', group, le: '0.1' }, exemplars }
  })
}

function metricsOf(query: string): readonly Readonly<Record<string, string>>[] {
  const grouping = [...query.matchAll(/by\s*\(([^)]*)\)/g)].map(match => match[1] ?? '')[0]
  const isQuantile = query.includes('histogram_quantile')
  const labels = (grouping ?? 'group')
    .split(',')
    .map(label => label.trim())
    .filter(label => label !== '' && !(isQuantile && label === 'le'))
  return labels.reduce<readonly Readonly<Record<string, string>>[]>(
    (metrics, label) =>
      metrics.flatMap(metric => (VALUES[label] ?? ['one']).map(value => ({ ...metric, [label]: value }))),
    [{}],
  )
}

function valueAt(
  query: string,
  metric: Readonly<Record<string, string>>,
  index: number,
  at: number,
  toSeconds: number,
): number | null {
  const ago = toSeconds - at
  const inAttack = ago <= 60
  if (query.includes('attack_active')) return inAttack && index === 0 ? 1 : null
  const wave = Math.sin(at / 37 + index) + 0.6 * Math.sin(at / 11 + 2 * index)
  const hit = inAttack && metric.group !== 'control' ? 1 : 0
  if (metric.le !== undefined)
    return metric.le === '+Inf' ? 60 : 60 * (1 - Math.exp(-Number(metric.le) / (0.012 + hit * 0.05)))
  if (query.includes('5xx'))
    return Math.min(1, 1 - 0.0006 * (0.4 + (1 + wave) ** 2) - hit * 0.012 * (1.2 + wave / 2))
  if (query.includes('histogram_quantile'))
    return 0.011 * (1 + 0.12 * wave) * (query.includes('0.95') ? 3 : 1) * (1 + hit * 1.9)
  return 60 + 1.4 * wave - hit * 3
}
