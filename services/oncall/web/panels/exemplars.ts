import type { EChartsCoreOption } from 'echarts/core'
import type { Tokens } from '../tokens.ts'
import { type Panel, settingsOf } from './dashboard.ts'
import type { Labels } from './result.ts'

/** A single request that was measured and traced. */
export type Exemplar = {
  /** When it was measured, Unix seconds. */
  readonly seconds: number
  /** What was measured, in the unit of its histogram. */
  readonly value: number
  readonly traceId: string
  /** Of the series it was counted in. */
  readonly labels: Labels
}

/** Marks on one chart: more could not be told apart, and each takes time to draw. */
export const MOST_MARKS = 200
/** Links below a chart. */
const MOST_LINKS = 5

/**
 * One expression that asks for the exemplars of all targets that want them; null: none does. Asked once, since quantiles
 * of one histogram have the same exemplars.
 */
export function exemplarQuery({ type, targets }: Panel, fill: (expr: string) => string): string | null {
  const asked = targets.filter(({ exemplar, instant }) => exemplar && !instant)
  if (type !== 'timeseries' || asked.length === 0) return null
  return [...new Set(asked.map(({ expr }) => `(${fill(expr)})`))].join(' or ')
}

type Answered = {
  readonly seriesLabels?: Labels
  readonly exemplars?: readonly {
    readonly labels?: Labels
    readonly value?: string
    readonly timestamp?: number
  }[]
}

/**
 * Reads an answer of `query_exemplars`; what has no trace leads nowhere and is left out.
 *
 * @returns newest first, each request once
 * @throws TypeError when it is not an answer of Prometheus; Error with Prometheus' words when it refused
 */
export function parseExemplars(answer: unknown): Exemplar[] {
  const { status, error, data } = answer as Record<string, unknown>
  if (status === 'error') throw new Error(String(error))
  if (status !== 'success' || !Array.isArray(data)) {
    throw new TypeError('The answer is not one of Prometheus')
  }
  const found = new Map<string, Exemplar>()
  for (const { seriesLabels = {}, exemplars = [] } of data as readonly Answered[]) {
    for (const { labels = {}, value: text, timestamp } of exemplars) {
      const traceId = labels.trace_id ?? ''
      const value = Number(text)
      const seconds = Number(timestamp)
      if (!/^[0-9a-f]{16,32}$/i.test(traceId) || !Number.isFinite(value) || !Number.isFinite(seconds))
        continue
      found.set(`${traceId} ${seconds} ${value}`, { seconds, value, traceId, labels: seriesLabels })
    }
  }
  return [...found.values()].sort((one, other) => other.seconds - one.seconds)
}

/**
 * At most `most` of them: they are cut into stretches of as many each, and of each stretch the largest stays, as what is slow
 * is what is looked for.
 *
 * @param exemplars in the order of time
 */
export function thinned(exemplars: readonly Exemplar[], most: number): readonly Exemplar[] {
  if (exemplars.length <= most) return exemplars
  const edge = (index: number) => Math.round((index * exemplars.length) / most)
  return Array.from({ length: most }, (_, index) =>
    exemplars
      .slice(edge(index), edge(index + 1))
      .reduce((largest, one) => (one.value > largest.value ? one : largest)),
  )
}

/** The newest, each request once: those that a list below the chart names. */
export function newest(exemplars: readonly Exemplar[]): readonly Exemplar[] {
  const traces = new Map<string, Exemplar>()
  for (const one of exemplars) if (!traces.has(one.traceId)) traces.set(one.traceId, one)
  return [...traces.values()].slice(0, MOST_LINKS)
}

/** What a mark carries into tooltip and click. */
export type Mark = {
  readonly name: string
  readonly value: readonly [milliseconds: number, value: number]
  /** null: it leads nowhere. */
  readonly href: string | null
}

/** Series of the chart library: one mark for each request, in the colour of its group. */
export function markSeries(
  panel: Panel,
  exemplars: readonly Exemplar[],
  tokens: Tokens,
  hrefOf: (traceId: string) => string | null,
): EChartsCoreOption {
  // Marks belong to the axis of the first target that has them.
  const refId = panel.targets.find(({ exemplar }) => exemplar)?.refId ?? ''
  const isOnTheRight = settingsOf(panel, '', refId).custom.axisPlacement === 'right'
  return {
    type: 'scatter',
    name: 'Request with a trace',
    yAxisIndex: isOnTheRight ? 1 : 0,
    symbol: 'diamond',
    symbolSize: 9,
    z: 4,
    clip: true,
    cursor: exemplars.some(({ traceId }) => hrefOf(traceId) !== null) ? 'pointer' : 'default',
    // Not of the axis' tooltip: that would stand still at marks and leave the lines out.
    tooltip: { trigger: 'item' },
    data: thinned(exemplars, MOST_MARKS).map(({ seconds, value, traceId, labels }) => {
      const mark: Mark = {
        name: labels.group ?? '',
        value: [seconds * 1000, value],
        href: hrefOf(traceId),
      }
      return {
        ...mark,
        itemStyle: { color: colourOf(labels, tokens), borderColor: tokens.raised, borderWidth: 1 },
      }
    }),
  }
}

function colourOf({ group }: Labels, tokens: Tokens): string {
  return group === 'control' || group === 'experiment' ? tokens[group] : tokens.ink2
}
