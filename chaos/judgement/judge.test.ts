import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Sample } from '../measurement/sample.ts'
import { judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import type { Outcome, Verdict } from './verdict.ts'

const small: Scenario = { ...CALM, rate: 40, baselineSeconds: 30, attackSeconds: 30, recoverySeconds: 20 }
const verdictOf = (scenario: Scenario, changes: Parameters<typeof inputOf>[1] = {}) =>
  judge(simulate(scenario), inputOf(scenario, changes))

/** Every number in a verdict, however deep. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(numbersIn) : []
}

describe('judge()', () => {
  test('gives the same verdict to the bit for the same samples, in whatever order they come', () => {
    const samples = simulate(small)

    const once = JSON.stringify(judge(samples, inputOf(small)))

    expect(JSON.stringify(judge(samples, inputOf(small)))).toBe(once)
    expect(JSON.stringify(judge([...samples].reverse(), inputOf(small)))).toBe(once)
  })

  test.each<{ title: string; expected: Outcome; changes: Partial<Scenario> }>([
    { title: 'nothing happens', expected: 'resilient', changes: {} },
    {
      title: 'the experiment is twice as slow',
      expected: 'diverged',
      changes: { disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 2.5 } : {}) },
    },
    {
      title: 'one in twenty fails',
      expected: 'diverged',
      changes: {
        disturb: (group, second) => (group === 'experiment' && second >= 0 ? { errorRatio: 0.05 } : {}),
      },
    },
    {
      title: 'everything fails',
      expected: 'diverged',
      changes: {
        disturb: (group, second) => (group === 'experiment' && second >= 0 ? { errorRatio: 1 } : {}),
      },
    },
    {
      title: 'the effect lies at the margin',
      expected: 'inconclusive',
      changes: { disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 1.5 } : {}) },
    },
    {
      title: 'the experiment gets better',
      expected: 'resilient',
      changes: { disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 0.4 } : {}) },
    },
    {
      title: 'both groups get slower together, within the margin',
      expected: 'resilient',
      changes: { disturb: (_, second) => (second >= 0 ? { factor: 1.3 } : {}) },
    },
    {
      title: 'both groups get slower together, beyond the margin',
      expected: 'invalid',
      changes: { disturb: (_, second) => (second >= 0 ? { factor: 2.5 } : {}) },
    },
  ])('is $expected when $title', ({ expected, changes }) => {
    expect(verdictOf({ ...small, ...changes }).verdict).toBe(expected)
  })

  test('is invalid, not a pass, without a single sample', () => {
    const verdict = judge([], inputOf(small))

    expect(verdict.verdict).toBe('invalid')
    expect(verdict.signals.map(({ outcome }) => outcome)).toEqual([
      'no_data',
      'no_data',
      'no_data',
      'no_data',
    ])
    expect(numbersIn(verdict).some(Number.isNaN)).toBe(false)
  })

  test('calls a lost acknowledged write divergence, though every ratio is inside', () => {
    const writes = {
      control: { acknowledged: 300, lost: 0, unacknowledged: 0 },
      experiment: { acknowledged: 300, lost: 1, unacknowledged: 0 },
    }
    const verdict = verdictOf(small, { writes })

    expect(verdict.verdict).toBe('diverged')
    expect(verdict.reasons).toContain('1 of 300 acknowledged writes to the experiment was lost.')
  })

  test('tells of the failover seconds of a zone outage in which no request failed', () => {
    // For 6 s a fifth of the requests wait 1.5 s: 48 of 1,600, 3 %: enough for p99, not for p95.
    const failover: Scenario = {
      ...small,
      attackSeconds: 40,
      disturb: (group, second) =>
        group === 'experiment' && second >= 0 && second < 6 ? { slowShare: 0.2, slowMs: 1500 } : {},
    }
    const withP99 = (primary: boolean) =>
      verdictOf(failover, {
        signals: [
          { name: 'success_ratio', margin: 0.01, primary: true },
          { name: 'latency_p95', margin: 2, primary: true },
          { name: 'latency_p99', margin: 3, primary },
        ],
      })

    const decided = withP99(true)
    const shown = withP99(false)

    expect(decided.verdict).toBe('diverged')
    expect(decided.signals[2]).toMatchObject({
      outcome: 'outside',
      disturbance: { delaySeconds: 0, lengthSeconds: 6 },
    })
    expect(shown.verdict).toBe('resilient')
    expect(shown.reasons.join('\n')).toMatch(
      /Not declared to decide: p99 latency left its margin of ×3.00: ×\d+/,
    )
    expect(shown.reasons.join('\n')).toMatch(
      /A disturbance of p95 latency and p99 latency set in with the fault and lasted 6 s/,
    )
    expect(shown.reasons.join('\n')).toContain('0 of 1,600 requests to the experiment failed')
    expect(shown.recovery.fromFaultStartSeconds).toBe(6)
  })

  test('judges 200 requests/s a group over 150 s within 3 s', () => {
    const long: Scenario = { ...CALM, rate: 200, baselineSeconds: 60, attackSeconds: 60, recoverySeconds: 30 }
    const samples = simulate(long)
    const before = process.cpuUsage()

    const { verdict } = judge(samples, inputOf(long))

    const { user, system } = process.cpuUsage(before)
    expect(verdict).toBe('resilient')
    // Processor time, since the tests of other files run beside this one.
    expect((user + system) / 1e6).toBeLessThan(3)
  })

  describe('without a difference (A/A)', () => {
    const kinds: Readonly<Record<string, Partial<Scenario>>> = {
      'independent seconds': { persistence: 0 },
      'seconds that remember': { persistence: 0.8, wander: { own: 0.15, common: 0.2 } },
      // In each group alone, once in fifty seconds, 1 to 3 s in which a fifth of the requests hang.
      'bursts in one group': { disturb: burstsOf(0.02) },
      'sparse errors': { errorRatio: 0.002 },
      'a coarse clock, so many ties': { spread: 0.02, wander: { own: 0, common: 0 } },
    }
    const runs = 40

    test.each(Object.keys(kinds))('seldom finds one: %s', kind => {
      const outcomes: Record<Outcome, number> = { resilient: 0, diverged: 0, inconclusive: 0, invalid: 0 }
      for (let seed = 1; seed <= runs; seed++) {
        const scenario: Scenario = { ...small, rate: 20, ...kinds[kind], seed }
        const samples = simulate(scenario).map(sample =>
          kind.includes('coarse') ? { ...sample, durationMs: Math.round(sample.durationMs) } : sample,
        )
        outcomes[judge(samples, inputOf(scenario, { faults: [] })).verdict]++
      }

      console.info(`A/A, ${kind}: of ${runs} runs ${JSON.stringify(outcomes)}`)
      // 5 % of 40 are 2; were that the true rate, six or more would have a chance of 1.4 %.
      expect(outcomes.diverged).toBeLessThanOrEqual(5)
    })
  })

  describe('whatever the samples are', () => {
    const anySample = fc.record({
      group: fc.constantFrom('control' as const, 'experiment' as const),
      second: fc.integer({ min: -2, max: 82 }),
      durationMs: fc.oneof(fc.constantFrom(0, 10, 5000), fc.double({ min: 0, max: 1e5, noNaN: true })),
      outcome: fc.constantFrom('ok' as const, 'error' as const, 'timeout' as const),
    })
    const toSamples = (
      drawn: readonly (typeof anySample extends fc.Arbitrary<infer T> ? T : never)[],
    ): Sample[] =>
      drawn.map(({ group, second, durationMs, outcome }) => ({
        group,
        route: 'songs',
        kind: 'read',
        startMs: inputOf(small).phases.baseline.startMs + second * 1000,
        durationMs,
        status: outcome === 'ok' ? 200 : 0,
        outcome,
      }))

    test('never says NaN, never passes on nothing, and can be written as JSON', () => {
      fc.assert(
        fc.property(fc.array(anySample, { maxLength: 120 }), drawn => {
          const verdict = judge(toSamples(drawn), inputOf(small))

          expect(numbersIn(verdict).every(Number.isFinite)).toBe(true)
          expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict)
          expect(verdict.reasons.join(' ')).not.toMatch(/NaN|Infinity|undefined|null/)
          expect(verdict.verdict).toBe('invalid')
        }),
        { numRuns: 25, seed: 1 },
      )
    }, 30_000)

    test('does not care at what hour the run took place, nor about the order within a second', () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: -1e9, max: 1e9 }), (seed, shiftMs) => {
          const scenario = { ...small, rate: 10, seed }
          const input = inputOf(scenario)
          const move = ({ startMs, endMs }: { startMs: number; endMs: number }) => ({
            startMs: startMs + shiftMs,
            endMs: endMs + shiftMs,
          })
          const samples = simulate(scenario)
          const shifted = samples.map(sample => ({ ...sample, startMs: sample.startMs + shiftMs }))
          const { baseline, attack, recovery } = input.phases
          const later = {
            ...input,
            phases: { baseline: move(baseline), attack: move(attack), recovery: move(recovery) },
            fault: { beginMs: input.fault.beginMs + shiftMs, endMs: input.fault.endMs + shiftMs },
          }
          // Every request of a second at its first millisecond, the last one first.
          const crowded = [...shifted].reverse().map(sample => ({
            ...sample,
            startMs: Math.floor((sample.startMs - shiftMs) / 1000) * 1000 + shiftMs,
          }))

          const verdict = judge(samples, input)

          expect(judge(shifted, later)).toEqual(verdict)
          expect(judge(crowded, later)).toEqual(verdict)
        }),
        { numRuns: 6, seed: 1 },
      )
    }, 30_000)

    test('does not care for the unit of time: slower by one factor everywhere is the same ratio', () => {
      const samples = simulate(small)
      const slower = samples.map(sample => ({ ...sample, durationMs: sample.durationMs * 8 }))

      const effects = (verdict: Verdict) =>
        verdict.signals.map(({ effect, low, high }) => [effect, low, high])

      const [one, other] = [effects(judge(samples, inputOf(small))), effects(judge(slower, inputOf(small)))]
      one.flat().forEach((value, index) => {
        expect(other.flat()[index]).toBeCloseTo(value ?? Number.NaN, 9)
      })
    })

    test('never turns worse for the system when a margin grows', () => {
      const rank: Readonly<Record<string, number>> = { inside: 0, undecided: 1, outside: 2 }
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 50 }),
          fc.double({ min: 0.8, max: 3, noNaN: true }),
          fc.array(fc.double({ min: 1.01, max: 4, noNaN: true }), { minLength: 2, maxLength: 4 }),
          (seed, slowdown, margins) => {
            const scenario: Scenario = {
              ...small,
              rate: 10,
              seed,
              disturb: (group, second) =>
                group === 'experiment' && second >= 12 ? { factor: slowdown } : {},
            }
            const samples = simulate(scenario)
            const ranks = [...margins]
              .sort((one, other) => one - other)
              .map(margin => {
                const signals = [{ name: 'latency_p95', margin, primary: true }] as const
                const { outcome } = judge(samples, inputOf(scenario, { signals })).signals[0] ?? {}
                return rank[outcome ?? ''] ?? Number.NaN
              })

            expect(ranks).toEqual([...ranks].sort((one, other) => other - one))
          },
        ),
        { numRuns: 12, seed: 1 },
      )
    }, 30_000)
  })
})

/** In each second of each group, with probability `chance`, 1 to 3 s begin in which a fifth of the requests hang. */
function burstsOf(chance: number): Scenario['disturb'] {
  const left = { control: 0, experiment: 0 }
  return (group, _, random) => {
    if (left[group] === 0 && random() < chance) left[group] = 1 + Math.floor(random() * 3)
    if (left[group] === 0) return {}
    left[group]--
    return { slowShare: 0.2, slowMs: 1500 }
  }
}
