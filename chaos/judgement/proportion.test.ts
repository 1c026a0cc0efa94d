import { describe, expect, test } from '@jest/globals'
import { clopperPearson, sumInterval, wilson } from './proportion.ts'

describe('wilson()', () => {
  // statsmodels 0.15: proportion_confint(events, trials, alpha=0.1, method='wilson')
  test.each([
    { events: 0, trials: 3000, low: 0, high: 0.0009010352213834306 },
    { events: 3, trials: 3000, low: 0.00039971693688590224, high: 0.0024995162140547616 },
    { events: 27, trials: 30, low: 0.7744975205091514, high: 0.9593230329907693 },
    { events: 50, trials: 50, low: 0.9486668142137298, high: 1 },
  ])('agrees with statsmodels for $events of $trials', ({ events, trials, low, high }) => {
    const found = wilson(events, trials, 0.05)

    expect(found.low).toBeCloseTo(low, 10)
    expect(found.high).toBeCloseTo(high, 10)
  })

  test('knows nothing without trials', () => {
    expect(wilson(0, 0, 0.05)).toEqual({ low: 0, high: 1 })
  })
})

describe('clopperPearson()', () => {
  // By hand: of 2 trials P(X >= 1) = 1 - (1 - p)^2, P(X >= 2) = p^2; none of n: (1 - p)^n.
  test.each([
    { events: 1, trials: 2, low: 1 - Math.sqrt(0.975), high: Math.sqrt(0.975) },
    { events: 2, trials: 2, low: Math.sqrt(0.025), high: 1 },
    { events: 0, trials: 10, low: 0, high: 1 - 0.025 ** 0.1 },
    { events: 0, trials: 3000, low: 0, high: 1 - 0.025 ** (1 / 3000) },
  ])('is what a hand computes for $events of $trials', ({ events, trials, low, high }) => {
    const found = clopperPearson(events, trials, 0.025)

    expect(found.low).toBeCloseTo(low, 12)
    expect(found.high).toBeCloseTo(high, 12)
  })

  // scipy 1.17.1: binomtest(events, trials).proportion_ci(0.95, 'exact')
  test.each([
    { events: 1, trials: 20, low: 0.0012650894979560339, high: 0.24873276277202772 },
    { events: 3, trials: 3000, low: 0.00020627153716408188, high: 0.0029196164652532967 },
    { events: 13, trials: 400, low: 0.01741614608421214, high: 0.05493481675089489 },
    { events: 27, trials: 30, low: 0.7347115495257919, high: 0.9788828629702774 },
  ])('agrees with scipy for $events of $trials', ({ events, trials, low, high }) => {
    const found = clopperPearson(events, trials, 0.025)

    expect(found.low).toBeCloseTo(low, 10)
    expect(found.high).toBeCloseTo(high, 10)
  })

  test('knows nothing without trials', () => {
    expect(clopperPearson(0, 0, 0.025)).toEqual({ low: 0, high: 1 })
  })
})

describe('sumInterval()', () => {
  // statsmodels 0.15: confint_proportions_2indep(x1, n1, x2, n2, compare='diff', method='newcomb', alpha=0.1)
  test.each([
    { one: [30, 3000], other: [12, 3000], low: 0.002482426422675453, high: 0.009771639350549668 },
    { one: [0, 2800], other: [0, 2800], low: -0.0009653327515672815, high: 0.0009653327515672815 },
    { one: [9, 60], other: [3, 50], low: -0.011107930842046435, high: 0.18758497981079364 },
  ])('agrees with statsmodels for the difference of $one and $other', ({ one, other, low, high }) => {
    const found = sumInterval(
      [
        { events: one[0] ?? 0, trials: one[1] ?? 0, sign: 1 },
        { events: other[0] ?? 0, trials: other[1] ?? 0, sign: -1 },
      ],
      0.05,
    )

    expect(found.low).toBeCloseTo(low, 10)
    expect(found.high).toBeCloseTo(high, 10)
  })

  test('adds the squares of the distances of four proportions', () => {
    // Four times 0 of 2,800: two terms add their upper end of 0.00096533, two take it away.
    const none = { events: 0, trials: 2800 }
    const found = sumInterval(
      [
        { ...none, sign: 1 },
        { ...none, sign: -1 },
        { ...none, sign: 1 },
        { ...none, sign: -1 },
      ],
      0.05,
    )

    expect(found.high).toBeCloseTo(0.0009653327515672815 * Math.SQRT2, 10)
    expect(found.low).toBeCloseTo(-0.0009653327515672815 * Math.SQRT2, 10)
  })
})
