import type { EChartsCoreOption } from 'echarts/core'
import { GROUPS, type Group } from '../../../../platform/topology.ts'
import { FONT, timeAxis, tooltip } from '../panels/chart.ts'
import type { TimeRange } from '../panels/query.ts'
import { type Interval, type Point, type Series, withGaps } from '../panels/result.ts'
import { format } from '../panels/units.ts'
import type { Tokens } from '../tokens.ts'
import type { SignalChart } from './signals.ts'

export type SignalLines = Readonly<Record<Group, readonly Point[]>> & {
  /** Experiment minus control, where both have a value. */
  readonly difference: readonly Point[]
}

export function signalLines(series: readonly Series[]): SignalLines {
  const of = (group: Group) => series.find(({ labels }) => labels.group === group)?.points ?? []
  const [control, experiment] = [of('control'), of('experiment')]
  const controls = new Map(control)
  const difference = experiment.map(([at, value]): Point => {
    const other = controls.get(at) ?? null
    return [at, value === null || other === null ? null : value - other]
  })
  return { control, experiment, difference }
}

/** What a line says last, for those who read rather than look; null: it has no value in its last half minute. */
export function lastValue(points: readonly Point[], nowSeconds: number): number | null {
  const last = points.findLast(([, value]) => value !== null)
  return last === undefined || nowSeconds - last[0] > 30 ? null : last[1]
}

export type SignalDrawing = {
  readonly chart: SignalChart
  readonly lines: SignalLines
  readonly attacks: readonly Interval[]
  readonly range: TimeRange
  readonly stepSeconds: number
  readonly tokens: Tokens
  readonly widthPixels: number
}

/** Both groups above, their difference below on the same time, attacks shaded through both. */
export function signalOption(drawing: SignalDrawing): EChartsCoreOption {
  const { chart, lines, range, tokens, widthPixels } = drawing
  const sides = { left: 62, right: 14 }
  const xAxis = timeAxis(range, tokens, widthPixels)
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: [
      { ...sides, top: 10, height: 136 },
      { ...sides, top: 166, height: 58 },
    ],
    xAxis: [
      { ...xAxis, gridIndex: 0, axisLabel: { show: false }, axisTick: { show: false } },
      { ...xAxis, gridIndex: 1 },
    ],
    yAxis: [
      { ...axis(chart.unit, tokens, 3), gridIndex: 0, scale: chart.max !== null, ...upperOf(chart, lines) },
      {
        ...axis(chart.differenceUnit, tokens, 2),
        gridIndex: 1,
        ...balanced(lines.difference, chart.differenceUnit),
      },
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: tooltip(tokens),
    series: [
      shading(drawing, 0),
      shading(drawing, 1),
      ...GROUPS.map(group => line(group, lines[group], drawing, tokens[group], 0)),
      line('experiment − control', lines.difference, drawing, tokens.ink2, 1),
    ],
  }
}

function axis(unit: string, tokens: Tokens, splitNumber: number) {
  return {
    type: 'value',
    splitNumber,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: tokens.rule } },
    axisLabel: {
      color: tokens.ink2,
      fontSize: 11.5,
      hideOverlap: true,
      formatter: (value: number) => format(value, unit, null),
    },
  }
}

/** A ratio of 1 fills the axis: with nothing wrong, the smallest difference would else be drawn as tall as the plot. */
function upperOf({ max }: SignalChart, { control, experiment }: SignalLines) {
  if (max === null) return { min: 0 }
  const lowest = Math.min(max, ...[...control, ...experiment].map(([, value]) => value ?? max))
  const min = [0.99, 0.95, 0.9, 0.75, 0.5].find(floor => floor * max < lowest) ?? 0
  return { max, min, interval: (max - min) / 2 }
}

/** The difference of two groups that behave alike is a flat line in the middle. */
function balanced(points: readonly Point[], unit: string) {
  const trifle = { pp: 0.01, s: 0.001 }[unit] ?? 1
  const largest = Math.max(0, ...points.map(([, value]) => Math.abs(value ?? 0)).filter(Number.isFinite))
  // In the smallest round unit that a person would name: 1 pp, 1 ms.
  if (largest === 0) return { min: -trifle, max: trifle, interval: trifle }
  const power = 10 ** Math.floor(Math.log10(largest))
  const edge = ([1, 2, 5, 10].find(step => step * power >= largest) ?? 10) * power
  return { min: -edge, max: edge, interval: edge }
}

function shading({ attacks, range, tokens }: SignalDrawing, index: 0 | 1) {
  return {
    type: 'line',
    name: '',
    data: [],
    silent: true,
    xAxisIndex: index,
    yAxisIndex: index,
    markArea: {
      silent: true,
      itemStyle: { color: tokens.attack, borderColor: tokens.attackEdge, borderWidth: 1 },
      label: { show: false },
      data: attacks
        .filter(
          ({ fromSeconds, toSeconds }) => toSeconds >= range.fromSeconds && fromSeconds <= range.toSeconds,
        )
        .map(({ fromSeconds, toSeconds, title }) => [
          { name: title, xAxis: Math.max(fromSeconds, range.fromSeconds) * 1000 },
          { xAxis: Math.min(Math.max(toSeconds, fromSeconds + 1), range.toSeconds) * 1000 },
        ]),
    },
    ...(index === 1
      ? {
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: tokens.rule2, type: 'solid', width: 1 },
            data: [{ yAxis: 0 }],
          },
        }
      : {}),
  }
}

function line(
  name: string,
  points: readonly Point[],
  { stepSeconds }: SignalDrawing,
  colour: string,
  index: 0 | 1,
) {
  return {
    type: 'line',
    name,
    symbol: 'none',
    xAxisIndex: index,
    yAxisIndex: index,
    data: withGaps(points, stepSeconds).map(([at, value]) => [
      at * 1000,
      value === null || !Number.isFinite(value) ? null : value,
    ]),
    lineStyle: { color: colour, width: name === 'control' ? 1.6 : 2 },
    itemStyle: { color: colour },
    emphasis: { disabled: true },
  }
}
