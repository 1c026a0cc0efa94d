import type { EChartsCoreOption } from 'echarts/core'
import type { Tokens } from '../tokens.ts'
import { namedColour, type Stroke, strokes } from './colours.ts'
import { type FieldSettings, type Panel, settingsOf } from './dashboard.ts'
import { type Exemplar, markSeries } from './exemplars.ts'
import type { TimeRange } from './query.ts'
import { type Interval, type Series, withGaps } from './result.ts'
import { format } from './units.ts'

export type ChartInput = {
  readonly panel: Panel
  readonly series: readonly Series[]
  readonly annotations: readonly Interval[]
  /** Single requests, newest first. */
  readonly exemplars: readonly Exemplar[]
  /** Where the trace of one can be looked at; null: nowhere. */
  readonly hrefOf: (traceId: string) => string | null
  readonly range: TimeRange
  readonly stepSeconds: number
  readonly tokens: Tokens
  /** Width of the drawing, CSS pixels: a phone has room for fewer marks. */
  readonly widthPixels: number
}

export type Line = {
  readonly name: string
  readonly series: Series
  readonly field: FieldSettings
  readonly stroke: Stroke
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'

/** Series of a panel with their names, settings and strokes, in the order in which they are drawn and listed. */
export function linesOf(panel: Panel, series: readonly Series[], tokens: Tokens): Line[] {
  const settled = series.map(one => {
    const field = settingsOf(panel, one.name, one.refId)
    return { series: one, field, name: field.displayName ?? one.name, labels: one.labels }
  })
  const drawn = strokes(settled, tokens)
  return settled.map(({ series: of, field, name }, index) => ({
    name,
    field,
    series: of,
    stroke: drawn[index] ?? { colour: tokens.ink2, dash: 'solid' },
  }))
}

/** Options of the chart library for a time series panel. */
export function timeSeriesOption(input: ChartInput): EChartsCoreOption {
  const { panel, tokens, range, stepSeconds } = input
  const lines = linesOf(panel, input.series, tokens)
  const onTheRight = lines.filter(({ field }) => field.custom.axisPlacement === 'right')
  const rightField = onTheRight[0]?.field ?? null
  const leftField = lines.find(line => !onTheRight.includes(line))?.field ?? panel.field
  return {
    animation: false,
    aria: { enabled: false },
    textStyle: { fontFamily: FONT },
    grid: { left: 8, right: rightField === null ? 14 : 8, top: 16, bottom: 4, containLabel: true },
    xAxis: timeAxis(range, tokens, input.widthPixels),
    yAxis: [
      valueAxis(leftField, tokens, false),
      ...(rightField === null ? [] : [valueAxis(rightField, tokens, true)]),
    ],
    tooltip: tooltip(tokens),
    series: [
      marks(input),
      ...lines.map(line => drawnLine(line, stepSeconds, onTheRight.includes(line) ? 1 : 0)),
      ...(input.exemplars.length === 0 ? [] : [markSeries(panel, input.exemplars, tokens, input.hrefOf)]),
    ],
  }
}

export function timeAxis({ fromSeconds, toSeconds }: TimeRange, tokens: Tokens, widthPixels: number) {
  return {
    type: 'time',
    min: fromSeconds * 1000,
    max: toSeconds * 1000,
    splitNumber: Math.max(2, Math.floor(widthPixels / 110)),
    axisLine: { show: true, onZero: false, lineStyle: { color: tokens.rule2 } },
    axisTick: { show: true, lineStyle: { color: tokens.rule2 } },
    splitLine: { show: false },
    axisLabel: {
      color: tokens.ink2,
      fontSize: 11.5,
      hideOverlap: true,
      formatter: clock(toSeconds - fromSeconds),
    },
  }
}

/** Times of an axis or a tooltip, in the time of who looks. */
function clock(lengthSeconds: number): (ms: number) => string {
  const two = (value: number) => String(value).padStart(2, '0')
  return ms => {
    const at = new Date(ms)
    const time = `${two(at.getHours())}:${two(at.getMinutes())}`
    if (lengthSeconds > 2 * 86_400)
      return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
    return lengthSeconds <= 1800 && at.getSeconds() !== 0 ? `${time}:${two(at.getSeconds())}` : time
  }
}

function valueAxis(field: FieldSettings, tokens: Tokens, right: boolean) {
  const { unit, decimals, custom } = field
  const scale = custom.scaleDistribution as { type?: string; log?: number } | undefined
  const soft = (own: number | null, name: string, pick: (a: number, b: number) => number) => {
    const softly = custom[name]
    if (own !== null) return own
    return typeof softly === 'number'
      ? (extent: { min: number; max: number }) =>
          pick(name === 'axisSoftMin' ? extent.min : extent.max, softly)
      : undefined
  }
  const min = soft(field.min, 'axisSoftMin', Math.min)
  const max = soft(field.max, 'axisSoftMax', Math.max)
  return {
    type: scale?.type === 'log' ? 'log' : 'value',
    ...(scale?.type === 'log' ? { logBase: scale.log ?? 10 } : {}),
    position: right ? 'right' : 'left',
    scale: unit === 'percentunit' && field.min === null,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    splitNumber: 4,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: !right, lineStyle: { color: tokens.rule } },
    axisLabel: {
      color: tokens.ink2,
      fontSize: 11.5,
      hideOverlap: true,
      formatter: (value: number) => format(value, unit, decimals),
    },
  }
}

export function tooltip(tokens: Tokens) {
  return {
    trigger: 'axis',
    confine: true,
    transitionDuration: 0,
    backgroundColor: tokens.raised,
    borderColor: tokens.rule2,
    borderWidth: 1,
    padding: [8, 10],
    textStyle: { color: tokens.ink, fontSize: 12.5 },
    axisPointer: { type: 'line', lineStyle: { color: tokens.rule2, type: 'solid' }, animation: false },
  }
}

/** Attacks as shaded stretches, thresholds as lines: one series without points of its own. */
function marks({ annotations, panel, range, tokens }: ChartInput) {
  const thresholds = thresholdLines(panel, tokens)
  const shown = annotations.filter(
    ({ fromSeconds, toSeconds }) => toSeconds >= range.fromSeconds && fromSeconds <= range.toSeconds,
  )
  return {
    type: 'line',
    name: '',
    data: [],
    silent: true,
    tooltip: { show: false },
    markArea: {
      silent: true,
      itemStyle: { color: tokens.attack, opacity: 0.85 },
      label: { show: false },
      data: shown.map(({ fromSeconds, toSeconds, title }) => [
        { name: title, xAxis: Math.max(fromSeconds, range.fromSeconds) * 1000 },
        { xAxis: Math.min(Math.max(toSeconds, fromSeconds + 1), range.toSeconds) * 1000 },
      ]),
    },
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      data: [
        ...shown.flatMap(({ fromSeconds, toSeconds }) =>
          [fromSeconds, toSeconds]
            .filter(at => at >= range.fromSeconds && at <= range.toSeconds)
            .map(at => ({
              xAxis: at * 1000,
              lineStyle: { color: tokens.attackEdge, type: 'solid', width: 1 },
            })),
        ),
        ...thresholds,
      ],
    },
  }
}

function thresholdLines({ field }: Panel, tokens: Tokens) {
  const style = (field.custom.thresholdsStyle as { mode?: string } | undefined)?.mode ?? 'off'
  if (style === 'off') return []
  return field.thresholds
    .filter(({ value }) => value !== null)
    .map(({ value, color }) => ({
      yAxis: value,
      lineStyle: { color: namedColour(color, tokens) ?? tokens.ink2, type: [5, 4], width: 1.25 },
    }))
}

function drawnLine({ name, series, field, stroke }: Line, stepSeconds: number, axis: 0 | 1) {
  const { custom } = field
  const bars = custom.drawStyle === 'bars'
  const stacking = (custom.stacking as { mode?: string; group?: string } | undefined)?.mode ?? 'none'
  const fill = typeof custom.fillOpacity === 'number' ? custom.fillOpacity / 100 : 0
  const points = withGaps(series.points, stepSeconds)
  return {
    type: bars ? 'bar' : 'line',
    name,
    yAxisIndex: axis,
    data: points.map(([seconds, value], index) => {
      const finite = value === null || Number.isFinite(value) ? value : null
      const item = [seconds * 1000, finite]
      // A line has no length at one instant: alone between two gaps it would not be seen.
      const alone = finite !== null && missing(points[index - 1]) && missing(points[index + 1])
      return alone && !bars ? { value: item, symbol: 'circle', symbolSize: 4 } : item
    }),
    ...(bars
      ? { barMaxWidth: 12 }
      : { symbol: custom.drawStyle === 'points' ? 'circle' : 'none', symbolSize: 4 }),
    ...(stacking === 'none' ? {} : { stack: `stack-${axis}` }),
    step: steps(custom.lineInterpolation),
    smooth: false,
    connectNulls: custom.spanNulls === true,
    itemStyle: { color: stroke.colour },
    lineStyle: {
      color: stroke.colour,
      width: custom.drawStyle === 'points' ? 0 : Math.min(3, Math.max(1.5, Number(custom.lineWidth ?? 1.5))),
      type: stroke.dash === 'solid' ? 'solid' : [...stroke.dash],
    },
    ...(fill > 0 && !bars
      ? { areaStyle: { color: stroke.colour, opacity: Math.min(fill, stacking === 'none' ? 0.2 : 0.6) } }
      : {}),
    emphasis: { disabled: true },
  }
}

function missing(point: readonly [number, number | null] | undefined): boolean {
  return point === undefined || point[1] === null
}

function steps(interpolation: unknown): 'end' | 'start' | false {
  if (interpolation === 'stepAfter') return 'end'
  return interpolation === 'stepBefore' ? 'start' : false
}
