import { describe, expect, test } from '@jest/globals'
import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'
import { judge } from './judge.ts'
import { CALM, inputOf, type Scenario, simulate } from './simulation.ts'
import { fewestRequests } from './validity.ts'

const calm: Scenario = { ...CALM, rate: 50, baselineSeconds: 40, attackSeconds: 40, recoverySeconds: 20 }

/** Verdict and failed checks of a run that is calm but for `changes`. */
function failed(
  changes: Partial<Scenario>,
  edit: (input: JudgeInput) => Partial<JudgeInput> = () => ({}),
  keep: (sample: Sample) => boolean = () => true,
) {
  const scenario = { ...calm, ...changes }
  const samples = simulate(scenario).filter(keep)
  const requests = {
    control: samples.filter(({ group }) => group === 'control').length,
    experiment: samples.filter(({ group }) => group === 'experiment').length,
  }
  const input = inputOf(scenario)
  const counted = { ...input, load: { ...input.load, requests } }
  const { verdict, validity } = judge(samples, { ...counted, ...edit(counted) })
  return { verdict, failed: validity.filter(({ ok }) => !ok).map(({ check }) => check) }
}

describe('validityChecks()', () => {
  test('let a calm run pass, and a run without any fault (A/A) as well', () => {
    expect(failed({})).toEqual({ verdict: 'resilient', failed: [] })
    expect(failed({}, () => ({ faults: [] }))).toEqual({ verdict: 'resilient', failed: [] })
  })

  test.each<{
    check: string
    verdict: string
    changes?: Partial<Scenario>
    edit?: (input: JudgeInput) => Partial<JudgeInput>
    keep?: (sample: Sample, index?: number) => boolean
  }>([
    { check: 'enough data', verdict: 'inconclusive', changes: { attackSeconds: 19 } },
    {
      check: 'enough data',
      verdict: 'inconclusive',
      edit: () => ({ signals: [{ name: 'success_ratio', margin: 0.001, primary: true }] }),
    },
    {
      check: 'enough data',
      verdict: 'inconclusive',
      edit: ({ signals }) => ({ signals: signals.map(signal => ({ ...signal, primary: false })) }),
    },
    {
      check: 'load generator kept up',
      verdict: 'invalid',
      edit: ({ load }) => ({ load: { ...load, droppedIterations: 1 } }),
    },
    {
      check: 'samples complete',
      verdict: 'invalid',
      edit: ({ load }) => ({ load: { ...load, requests: { ...load.requests, experiment: 5200 } } }),
    },
    {
      check: 'no silent seconds',
      verdict: 'invalid',
      changes: { disturb: (_, second) => ({ silent: second === -7 }) },
    },
    {
      check: 'load as scheduled',
      verdict: 'invalid',
      edit: ({ load }) => ({ load: { ...load, targetRate: 60 } }),
    },
    {
      check: 'clocks and phases agree',
      verdict: 'invalid',
      edit: () => ({ clockOffsetMs: Number.NaN }),
    },
    {
      check: 'clocks and phases agree',
      verdict: 'invalid',
      edit: ({ fault }) => ({ fault: { ...fault, beginMs: fault.beginMs - 2500 } }),
    },
    {
      check: 'healthy before the attack',
      verdict: 'invalid',
      changes: { errorRatio: 0.2 },
    },
    {
      check: 'control group kept its writes',
      verdict: 'invalid',
      edit: ({ writes }) => ({
        writes: { ...writes, control: { acknowledged: 9, lost: 1, unacknowledged: 0 } },
      }),
    },
    {
      check: 'groups alike before the attack',
      verdict: 'invalid',
      changes: { disturb: (group, second) => (group === 'experiment' && second < 0 ? { factor: 2 } : {}) },
    },
    {
      check: 'control group undisturbed',
      verdict: 'invalid',
      changes: { disturb: (_, second) => (second >= 0 ? { factor: 2 } : {}) },
    },
    {
      check: 'control group undisturbed',
      verdict: 'invalid',
      changes: { disturb: (_, second) => (second >= 0 ? { factor: 0.5 } : {}) },
    },
    {
      check: 'fault took effect: zone-outage',
      verdict: 'invalid',
      edit: () => ({
        faults: [
          {
            kind: 'zone-outage',
            targets: ['experiment-a'],
            effect: { proven: false, detail: 'still Ready' },
          },
        ],
      }),
    },
    {
      check: 'fault took effect: zone-outage',
      verdict: 'invalid',
      edit: () => ({
        faults: [{ kind: 'zone-outage', targets: [], effect: { proven: true, detail: 'none' } }],
      }),
    },
  ])('$check fails: $verdict', ({ check, verdict, changes = {}, edit, keep }) => {
    const result = failed(changes, edit, keep)

    expect(result.failed).toContain(check)
    expect(result.verdict).toBe(verdict)
  })

  test('see unequal load', () => {
    // One in ten requests of the experiment was never sent.
    const result = failed({}, undefined, ({ group, startMs }) => group === 'control' || startMs % 200 >= 20)

    expect(result.failed).toContain('equal load on both groups')
    expect(result.verdict).toBe('invalid')
  })
})

describe('validityChecks() of a phase that does not last whole seconds', () => {
  test.each([1, 90, 500, 999])('counts it by its length: %d ms into its last second', lastMs => {
    const short: Partial<Scenario> = { baselineSeconds: 12 }
    const cut = ({ phases }: JudgeInput): Partial<JudgeInput> => {
      const endMs = phases.baseline.endMs - 1000 + lastMs
      return { phases: { ...phases, baseline: { ...phases.baseline, endMs } } }
    }
    // The first request of each second is not there, so that nothing is in the first ms of one.
    const sparse = ({ startMs }: Sample) => startMs % 1000 !== 0
    expect(failed(short, cut, sparse).failed).toEqual(['enough data'])
  })
})

describe('validityChecks() of a surge', () => {
  const surge = { group: 'experiment', factor: 3, startSeconds: 40, durationSeconds: 20 } as const
  const told =
    (changes: Partial<typeof surge> | Record<string, number> = {}) =>
    ({ load }: JudgeInput): Partial<JudgeInput> => ({
      load: { ...load, surges: [{ ...surge, ...changes, inside: { control: 1000, experiment: 3000 } }] },
    })
  /** Three times the load for the first 20 s of the attack, which starts 40 s after the first request. */
  const surging: Partial<Scenario> = {
    disturb: (group, second) => (group === 'experiment' && second >= 0 && second < 20 ? { load: 3 } : {}),
  }
  const uneven = 'equal load on both groups, but for the surge'

  test('believe a run whose groups differ by the scheduled factor, for as long as scheduled', () => {
    expect(failed(surging, told())).toEqual({ verdict: 'resilient', failed: [] })
  })

  test('see what the surge does to the experiment, however unequal the groups are', () => {
    const broken: Partial<Scenario> = {
      disturb: (group, second) =>
        group === 'experiment' && second >= 0 && second < 20 ? { load: 3, errorRatio: 0.05 } : {},
    }
    expect(failed(broken, told())).toEqual({ verdict: 'diverged', failed: [] })
  })

  test.each([
    { title: 'nobody told of', changes: surging, edit: () => ({}), check: 'equal load on both groups' },
    { title: 'that did not come', changes: {}, edit: told(), check: uneven },
    { title: 'of another factor', changes: surging, edit: told({ factor: 2.8 }), check: uneven },
    { title: 'that lasted longer', changes: surging, edit: told({ durationSeconds: 18 }), check: uneven },
    {
      title: 'that began before the attack',
      changes: surging,
      edit: told({ startSeconds: 38 }),
      check: uneven,
    },
  ])('disbelieve a surge $title', ({ changes, edit, check }) => {
    expect(failed(changes, edit)).toEqual({ verdict: 'invalid', failed: [check] })
  })
})

describe('fewestRequests()', () => {
  test.each([
    // 1.6449^2 x (sqrt(2) / 0.01 - 1) = 379.9
    { name: 'success_ratio', margin: 0.01, expected: 380 },
    // 1.6449^2 x (sqrt(2) / 0.001 - 1) = 3,823.5
    { name: 'success_ratio', margin: 0.001, expected: 3824 },
    { name: 'latency_p95', margin: 2, expected: 200 },
    { name: 'latency_p99', margin: 2, expected: 1000 },
  ] as const)('is $expected for $name within $margin', ({ expected, ...signal }) => {
    expect(fewestRequests({ ...signal, primary: true })).toBe(expected)
  })

  test('is what it takes to place a flawless run inside', () => {
    const flawless = (margin: number) =>
      failed({ rate: 20, attackSeconds: 20, baselineSeconds: 20 }, () => ({
        signals: [{ name: 'success_ratio', margin, primary: true }],
      }))

    // 400 requests in each phase and group: enough for 0.0096, five too few for 0.0094.
    expect(flawless(0.0096)).toEqual({ verdict: 'resilient', failed: [] })
    expect(flawless(0.0094)).toEqual({ verdict: 'inconclusive', failed: ['enough data'] })
  })
})
