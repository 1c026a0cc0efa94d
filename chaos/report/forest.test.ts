import { describe, expect, test } from '@jest/globals'
import type { SignalResult } from '../judgement/verdict.ts'
import { drawForestRow } from './forest.ts'

const latency: SignalResult = {
  name: 'latency_p95',
  unit: 'milliseconds',
  control: 20,
  experiment: 28,
  effect: Math.SQRT2,
  low: 1,
  high: 2,
  margin: 2,
  primary: true,
  outcome: 'undecided',
  censored: false,
  smallestVisible: 1.2,
  blockSeconds: { baseline: 5, attack: 5 },
  disturbance: null,
}
const success: SignalResult = {
  ...latency,
  name: 'success_ratio',
  unit: 'ratio',
  control: 1,
  experiment: 0.995,
  effect: -0.005,
  low: -0.01,
  high: 0,
  margin: 0.01,
}
/** Horizontal places of the interval's ends and of the effect. */
const places = (signal: SignalResult) => {
  const { markup } = drawForestRow(signal)
  const [, from, to] = /class="interval" d="M([\d.]+) [\d.]+H([\d.]+)/.exec(markup) ?? []
  return { from: Number(from), effect: Number(/cx="([\d.]+)"/.exec(markup)?.[1]), to: Number(to) }
}
const margin = Number(/class="margin" d="M([\d.]+)/.exec(drawForestRow(latency).markup)?.[1])
const zero = Number(/class="zero" d="M([\d.]+)/.exec(drawForestRow(latency).markup)?.[1])

describe('drawForestRow()', () => {
  test('puts every margin at one place, on a scale of margins, worse to the right', () => {
    // Factors 1, sqrt 2 and 2 of a margin of 2 are 0, 1/2 and 1 margins; so are falls of 0, 0.5 and 1 points of 1.
    const half = (zero + margin) / 2
    expect(places(latency)).toEqual({ from: zero, effect: expect.closeTo(half, 0), to: margin })
    expect(places(success)).toEqual(places(latency))
  })

  test('ends in an arrow, with the number beside it, where the axis ends', () => {
    const { markup } = drawForestRow({ ...latency, effect: 30, low: 1.5, high: null })

    expect(markup).toContain('×30.0</text>')
    expect(markup).not.toContain('<circle')
  })

  test('writes the number beyond the interval that starts off the axis, not across it', () => {
    const { markup } = drawForestRow({ ...latency, effect: 0.3, low: 0.1, high: 0.8, outcome: 'inside' })

    const end = Number(/class="interval" d="M[\d.]+ [\d.]+H([\d.]+)/.exec(markup)?.[1])
    expect(Number(/<text x="([\d.]+)"[^>]*>×0.30/.exec(markup)?.[1])).toBeCloseTo(end + 6, 5)
  })

  test('says in words what it draws', () => {
    expect(drawForestRow(success).markup).toContain(
      'aria-label="success ratio: effect −0.50 pp, interval −1.00 pp to 0 pp, margin −1.00 pp, undecided"',
    )
  })

  test('draws no interval without data', () => {
    const { markup } = drawForestRow({ ...latency, effect: null, low: null, high: null, outcome: 'no_data' })

    expect(markup).not.toMatch(/class="interval"|NaN/)
    expect(markup).toContain('p95 latency: no effect known')
  })
})
