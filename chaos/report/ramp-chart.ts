import type { GroupSteps, Limits, Step } from '../../load/breakpoint.ts'
import { ORIGINAL_FIGURES } from '../../load/original.ts'
import { count, percent } from '../judgement/wording.ts'
import { drawSvg, logTicks, SHAPES, type Shape } from './charts.ts'
import { type Markup, raw } from './markup.ts'

/** What a chart of a ramp shows over the offered rate. */
export const RAMP_CHARTS = ['latency', 'failed'] as const
export type RampChart = (typeof RAMP_CHARTS)[number]

type Point = readonly [requestsPerSecond: number, value: number]

/** Ticks of the axis of failures. */
const SHARES = [0, 0.25, 0.5, 0.75, 1]

export const RAMP_TITLES = { latency: 'Latency by load, p95', failed: 'Failed requests by load' } as const

/** Draws one chart of a ramp for wide and for narrow pages; the style sheet shows the one that fits. */
export function drawRampChart(chart: RampChart, results: readonly GroupSteps[], limits: Limits): Markup {
  const label = { id: `ramp-${chart}`, title: RAMP_TITLES[chart], description: descriptionOf(chart, results) }
  const draw = (shape: Shape) => drawSvg(optionOf(chart, results, limits, shape), label, shape)
  return raw(draw('wide') + draw('narrow'))
}

function descriptionOf(chart: RampChart, results: readonly GroupSteps[]): string {
  const text = (step: Step) => {
    const value = measured(chart, step)
    const shown = value === null ? 'no data' : chart === 'latency' ? `${count(value)} ms` : percent(value)
    return `${shown} at ${step.requestsPerSecond}/s`
  }
  return results.map(({ group, steps }) => `${group}: ${steps.map(text).join(', ')}`).join('; ')
}

function measured(chart: RampChart, step: Step): number | null {
  return chart === 'latency' ? step.p95Ms : step.failedShare
}

function optionOf(chart: RampChart, results: readonly GroupSteps[], limits: Limits, shape: Shape) {
  const { left, right, fontSize } = SHAPES[shape]
  const text = { color: 'var(--ink-2)', fontSize }
  const lines = results.map(({ group, steps }) => ({ group, points: pointsOf(chart, steps) }))
  const original = originalPoints(chart)
  const values = [...lines.flatMap(({ points }) => points), ...original].map(([, value]) => value)
  const limit = chart === 'latency' ? limits.p95Ms : limits.failedShare
  const ticks =
    chart === 'latency' ? logTicks(Math.min(limit, ...values), Math.max(limit, ...values)) : SHARES
  const toAxis = chart === 'latency' ? Math.log10 : (value: number) => value
  const places = ticks.map(toAxis)
  const rates = [...new Set(results.flatMap(({ steps }) => steps.map(step => step.requestsPerSecond)))].sort(
    (one, other) => one - other,
  )
  const place = ([rate, value]: Point) => [rate, toAxis(value)]
  return {
    animation: false,
    grid: { left, right: right + 12, top: 14, bottom: 26 },
    xAxis: {
      type: 'value',
      min: 0,
      max: Math.max(...rates, ...original.map(([rate]) => rate)),
      axisLine: { lineStyle: { color: 'var(--rule-2)' } },
      axisTick: { show: true, customValues: rates, lineStyle: { color: 'var(--rule-2)' } },
      splitLine: { show: false },
      axisLabel: {
        ...text,
        customValues: rates,
        hideOverlap: true,
        formatter: (rate: number) => `${rate}/s`,
      },
    },
    yAxis: {
      type: 'value',
      min: places[0],
      max: places.at(-1),
      axisLine: { show: false },
      axisTick: { show: false, customValues: places },
      splitLine: { customValues: places, lineStyle: { color: 'var(--rule)' } },
      axisLabel: {
        ...text,
        customValues: places,
        formatter: (value: number) => tickText(chart, ticks[places.indexOf(nearest(places, value))] ?? value),
      },
    },
    series: [
      limitLine(toAxis(limit)),
      ...lines.map(({ group, points }) => ({
        type: 'line',
        name: group,
        silent: true,
        symbol: 'circle',
        symbolSize: 6,
        data: points.map(place),
        itemStyle: { color: `var(--${group})` },
        lineStyle: { color: `var(--${group})`, width: group === 'experiment' ? 2 : 1.5 },
      })),
      {
        type: 'scatter',
        silent: true,
        symbol: 'diamond',
        symbolSize: 10,
        data: original.map(place),
        itemStyle: { color: 'var(--ink-2)' },
      },
    ],
  }
}

function pointsOf(chart: RampChart, steps: readonly Step[]): Point[] {
  return steps.flatMap(step => {
    const value = measured(chart, step)
    return value === null ? [] : [[step.requestsPerSecond, value] as const]
  })
}

function originalPoints(chart: RampChart): Point[] {
  return ORIGINAL_FIGURES.flatMap(({ requestsPerSecond, latencyMs, failedShare }) => {
    const value = chart === 'latency' ? latencyMs : failedShare
    return value === null ? [] : [[requestsPerSecond, value] as const]
  })
}

/** The limit beyond which a group counts as broken. */
function limitLine(at: number) {
  return {
    type: 'line',
    silent: true,
    data: [],
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      lineStyle: { color: 'var(--diverged)', width: 1, type: 'dashed' },
      data: [{ yAxis: at }],
    },
  }
}

function tickText(chart: RampChart, value: number): string {
  return chart === 'latency' ? `${count(value)} ms` : `${Math.round(value * 100)} %`
}

function nearest(values: readonly number[], value: number): number {
  return values.reduce((best, one) => (Math.abs(one - value) < Math.abs(best - value) ? one : best))
}
