import { describe, expect, test } from '@jest/globals'
import { isOver, type Limits, type Outcome, stepsOf, tally } from './breakpoint.ts'
import type { Ramp } from './ramp.ts'

const ZERO_MS = 1_795_241_633_000
const ramp: Ramp = { groups: ['control', 'experiment'], ratesPerSecond: [10, 20, 40], stepSeconds: 2 }
const limits: Limits = { failedShare: 0.01, p95Ms: 500 }

type Change = Partial<Outcome> & { readonly sentShare?: number }

/** A ramp as scheduled, 20 ms a request, but for what `change` says of a (group, step). */
function outcomes(change: (group: string, step: number, number: number) => Change = () => ({})): Outcome[] {
  return ramp.groups.flatMap(group =>
    ramp.ratesPerSecond.flatMap((rate, step) => {
      const offered = rate * ramp.stepSeconds
      return Array.from({ length: offered }, (_, number) => ({ number, ...change(group, step, number) }))
        .filter(({ number, sentShare = 1 }) => number < sentShare * offered)
        .map(({ number, sentShare, ...changed }) => ({
          group,
          startMs: ZERO_MS + (step + number / offered) * ramp.stepSeconds * 1000,
          durationMs: 20,
          status: 200,
          outcome: 'ok' as const,
          ...changed,
        }))
    }),
  )
}

const stepsWith = (change?: Parameters<typeof outcomes>[0], stepsDone?: number) =>
  stepsOf(outcomes(change), ramp, limits, ZERO_MS, stepsDone)
const statesOf = (steps: ReturnType<typeof stepsOf>) =>
  steps.map(group => group.steps.map(({ state }) => state))

describe('stepsOf()', () => {
  test('counts every request in the step in which it started', () => {
    const [control] = stepsWith()
    expect(control?.steps.map(({ offered, sent, completed }) => [offered, sent, completed])).toEqual([
      [20, 20, 20],
      [40, 40, 40],
      [80, 80, 80],
    ])
    expect(control).toMatchObject({ group: 'control', heldPerSecond: 40, breakpoint: null })
  })

  test('finds the first step with too many failures, in the group that has them', () => {
    const failing = { outcome: 'error', status: 503 } as const
    // 1 of 40 is 2.5 %, over the limit; the step after holds again, which changes nothing.
    const [control, experiment] = stepsWith((group, step, number) =>
      group === 'experiment' && step === 1 && number === 0 ? failing : {},
    )
    expect(control?.breakpoint).toBeNull()
    expect(experiment).toMatchObject({
      heldPerSecond: 10,
      breakpoint: { requestsPerSecond: 20, state: 'failed' },
    })
  })

  test('calls a step slow whose p95 is over the limit, and not one at the limit', () => {
    const slow = (durationMs: number) => stepsWith((_, step) => (step === 2 ? { durationMs } : {}))
    expect(statesOf(slow(501))[0]).toEqual(['held', 'held', 'slow'])
    expect(statesOf(slow(500))[0]).toEqual(['held', 'held', 'held'])
  })

  test('does not call a group broken when the generator was the one that broke', () => {
    const [control] = stepsWith((_, step) => (step === 1 ? { sentShare: 0.9 } : {}))
    expect(control).toMatchObject({ heldPerSecond: 10, breakpoint: null })
    expect(statesOf([control as NonNullable<typeof control>])).toEqual([['held', 'starved', 'held']])
  })

  test('sees a failing group even when the generator could not keep up with it', () => {
    const [control] = stepsWith((_, step) =>
      step === 1 ? { sentShare: 0.5, outcome: 'timeout', status: 0, durationMs: 3000 } : {},
    )
    expect(control?.breakpoint).toMatchObject({
      requestsPerSecond: 20,
      state: 'failed',
      completed: 0,
      p95Ms: 3000,
    })
  })

  test('leaves out steps that are not over', () => {
    expect(statesOf(stepsWith(undefined, 1))).toEqual([['held'], ['held']])
  })

  test('holds nothing when the first step breaks, and calls silence starved', () => {
    const [control] = stepsOf([], ramp, limits, ZERO_MS)
    expect(control).toMatchObject({ heldPerSecond: null, breakpoint: null })
    expect(control?.steps[0]).toMatchObject({ sent: 0, failedShare: null, p95Ms: null, state: 'starved' })
  })
})

describe('isOver()', () => {
  test('once every group has had a step that did not hold', () => {
    const broken = (who: readonly string[]) =>
      isOver(stepsWith((group, step) => (step === 1 && who.includes(group) ? { durationMs: 900 } : {})))
    expect(broken([])).toBe(false)
    expect(broken(['control'])).toBe(false)
    expect(broken(['control', 'experiment'])).toBe(true)
  })
})

describe('tally()', () => {
  test('counts time-outs as slow and as failed, errors only as failed', () => {
    const one = { group: 'control', startMs: 0 } as const
    expect(
      tally([
        { ...one, durationMs: 10, status: 200, outcome: 'ok' },
        { ...one, durationMs: 30, status: 200, outcome: 'ok' },
        { ...one, durationMs: 1, status: 503, outcome: 'error' },
        { ...one, durationMs: 3000, status: 0, outcome: 'timeout' },
      ]),
    ).toEqual({ sent: 4, completed: 3, failedShare: 0.5, p50Ms: 30, p95Ms: 3000, p99Ms: 3000 })
  })
})
