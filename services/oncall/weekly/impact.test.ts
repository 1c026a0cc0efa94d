import { describe, expect, test } from '@jest/globals'
import { type BadMoment, hasSharedCause, heavyOf, impactsOf, isImpact } from './impact.ts'

/** Two thirds of what is asked fails, and nothing of it in the control group. */
const bad = (atSeconds: number, change: Partial<BadMoment> = {}): BadMoment => ({
  ...{ slo: 'gateway-availability', atMs: atSeconds * 1000, budget: 0.25, badRatio: 0.75, controlRatio: 0 },
  badPerSecond: 6,
  ...change,
})
const stretches = (...moments: BadMoment[]) =>
  impactsOf(moments).map(({ fromMs, toMs }) => [fromMs / 1000, toMs / 1000])

describe('impactsOf()', () => {
  test.each([
    // One bad event at 1,003 s is in the windows that end at 1,005, 1,010 and 1,015 s.
    { title: 'one event is an impact of the step it came in', at: [1005, 1010, 1015], is: [[1000, 1005]] },
    // From 1,003 to 1,031 s: seen from 1,005 to 1,045 s.
    { title: 'ends with the last event', at: [1005, 1010, 1020, 1030, 1040, 1045], is: [[1000, 1035]] },
    { title: 'does not end before it was seen', at: [1005], is: [[1000, 1005]] },
    { title: 'is one over less than a minute', at: [1005, 1060], is: [[1000, 1050]] },
    {
      title: 'is two over a minute',
      at: [1005, 1065],
      is: [
        [1000, 1005],
        [1060, 1065],
      ],
    },
    { title: 'is none where nothing was bad', at: [], is: [] },
  ])('$title', ({ at, is }) => {
    expect(stretches(...at.map(each => bad(each)))).toEqual(is)
    expect(stretches(...at.map(each => bad(each)).reverse())).toEqual(is)
  })

  test('counts all promises of a service as one, and names them', () => {
    const late = bad(1020, { slo: 'gateway-latency' })
    expect(impactsOf([late, bad(1005)])).toEqual([
      {
        fromMs: 1_000_000,
        toMs: 1_010_000,
        lastMs: 1_020_000,
        badEvents: 30,
        slos: ['gateway-availability', 'gateway-latency'],
      },
    ])
  })

  test('leaves out what the control group lost at the same moment', () => {
    expect(stretches(bad(1005, { controlRatio: 0.625 }), bad(1010, { controlRatio: 0.25 }))).toEqual([
      [1005, 1010],
    ])
  })
})

describe('isImpact()', () => {
  test.each([
    { badRatio: 0.25, controlRatio: 0, is: false },
    { badRatio: 0.26, controlRatio: 0, is: true },
    // What is left, 1 in 4, is what the promise allows.
    { badRatio: 0.75, controlRatio: 0.5, is: false },
    { badRatio: 0.75, controlRatio: 0.49, is: true },
    { badRatio: 0.1, controlRatio: 0.9, is: false },
  ])('$badRatio with $controlRatio in the control group: $is', ({ is, ...ratios }) => {
    expect(isImpact(bad(0, ratios))).toBe(is)
  })
})

describe('hasSharedCause()', () => {
  const both = bad(0, { controlRatio: 0.4 })
  test.each([
    { title: 'is not without a moment', moments: [], is: false },
    { title: 'is when the control group broke its promise too', moments: [both], is: true },
    {
      title: 'is not when the control group kept it',
      moments: [bad(0, { badRatio: 0.3, controlRatio: 0.2 })],
      is: false,
    },
    // More than the budget, and less than half of 0.75.
    {
      title: 'is not when it was less than half as bad',
      moments: [bad(0, { controlRatio: 0.3 })],
      is: false,
    },
    { title: 'is not for half of the time', moments: [both, bad(5)], is: false },
    { title: 'is for most of the time', moments: [both, both, bad(5)], is: true },
  ])('$title', ({ moments, is }) => {
    expect(hasSharedCause(moments)).toBe(is)
  })
})

describe('heavyOf()', () => {
  // 20 events come as 4 a second for one step.
  const heavy = bad(1005, { badPerSecond: 4 })
  const light = bad(1100, { badPerSecond: 3.9 })
  const lighter = bad(1200, { badPerSecond: 0.2 })
  const starts = (...moments: BadMoment[]) => heavyOf(impactsOf(moments)).map(({ fromMs }) => fromMs / 1000)

  test('leaves out what is no more than chance', () => {
    expect(starts(heavy, light, lighter)).toEqual([1000])
    expect(starts(heavy, { ...light, badPerSecond: 4 }, lighter)).toEqual([1000, 1095])
  })

  test('keeps the heaviest where all of it is', () => {
    expect(starts(light, lighter)).toEqual([1095])
    expect(starts(lighter)).toEqual([1195])
    expect(starts()).toEqual([])
  })

  test('adds up the events of one promise, and not those of two', () => {
    const half = bad(1010, { badPerSecond: 2 })
    expect(starts({ ...heavy, badPerSecond: 2 }, half, lighter)).toEqual([1000])
    expect(
      starts(
        { ...heavy, badPerSecond: 2 },
        { ...half, slo: 'gateway-latency' },
        bad(1200, { badPerSecond: 3 }),
      ),
    ).toEqual([1195])
  })
})
