import { describe, expect, test } from '@jest/globals'
import type { GroupSteps, Step } from '../../load/breakpoint.ts'
import type { RampReport } from '../load-alone.ts'
import { conclusion, rampHtml, rampText } from './ramp.ts'

const step = (requestsPerSecond: number, changes: Partial<Step> = {}): Step => ({
  requestsPerSecond,
  offered: requestsPerSecond * 20,
  sent: requestsPerSecond * 20,
  completed: requestsPerSecond * 20,
  failedShare: 0,
  p50Ms: 8,
  p95Ms: 40,
  p99Ms: 90,
  state: 'held',
  ...changes,
})
const failing = step(500, { failedShare: 0.125, completed: 9000, state: 'failed' })
const control: GroupSteps = {
  group: 'control',
  steps: [step(200), failing],
  heldPerSecond: 200,
  breakpoint: failing,
}
const experiment: GroupSteps = {
  group: 'experiment',
  steps: [step(200), step(500, { p95Ms: null, p99Ms: null })],
  heldPerSecond: 500,
  breakpoint: null,
}
const report: RampReport = {
  runId: '20261121T060102Z-ramp',
  folder: 'runs/20261121T060102Z-ramp',
  startMs: Date.UTC(2026, 10, 21, 6, 1, 2),
  groups: ['control', 'experiment'],
  ratesPerSecond: [200, 500],
  stepSeconds: 20,
  writeShare: 0,
  limits: { failedShare: 0.01, p95Ms: 500 },
  seed: 7,
  results: [control, experiment],
  endedEarly: false,
}

describe('conclusion()', () => {
  const slow = step(500, { p95Ms: 812, state: 'slow' })
  const starved = step(500, { sent: 6200, state: 'starved' })
  test.each([
    [control, 'The control group broke at 500 requests/s (12.50 % failed); it held 200/s.'],
    [experiment, 'The experiment group did not break: it held 500/s, the last step.'],
    [
      { ...control, steps: [slow], heldPerSecond: null, breakpoint: slow },
      'The control group broke at 500 requests/s (p95 was 812 ms); it held at no step before.',
    ],
    [
      { ...control, steps: [step(200), starved], breakpoint: null },
      'Where the control group breaks is unknown: at 500 requests/s the generator sent 6,200 of 10,000; it held 200/s.',
    ],
  ])('%#', (result, expected) => {
    expect(conclusion(result)).toBe(expected)
  })
})

describe('rampText()', () => {
  const lines = rampText(report).split('\n')
  const at = (rate: string, group: string) =>
    lines.find(line => line.startsWith(rate) && line.includes(group)) ?? ''

  test('has a line for every step and group, the original beside it where it was measured', () => {
    expect(at('200/s', 'control')).toMatch(/4,000 +4,000 +4,000 +0 % .* held +database: 106 ms, 0 % failed$/)
    expect(at('500/s', 'control')).toMatch(/9,000 +12\.50 % .*BROKE: failures .*3,555 ms, 9\.60 % failed$/)
    expect(at('500/s', 'experiment')).toMatch(/8\.00 ms +- +- +held/)
  })

  test('shows the original also where nothing was driven', () => {
    expect(at('1000/s', 'not driven')).toMatch(/not driven .*51\.00 % failed$/)
  })
})

describe('rampHtml()', () => {
  const page = rampHtml(report)

  test('is one page with both pictures in both widths, and fetches nothing', () => {
    expect(page.match(/<svg class="chart (wide|narrow)"/g)).toHaveLength(4)
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/)
  })

  test('tells the values of a picture to those who cannot see it', () => {
    expect(page).toContain(
      'control: 40 ms at 200/s, 40 ms at 500/s; experiment: 40 ms at 200/s, no data at 500/s',
    )
  })
})
