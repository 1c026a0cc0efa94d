import type { EChartsCoreOption } from 'echarts/core'
import { type ChartInput, FONT, timeAxis } from './chart.ts'
import type { Series } from './result.ts'
import { format } from './units.ts'

/** One rectangle: Unix seconds of its left edge, number of its row from below, how many fell into it. */
export type HeatCell = readonly [seconds: number, row: number, count: number]

export type HeatTable = {
  /** Upper bounds of the rows, lowest first, as they stand in the labels. */
  readonly rows: readonly string[]
  readonly cells: readonly HeatCell[]
}

/**
 * Buckets of a histogram as rows: cumulative counts (`le`) become what fell into each bucket alone.
 *
 * @param series one for each bucket, named by its upper bound
 */
export function heatTable(series: readonly Series[]): HeatTable {
  const bound = (name: string) => (name === '+Inf' ? Number.POSITIVE_INFINITY : Number(name))
  const named = series.map(one => ({ ...one, le: one.labels.le ?? one.name }))
  if (named.some(({ le }) => Number.isNaN(bound(le)))) {
    const rows = named.map(({ le }) => le)
    return {
      rows,
      cells: named.flatMap(({ points }, row) => points.map(([at, value]) => [at, row, value ?? 0] as const)),
    }
  }
  const sorted = named.sort((one, other) => bound(one.le) - bound(other.le))
  const below = new Map<number, number>()
  const cells: HeatCell[] = []
  sorted.forEach(({ points }, row) => {
    for (const [at, value] of points) {
      const cumulative = value ?? 0
      // Rates of neighbouring buckets are computed one by one: rounding may put the larger below the smaller.
      const count = Math.max(0, cumulative - (below.get(at) ?? 0))
      below.set(at, Math.max(cumulative, below.get(at) ?? 0))
      if (count > 0) cells.push([at, row, count])
    }
  })
  return { rows: sorted.map(({ le }) => le), cells }
}

/** Options of the chart library for a heat map. */
export function heatmapOption(input: ChartInput): EChartsCoreOption {
  const { panel, tokens, stepSeconds } = input
  const { rows, cells } = heatTable(input.series)
  const largest = Math.max(0, ...cells.map(([, , count]) => count))
  const axis = panel.options.yAxis as { unit?: string } | undefined
  const unit = axis?.unit ?? panel.field.unit
  const label = (row: number) => {
    const bound = Number(rows[row])
    return Number.isNaN(bound) ? (rows[row] ?? '') : format(bound, unit, null)
  }
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { left: 8, right: 14, top: 12, bottom: 4, containLabel: true },
    xAxis: timeAxis(input.range, tokens, input.widthPixels),
    yAxis: {
      type: 'value',
      min: 0,
      max: Math.max(1, rows.length),
      interval: 1,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: tokens.rule } },
      axisLabel: {
        color: tokens.ink2,
        fontSize: 11.5,
        hideOverlap: true,
        formatter: (edge: number) => (edge === 0 ? '' : label(edge - 1)),
      },
    },
    tooltip: { show: false },
    series: [
      {
        type: 'custom',
        silent: true,
        clip: true,
        data: cells.map(([at, row, count]) => [at * 1000, row, count]),
        renderItem: (
          _: unknown,
          api: {
            value: (index: number) => number
            coord: (at: readonly number[]) => readonly [number, number]
          },
        ) => {
          // Whole pixels: see-through neighbours that share one would be seen as stripes.
          const [left = 0, top = 0] = api.coord([api.value(0), api.value(1) + 1]).map(Math.round)
          const [right = 0, bottom = 0] = api
            .coord([api.value(0) + stepSeconds * 1000, api.value(1)])
            .map(Math.round)
          return {
            type: 'rect',
            shape: {
              x: left,
              y: top,
              width: Math.max(1, right - left),
              height: Math.max(1, bottom - top - 1),
            },
            // The eye tells few from none before it tells many from more: square root.
            style: { fill: tokens.series1, opacity: 0.08 + 0.92 * Math.sqrt(api.value(2) / (largest || 1)) },
          }
        },
      },
    ],
  }
}
