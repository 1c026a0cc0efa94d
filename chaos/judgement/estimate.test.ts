import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../platform/random.ts'
import type { Sample } from '../measurement/sample.ts'
import { estimate } from './estimate.ts'
import { cellsOf } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'

/** Two requests a second in each group; `durations` by second of 30 s baseline and 30 s attack. */
function exact(durations: (group: Sample['group'], second: number) => readonly [number, number]) {
  const input = inputOf({ ...CALM, rate: 2, baselineSeconds: 30, attackSeconds: 30, recoverySeconds: 0 })
  const samples = (['control', 'experiment'] as const).flatMap(group =>
    Array.from({ length: 60 }, (_, second) =>
      durations(group, second).map(
        (durationMs, index): Sample => ({
          group,
          route: 'songs',
          kind: 'read',
          startMs: input.phases.baseline.startMs + second * 1000 + index * 500,
          durationMs,
          status: 200,
          outcome: 'ok',
        }),
      ),
    ).flat(),
  )
  return cellsOf(samples, input)
}

describe('estimate()', () => {
  test('is the ratio of ratios, by hand', () => {
    // Control 10 -> 12 ms, experiment 11 -> 33 ms: (33 / 12) / (11 / 10) = 2.5; the control's own drift 1.2.
    const cells = exact((group, second) => {
      const duration = group === 'control' ? (second < 30 ? 10 : 12) : second < 30 ? 11 : 33
      return [duration, duration]
    })

    const found = estimate(cells, 'latency_p50', seededRandom(1))

    expect(Math.exp(found?.harm.effect.low ?? 0)).toBeCloseTo(2.5, 12)
    expect(Math.exp(found?.harm.drift.low ?? 0)).toBeCloseTo(1.2, 12)
    expect(Math.exp(found?.harm.offset.low ?? 0)).toBeCloseTo(1.1, 12)
    // Nothing varies, so nothing is uncertain, and nothing is NaN.
    expect(found?.interval('effect', 0.05)).toEqual(found?.harm.effect)
    expect(found?.standardError).toBeCloseTo(0, 12)
  })

  test('keeps what hits both groups at once out of the interval', () => {
    // A slow second every fifth, in both groups alike.
    const cells = exact((_, second) => (second % 5 === 0 ? [500, 500] : [10, 10]))

    const found = estimate(cells, 'latency_p95', seededRandom(1))

    expect(found?.interval('effect', 0.05)).toEqual({ low: 0, high: 0 })
  })

  test('draws blocks long enough for slow drifts and short enough to leave five of them', () => {
    const steady = estimate(
      exact(() => [10, 10]),
      'latency_p50',
      seededRandom(1),
    )
    // In the attack the experiment is slow for fifteen seconds, then quick: one long run of each.
    const drifting = estimate(
      exact((group, second) => (group === 'experiment' && second >= 30 && second < 45 ? [30, 30] : [10, 10])),
      'latency_p50',
      seededRandom(1),
    )

    expect(steady?.blockSeconds).toEqual({ baseline: 5, attack: 5 })
    expect(drifting?.blockSeconds).toEqual({ baseline: 5, attack: 6 })
  })

  test('is null without data', () => {
    expect(
      estimate(
        exact(() => [] as never),
        'latency_p50',
        seededRandom(1),
      ),
    ).toBeNull()
    expect(
      estimate(
        exact(() => [] as never),
        'success_ratio',
        seededRandom(1),
      ),
    ).toBeNull()
  })

  /**
   * Nominal: 5 % of the intervals miss on either side. Bounds are three standard deviations of a share of 150 runs
   * above what 300 runs of twelve such cases showed: 1.3 % to 6.3 % a side up to persistence 0.6 (30 s and 60 s), 5 % to
   * 6.7 % at 0.8 in two minutes, and up to 9.7 % at 0.8 in one minute, which holds too few independent pieces.
   */
  test.each([
    { title: 'independent seconds', persistence: 0, mostMissed: 0.16 },
    { title: 'seconds that remember, lag-one correlation 0.6', persistence: 0.6, mostMissed: 0.18 },
  ])('holds the true effect in about nine of ten intervals: $title', ({ title, persistence, mostMissed }) => {
    const runs = 150
    const effect = Math.log(1.3)
    const missed = { latency_p50: 0, latency_p99: 0 }
    for (let seed = 1; seed <= runs; seed++) {
      const scenario: Scenario = {
        ...CALM,
        seed,
        rate: 25,
        baselineSeconds: 40,
        attackSeconds: 40,
        recoverySeconds: 0,
        persistence,
        wander: { own: 0.1, common: 0.1 },
        disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 1.3 } : {}),
      }
      const cells = cellsOf(simulate(scenario), inputOf(scenario))
      for (const signal of ['latency_p50', 'latency_p99'] as const) {
        const interval = estimate(cells, signal, seededRandom(seed), null, 400)?.interval('effect', 0.05)
        if (!interval || interval.low > effect || interval.high < effect) missed[signal]++
      }
    }

    console.info(
      `${title}: of ${runs} intervals at 90 %, p50 missed ${missed.latency_p50}, p99 missed ${missed.latency_p99}`,
    )
    expect(missed.latency_p50 / runs).toBeLessThanOrEqual(mostMissed)
    expect(missed.latency_p99 / runs).toBeLessThanOrEqual(mostMissed)
  })
})
