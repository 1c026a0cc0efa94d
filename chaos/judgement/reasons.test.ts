import { describe, expect, test } from '@jest/globals'
import type { Cells } from './estimate.ts'
import { type Findings, reasons } from './reasons.ts'
import type { Seconds } from './seconds.ts'
import type { SignalResult } from './verdict.ts'

/** Seconds with these requests and failures, and no latencies. */
function secondsOf(requests: number[], failures: number[]): Seconds {
  const none = {
    durationMs: new Float64Array(),
    second: new Uint32Array(),
    firstCensored: 0,
    perSecond: new Uint32Array(),
  }
  return {
    count: requests.length,
    requests: Uint32Array.from(requests),
    failures: Uint32Array.from(failures),
    latency: none,
  }
}

const calm = secondsOf([100, 100], [0, 0])
const cells: Cells = {
  baseline: { control: calm, experiment: calm },
  attack: { control: calm, experiment: secondsOf([100, 100], [3, 0]) },
}
const p95: SignalResult = {
  name: 'latency_p95',
  unit: 'milliseconds',
  control: 40,
  experiment: 120,
  effect: 3,
  low: 2.5,
  high: 3.6,
  margin: 1.5,
  primary: true,
  outcome: 'outside',
  censored: false,
  smallestVisible: 1.2,
  blockSeconds: { baseline: 5, attack: 5 },
  disturbance: null,
}
const findings: Findings = {
  verdict: 'diverged',
  harm: null,
  checks: [],
  signals: [p95],
  cells,
  after: { recovery: { fromFaultStartSeconds: 0, fromFaultEndSeconds: 0 }, worst: [] },
  writes: { acknowledged: 0, lost: 0, unacknowledged: 0 },
}
const first = (changes: Partial<SignalResult>) =>
  reasons({ ...findings, signals: [{ ...p95, ...changes }] })[0]

describe('reasons()', () => {
  test.each<{ outcome: SignalResult['outcome']; changes: Partial<SignalResult>; expected: string }>([
    {
      outcome: 'outside',
      changes: {},
      expected:
        'P95 latency left its margin of ×1.50: ×3.00 against the control and the baseline (90 % interval ×2.50 to ×3.60); 120 ms in the experiment, 40.0 ms in the control.',
    },
    {
      outcome: 'inside',
      changes: { effect: 1.02, low: 0.9, high: 1.1, experiment: 41 },
      expected:
        'P95 latency stayed inside its margin of ×1.50: ×1.02 against the control and the baseline (90 % interval ×0.90 to ×1.10); 41.0 ms in the experiment, 40.0 ms in the control.',
    },
    {
      outcome: 'undecided',
      changes: { effect: 1.4, low: 1.1, high: 1.8, experiment: 56 },
      expected:
        'P95 latency cannot be placed: ×1.40 against the control and the baseline (90 % interval ×1.10 to ×1.80) holds the margin of ×1.50; 56.0 ms in the experiment, 40.0 ms in the control. Four of five such runs would have shown a change of ×1.20.',
    },
    {
      outcome: 'undecided',
      changes: { low: 1.6 },
      expected:
        'P95 latency cannot be placed: ×3.00 against the control and the baseline (90 % interval ×1.60 to ×3.60) lies beyond the margin of ×1.50, but not far enough to decide as one of several signals; 120 ms in the experiment, 40.0 ms in the control. Four of five such runs would have shown a change of ×1.20.',
    },
    {
      outcome: 'no_data',
      changes: { effect: null, low: null, high: null, control: null, experiment: null },
      expected: 'P95 latency has no data, which is never a pass.',
    },
    {
      outcome: 'outside',
      changes: { censored: true, experiment: 5000, effect: 125, low: 80, high: null },
      expected:
        'P95 latency left its margin of ×1.50: at least ×125.0 against the control and the baseline (90 % interval from ×80.0 up, without bound); at least 5,000 ms in the experiment, 40.0 ms in the control.',
    },
  ])('has a sentence with the numbers of a signal that is $outcome', ({ outcome, changes, expected }) => {
    expect(first({ ...changes, outcome })).toBe(expected)
  })

  test('says first what failed, then what decides, then what only shows', () => {
    const text = reasons({
      ...findings,
      verdict: 'invalid',
      checks: [
        { check: 'enough data', ok: true, detail: 'plenty', failure: 'inconclusive' },
        { check: 'load generator kept up', ok: false, detail: '3 never sent', failure: 'invalid' },
      ],
      signals: [
        { ...p95, name: 'latency_p99', primary: false },
        { ...p95, name: 'latency_p50', outcome: 'inside' },
        p95,
        { ...p95, name: 'latency_p99', primary: false, outcome: 'undecided' },
      ],
    })

    expect(text.map(sentence => sentence.split(/[:,]/)[0])).toEqual([
      'Failed check “load generator kept up”',
      'P95 latency left its margin of ×1.50',
      'P50 latency stayed inside its margin of ×1.50',
      'Not declared to decide',
      '3 of 200 requests to the experiment failed during the attack (1.50 %',
    ])
  })

  test('counts what was lost, and in how many seconds', () => {
    const text = reasons({ ...findings, writes: { acknowledged: 12, lost: 2, unacknowledged: 1 } })

    expect(text).toContain(
      '2 of 12 acknowledged writes to the experiment were lost; 1 write took place without an acknowledgement.',
    )
    expect(text).toContain(
      '3 of 200 requests to the experiment failed during the attack (1.50 %, in 1 second), 0 of 200 to the control.',
    )
  })

  test.each([
    { start: 0, end: 0, expected: [] },
    { start: 9, end: 0, expected: ['It was back inside the margins 9 s after the fault began.'] },
    {
      start: 37,
      end: 7,
      expected: [
        'It was back inside the margins 37 s after the fault began.',
        'After the fault ended it took 7 s to be back inside the margins.',
      ],
    },
    { start: null, end: null, expected: ['It was not seen back inside the margins.'] },
  ])('tells the recovery: $start s from its start, $end s from its end', ({ start, end, expected }) => {
    const after = { recovery: { fromFaultStartSeconds: start, fromFaultEndSeconds: end }, worst: [] }

    expect(reasons({ ...findings, after }).slice(2)).toEqual(expected)
  })
})
