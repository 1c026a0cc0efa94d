import { LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Group } from '../../platform/topology.ts'
import { escapeHtml, type Markup, raw } from './markup.ts'
import type { Line } from './series.ts'

/** A stretch of the time axis, in seconds after the attack began. */
export type Span = { readonly from: number; readonly to: number }

export type ChartLabel = {
  /** Unique on the page, a valid HTML id. */
  readonly id: string
  readonly title: string
  /** What the chart shows, in a sentence, for those who cannot see it. */
  readonly description: string
}

export type ChartSpec = ChartLabel & {
  /** How values of the vertical axis are written. */
  readonly format: (value: number) => string
  /** `ratio`: up to 1, down to a round value under the lowest; `latency`: logarithmic; `count`: from 0. */
  readonly scale: 'ratio' | 'latency' | 'count'
  readonly lines: Readonly<Record<Group, Line>>
  readonly firstSecond: number
  readonly phases: { readonly baseline: Span; readonly attack: Span; readonly recovery: Span }
}

/** Widths in CSS pixels: drawn apart, since text that is scaled down for a phone cannot be read. */
export const SHAPES = {
  wide: { width: 888, height: 228, left: 64, right: 16, tickSeconds: 10, fontSize: 13 },
  narrow: { width: 358, height: 208, left: 50, right: 14, tickSeconds: 20, fontSize: 12 },
} as const
export type Shape = keyof typeof SHAPES

/** Round values that a logarithmic axis may show within a decade. */
const DECADE_STEPS = [1, 2, 5] as const
/** Lower ends that the axis of a ratio may have. */
const RATIO_FLOORS = [0.99, 0.95, 0.9, 0.8, 0.5, 0] as const

/** Draws a chart for wide and for narrow pages; the style sheet shows the one that fits. Colours are CSS variables. */
export function drawChart(spec: ChartSpec): Markup {
  return raw(drawShape(spec, 'wide') + drawShape(spec, 'narrow'))
}

function drawShape(spec: ChartSpec, shape: Shape): string {
  return drawSvg(optionOf(spec, shape), spec, shape)
}

/** Any other chart of lines and points in the house's way: what it shows is in `option`, who it is in `spec`. */
export function drawSvg(option: echarts.EChartsCoreOption, spec: ChartLabel, shape: Shape): string {
  echarts.use([LineChart, ScatterChart, GridComponent, MarkAreaComponent, MarkLineComponent, SVGRenderer])
  const { width, height } = SHAPES[shape]
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption(option)
    return accessible(chart.renderToSVGString({ useViewBox: true }), spec, shape)
  } finally {
    chart.dispose()
  }
}

function optionOf(spec: ChartSpec, shape: Shape): echarts.EChartsCoreOption {
  const { left, right, fontSize, tickSeconds } = SHAPES[shape]
  const text = { color: 'var(--ink-2)', fontSize }
  const { ticks, toAxis } = axisOf(spec)
  const { baseline, recovery } = spec.phases
  const first = Math.ceil(baseline.from / tickSeconds) * tickSeconds
  const times = Array.from(
    { length: Math.floor((recovery.to - first) / tickSeconds) + 1 },
    (_, index) => first + index * tickSeconds,
  )
  const axisTicks = ticks.map(toAxis)
  return {
    animation: false,
    grid: { left, right, top: 26, bottom: 26 },
    xAxis: {
      type: 'value',
      min: baseline.from,
      max: recovery.to,
      axisLine: { show: true, onZero: false, lineStyle: { color: 'var(--rule-2)' } },
      axisTick: { show: true, customValues: times, lineStyle: { color: 'var(--rule-2)' } },
      splitLine: { show: false },
      axisLabel: {
        ...text,
        customValues: times,
        formatter: (second: number) =>
          second === 0 ? '0 s' : `${second > 0 ? '+' : '−'}${Math.abs(second)}`,
      },
    },
    yAxis: {
      type: 'value',
      min: axisTicks[0],
      max: axisTicks.at(-1),
      axisLine: { show: false },
      axisTick: { show: false, customValues: axisTicks },
      splitLine: { customValues: axisTicks, lineStyle: { color: 'var(--rule)' } },
      axisLabel: {
        ...text,
        customValues: axisTicks,
        formatter: (value: number) => spec.format(ticks[nearest(axisTicks, value)] ?? value),
      },
    },
    series: [phaseMarks(spec, text), line(spec, 'control', toAxis), line(spec, 'experiment', toAxis)],
  }
}

/** The shaded attack, and the names of the phases above the plot. */
function phaseMarks({ phases }: ChartSpec, text: { color: string; fontSize: number }) {
  const area = ({ from, to }: Span, name: string, color: string) => [
    {
      name,
      xAxis: from,
      itemStyle: { color },
      label: { show: true, position: 'top', distance: 6, ...text, textBorderWidth: 0 },
    },
    { xAxis: to },
  ]
  return {
    type: 'line',
    silent: true,
    data: [],
    markArea: {
      silent: true,
      data: [
        area(phases.baseline, 'baseline', 'none'),
        area(phases.attack, 'attack', 'var(--attack)'),
        area(phases.recovery, 'recovery', 'none'),
      ],
    },
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      lineStyle: { color: 'var(--attack-edge)', width: 1, type: 'solid' },
      data: [{ xAxis: phases.attack.from }, { xAxis: phases.attack.to }],
    },
  }
}

function line(spec: ChartSpec, group: Group, toAxis: (value: number) => number) {
  const values = spec.lines[group]
  return {
    type: 'line',
    name: group,
    silent: true,
    symbol: 'none',
    data: values.map((value, index) => {
      const point = [spec.firstSecond + index + 0.5, value === null ? null : round(toAxis(value))]
      // A line has no length within one second: alone between two gaps it would not be seen.
      const isAlone =
        value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null
      return isAlone ? { value: point, symbol: 'circle', symbolSize: 4 } : point
    }),
    itemStyle: { color: `var(--${group})` },
    lineStyle: { color: `var(--${group})`, width: group === 'experiment' ? 2 : 1.5 },
  }
}

/** Round values for the vertical axis, lowest first, and the way from a value to its place. */
function axisOf(spec: ChartSpec): { ticks: readonly number[]; toAxis: (value: number) => number } {
  const values = Object.values(spec.lines).flatMap(line => line.filter(value => value !== null))
  if (spec.scale === 'ratio') {
    const lowest = Math.min(1, ...values)
    // A single failure in a second must not look like the floor.
    const floor = RATIO_FLOORS.find(candidate => candidate < lowest) ?? 0
    return { ticks: [floor, (floor + 1) / 2, 1], toAxis: value => value }
  }
  if (spec.scale === 'count') {
    const step = roundStep(Math.max(1, ...values) / 3)
    const steps = Math.ceil(Math.max(1, ...values) / step)
    return { ticks: Array.from({ length: steps + 1 }, (_, index) => index * step), toAxis: value => value }
  }
  return { ticks: logTicks(Math.min(...values, 1e6), Math.max(...values, 0.001)), toAxis: Math.log10 }
}

/** Ticks of a logarithmic axis around [low, high]: 1, 2, 5 of each decade, or only the decades when there are many. */
export function logTicks(low: number, high: number): number[] {
  const from = Math.min(low, high)
  const all = Array.from({ length: 12 }, (_, index) => index - 4).flatMap(power =>
    DECADE_STEPS.map(step => step * 10 ** power),
  )
  const first = Math.max(
    0,
    all.findLastIndex(tick => tick <= from),
  )
  const last = all.findIndex(tick => tick >= high)
  const ticks = all.slice(first, (last < 0 ? all.length : last) + 1)
  if (ticks.length <= 6) return ticks
  return ticks.filter((tick, index) => index === 0 || index === ticks.length - 1 || isDecade(tick))
}

function isDecade(tick: number): boolean {
  return Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9
}

/** The smallest of 1, 2, 5 times a power of ten that is at least `value`. */
export function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (DECADE_STEPS.find(step => step * power >= value) ?? 10) * power
}

function nearest(values: readonly number[], value: number): number {
  const distances = values.map(one => Math.abs(one - value))
  return distances.indexOf(Math.min(...distances))
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

/**
 * Makes the library's drawing one for a page: its own name and description for screen readers, the page's
 * font, ids that do not depend on how many charts this process has drawn before, and no hover styles.
 */
function accessible(svg: string, { id, title, description }: ChartLabel, shape: Shape): string {
  const name = `${id}-${shape}`
  const named = `<title id="${name}-title">${escapeHtml(title)}</title><desc id="${name}-desc">${escapeHtml(description)}</desc>`
  return svg
    .replace(/<style\s*>.*?<\/style>/s, '')
    .replace(/ (class|ecmeta_[a-z_]+|pointer-events)="[^"]*"/g, '')
    .replace(/zr\d+-/g, `${name}-`)
    .replaceAll('font-family:sans-serif;', '')
    .replace(
      /^<svg [^>]*?viewBox="([^"]*)"[^>]*>/,
      (_, viewBox: string) =>
        `<svg class="chart ${shape}" viewBox="${viewBox}" role="img" aria-labelledby="${name}-title ${name}-desc">${named}`,
    )
    .replace(/>\s+</g, '><')
}
