import { describe, expect, test } from '@jest/globals'
import type { Sample } from '../measurement/sample.ts'
import { seriesOf } from './series.ts'

const sample = (startMs: number, durationMs: number, outcome: Sample['outcome'] = 'ok'): Sample => ({
  group: 'experiment',
  route: 'songs',
  kind: 'read',
  startMs,
  durationMs,
  status: outcome === 'ok' ? 200 : 0,
  outcome,
})

describe('seriesOf()', () => {
  test('gives each second its ratio, quantiles and answers, counted from the attack, and gaps where nothing was', () => {
    const phases = {
      baseline: { startMs: 10_000, endMs: 11_500 },
      attack: { startMs: 12_000, endMs: 13_000 },
      recovery: { startMs: 13_000, endMs: 14_000 },
    }

    const { firstSecond, lines } = seriesOf(
      [
        sample(10_000, 30),
        sample(10_500, 10),
        sample(10_900, 20),
        sample(12_100, 5000, 'timeout'),
        sample(12_200, 40),
      ],
      { phases },
    )

    expect(firstSecond).toBe(-2)
    expect(lines.success_ratio.experiment).toEqual([1, null, 0.5, null])
    expect(lines.latency_p50.experiment).toEqual([20, null, 40, null])
    expect(lines.latency_p99.experiment).toEqual([30, null, 5000, null])
    expect(lines.throughput.experiment).toEqual([3, 0, 1, 0])
    expect(lines.throughput.control).toEqual([0, 0, 0, 0])
  })
})
