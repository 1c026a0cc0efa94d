import { describe, expect, test } from '@jest/globals'
import { type Calibration, rateOf } from '../judgement/calibration.ts'
import { calibrationText, howOftenItErrs } from './calibration.ts'

/** So many of so many trials were called diverged. */
const counted = (diverged: number, trials: number): Calibration => ({
  scope: {
    judge: '0123456789ab',
    load: { profile: 'steady', requestsPerSecond: 60, writeShare: 0.1 },
    phases: { baselineSeconds: 38, holdSeconds: 36, recoverySeconds: 30, transitionSeconds: 2 },
    signals: [{ name: 'latency_p50', margin: 2, primary: true }],
    abort: { alpha: 0.01, failedShare: 0.05, windowSeconds: 5 },
  },
  atMs: 1_772_442_000_000,
  runs: ['one', 'two'],
  verdicts: {
    resilient: rateOf(trials - diverged, trials),
    diverged: rateOf(diverged, trials),
    inconclusive: rateOf(0, trials),
    invalid: rateOf(0, trials),
  },
  signals: [{ name: 'latency_p50', outside: rateOf(diverged, trials), smallestVisible: 1.25 }],
  aborted: rateOf(0, trials),
})

describe('howOftenItErrs()', () => {
  test('says that nobody has counted, and names the command that does', () => {
    expect(howOftenItErrs(null, '20260302T090000Z-aa')).toMatch(
      /^Not known: .*“divergence calibrate runs\/20260302T090000Z-aa\/experiment.yaml”/,
    )
  })

  test('says how often, how surely, and from how many runs', () => {
    expect(howOftenItErrs(counted(1, 40), 'r')).toBe(
      'Nothing was attacked in 40 trials of the same load, length and margins, cut from 2 runs: 1 (2.50 %; 95 % interval 0.06 % to 13.16 %) were called diverged by mistake, 0 (0 %; 95 % interval 0 % to 8.81 %) invalid, and the abort rule would have ended 0 (0 %; 95 % interval 0 % to 8.81 %). Found outside: p50 latency in 1. Whether that is at most 1 in 20, as the judge promises, so few trials cannot show; 72 without any would.',
    )
  })

  test.each([
    [0, 80, 'keeps its word'],
    [20, 40, 'do not trust it'],
  ])('%d of %d diverged: %s', (diverged, trials, words) => {
    expect(howOftenItErrs(counted(diverged, trials), 'r')).toContain(words)
  })
})

describe('calibrationText()', () => {
  test('is a table of what was counted', () => {
    const lines = calibrationText(counted(1, 40)).split('\n')
    expect(lines).toContainEqual(expect.stringMatching(/^diverged +1 of 40 +2\.50 % +0\.06 % to 13\.16 %/))
    expect(lines).toContainEqual(expect.stringMatching(/^p50 latency outside +1 of 40/))
    expect(lines.at(-2)).toBe('Four of five such runs would see a change of ×1.25 in p50 latency.')
    expect(lines.at(-1)).toBe('Judge 0123456789ab, 60 requests/s a group, 2026-03-02 09:00:00 UTC.')
  })
})
