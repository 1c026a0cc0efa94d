import { describe, expect, test } from '@jest/globals'
import type { Sample } from '../measurement/sample.ts'
import {
  type CalibrationScope,
  calibrationOf,
  FEWEST_TRIALS,
  type Finding,
  findingsOf,
  honesty,
  rateOf,
} from './calibration.ts'
import { judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import type { Outcome, Verdict } from './verdict.ts'

const scope: CalibrationScope = {
  judge: 'test',
  load: { profile: 'steady', requestsPerSecond: 20, writeShare: 0 },
  phases: { baselineSeconds: 30, holdSeconds: 30, recoverySeconds: 10, transitionSeconds: 1 },
  signals: [
    { name: 'success_ratio', margin: 0.01, primary: true },
    { name: 'latency_p50', margin: 1.5, primary: true },
  ],
  abort: { alpha: 0.01, failedShare: 0.05, windowSeconds: 5 },
}

/** A quiet run of so many trials of 70 s. */
function quiet(trials: number, changes: Partial<Scenario> = {}) {
  const seconds = trials * 70
  const lengths = { baselineSeconds: seconds - 40, attackSeconds: 30, recoverySeconds: 10 }
  const scenario: Scenario = { ...CALM, rate: 20, ...lengths, ...changes }
  return { input: inputOf(scenario, { faults: [] }), samples: simulate(scenario) }
}

const about = { scope, atMs: 0, runs: ['one'] }
const found = (verdict: Outcome, aborted = false, smallestVisible: number | null = null): Finding => ({
  verdict,
  aborted,
  signals: [{ name: 'latency_p50', outside: verdict === 'diverged', smallestVisible }],
})

describe('findingsOf()', () => {
  test('cuts a run into trials that share no second, and tells the judge of no fault', () => {
    const seen: { phases: unknown; sent: unknown; samples: number; writes: number }[] = []
    const run = quiet(3)
    const writes = { acknowledged: 9, lost: 1, unacknowledged: 0 }
    const input = { ...run.input, writes: { control: writes, experiment: writes } }
    findingsOf({ ...run, input }, scope, (samples, given) => {
      const from = (ms: number) => (ms - input.phases.baseline.startMs) / 1000
      const { baseline, attack, recovery } = given.phases
      seen.push({
        phases: [baseline, attack, recovery].map(({ startMs, endMs }) => [from(startMs), from(endMs)]),
        sent: given.load.requests,
        samples: samples.length,
        writes: given.writes.experiment.lost,
      })
      expect(given.faults).toEqual([])
      return judge([], given)
    })

    const sent = { control: 1400, experiment: 1400 }
    expect(seen).toEqual([
      {
        phases: [
          [0, 29],
          [30, 60],
          [60, 70],
        ],
        sent,
        samples: 2800,
        writes: 1,
      },
      {
        phases: [
          [70, 99],
          [100, 130],
          [130, 140],
        ],
        sent,
        samples: 2800,
        writes: 0,
      },
      {
        phases: [
          [140, 169],
          [170, 200],
          [200, 210],
        ],
        sent,
        samples: 2800,
        writes: 0,
      },
    ])
  })

  test('makes nothing of a run that is too short', () => {
    expect(findingsOf(quiet(1, { recoverySeconds: 9 }), scope, judge)).toEqual([])
  })

  test('does not leave out a run that the abort rule ended, whose load went on', () => {
    const { input, samples } = quiet(1)
    const { baseline, attack } = input.phases
    const cut = { startMs: attack.startMs, endMs: attack.startMs + 3_000 }
    const phases = { baseline, attack: cut, recovery: { startMs: cut.endMs, endMs: cut.endMs + 10_000 } }

    expect(
      findingsOf(
        {
          input: { ...input, aborted: true, phases },
          samples: [...samples, { ...samples[0], startMs: attack.startMs + 40_000 } as Sample],
        },
        scope,
        judge,
      ),
    ).toHaveLength(1)
  })

  test('counts samples that the run lost as lost in each trial', () => {
    const { input, samples } = quiet(1)
    const load = { ...input.load, requests: { control: 1400, experiment: 1428 } }

    const [finding] = findingsOf({ input: { ...input, load }, samples }, scope, judge)

    expect(finding?.verdict).toBe('invalid')
  })

  test('judges what the abort rule would have ended as called off', () => {
    const bursting = quiet(1, {
      disturb: (group, second) => (group === 'experiment' && second === 5 ? { errorRatio: 1 } : {}),
    })

    const seen: Verdict[] = []
    const [finding] = findingsOf(bursting, scope, (samples, input) => {
      const verdict = judge(samples, input)
      expect(input.phases.attack.endMs - input.phases.attack.startMs).toBe(6_000)
      seen.push(verdict)
      return verdict
    })

    expect(finding).toMatchObject({ aborted: true, verdict: 'diverged' })
    expect(seen).toHaveLength(1)
  })
})

describe('calibrationOf()', () => {
  test('counts verdicts, signals and calls of the abort rule, with exact intervals', () => {
    const findings = [
      found('diverged', true, 1.4),
      found('resilient', false, 1.1),
      found('resilient', false, 1.2),
      found('inconclusive', false, 1.3),
    ]

    const { verdicts, signals, aborted } = calibrationOf(findings, about)

    // (1 - p)^4 = 0.975 and 1 - p^4 = 0.025 for one less.
    expect(verdicts.diverged).toEqual(rateOf(1, 4))
    expect(verdicts.diverged.low).toBeCloseTo(1 - 0.975 ** 0.25, 12)
    expect(verdicts.invalid).toMatchObject({ events: 0, trials: 4, low: 0 })
    expect(verdicts.invalid.high).toBeCloseTo(1 - 0.025 ** 0.25, 12)
    expect(aborted.events).toBe(1)
    expect(signals).toEqual([
      { name: 'success_ratio', outside: rateOf(0, 4), smallestVisible: null },
      { name: 'latency_p50', outside: rateOf(1, 4), smallestVisible: 1.2 },
    ])
  })

  test('knows nothing without trials', () => {
    expect(calibrationOf([], about).verdicts.diverged).toEqual({ events: 0, trials: 0, low: 0, high: 1 })
    expect(honesty(calibrationOf([], about))).toBe('unproven')
  })
})

describe('honesty()', () => {
  const of = (events: number, trials: number) =>
    honesty(
      calibrationOf(
        Array.from({ length: trials }, (_, trial) => found(trial < events ? 'diverged' : 'resilient')),
        about,
      ),
    )

  test('believes the judge as soon as enough trials show it, and not one before', () => {
    expect(of(0, FEWEST_TRIALS)).toBe('honest')
    expect(of(0, FEWEST_TRIALS - 1)).toBe('unproven')
  })

  test('believes it no longer when the whole interval is above 1 in 20', () => {
    expect(of(2, 10)).toBe('unproven')
    expect(of(4, 10)).toBe('dishonest')
  })
})

describe('the judge, calibrated on simulated runs without a difference', () => {
  const trials = 30
  const run = quiet(trials)

  test('raises at most 1 false alarm in 20', () => {
    const { verdicts, signals } = calibrationOf(findingsOf(run, scope, judge), about)

    const { events, high } = verdicts.diverged
    console.info(
      `A/A: ${events} of ${trials} diverged, at most ${(high * 100).toFixed(1)} % at 97.5 % confidence`,
    )
    expect(events / trials).toBeLessThanOrEqual(0.05)
    expect(verdicts.resilient.events).toBeGreaterThan(trials / 2)
    expect(signals.every(({ smallestVisible }) => smallestVisible !== null)).toBe(true)
  })

  test('is found out when it calls everything diverged', () => {
    const liar: typeof judge = (samples, input) => ({
      ...judge(samples.slice(0, 50), input),
      verdict: 'diverged',
    })

    const calibration = calibrationOf(findingsOf(run, scope, liar), about)

    expect(calibration.verdicts.diverged.events).toBe(trials)
    expect(honesty(calibration)).toBe('dishonest')
  })
})
