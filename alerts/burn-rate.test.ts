import { describe, expect, test } from '@jest/globals'
import {
  BURN_PROFILES,
  budgetRules,
  burnRules,
  burnThreshold,
  MONTH_PROFILE,
  RUN_PROFILE,
  requireReachable,
} from './burn-rate.ts'
import { errorBudget, SLOS, type Slo } from './slo.ts'

const [anyPromise] = SLOS
if (anyPromise === undefined) throw new Error('there are promises')
const promise = (objective: number): Slo => ({
  ...anyPromise,
  id: 'thing-availability',
  objective: { value: objective, source: 'test' },
})
const alertOf = (profile: typeof RUN_PROFILE, name: string) => {
  const rule = burnRules(SLOS, profile).alerts.find(each => each.name === name)
  if (rule === undefined) throw new Error(`no alert ${name}`)
  return rule
}

describe('burnThreshold()', () => {
  // Budget share x 30 d / window: 0.02 x 720 h / 1 h; 0.05 x 720 / 6; 0.1 x 720 / 24; 0.1 x 720 / 72.
  test.each([
    { profile: MONTH_PROFILE, thresholds: [14.4, 6, 3, 1] },
    { profile: RUN_PROFILE, thresholds: [14.4, 6, 3] },
  ])('of profile $profile.profile is $thresholds', ({ profile, thresholds }) => {
    expect(profile.windows.map(window => burnThreshold(window, profile))).toEqual(thresholds)
  })

  test('grows with the share and falls with the window', () => {
    const [window] = MONTH_PROFILE.windows
    if (window === undefined) throw new Error('there are windows')

    expect(burnThreshold({ ...window, budgetShare: 0.04 }, MONTH_PROFILE)).toBe(28.8)
    expect(burnThreshold({ ...window, longSeconds: 7200 }, MONTH_PROFILE)).toBe(7.2)
  })
})

describe('the windows', () => {
  test('are those of the definition of incidents', () => {
    const rows = BURN_PROFILES.flatMap(({ profile, windows }) =>
      windows.map(({ longSeconds, shortSeconds, sev }) => [
        profile,
        longSeconds / 60,
        shortSeconds / 60,
        sev,
      ]),
    )

    expect(rows).toEqual([
      ['run', 5, 0.5, 2],
      ['run', 15, 2, 3],
      ['run', 30, 5, 4],
      ['30d', 60, 5, 2],
      ['30d', 360, 30, 3],
      ['30d', 1440, 120, 4],
      ['30d', 4320, 360, 4],
    ])
  })

  test.each(BURN_PROFILES)(
    'of $profile are whole numbers of base windows and of evaluations',
    ({ base, windows }) => {
      for (const { longSeconds, shortSeconds } of windows) {
        expect(longSeconds % base.windowSeconds).toBe(0)
        expect(shortSeconds % base.everySeconds).toBe(0)
        expect(shortSeconds).toBeGreaterThanOrEqual(base.windowSeconds)
      }
    },
  )
})

describe('requireReachable()', () => {
  test('takes every promise that we make', () => {
    expect(() => requireReachable(SLOS, BURN_PROFILES)).not.toThrow()
  })

  test('refuses a promise so weak that its rule could never fire, and names both', () => {
    // 1 / (1 - 0.93) = 14.29 < 14.4
    expect(() => requireReachable([promise(0.93)], [RUN_PROFILE])).toThrow(
      "RunBudgetBurnFast needs a burn of 14.4, 'thing-availability' can reach 14.2857143 at most",
    )
  })

  test('takes one at the very edge', () => {
    // 1 / (1 - objective) = 14.4
    expect(() => requireReachable([promise(1 - 1 / 14.4)], [RUN_PROFILE])).not.toThrow()
  })

  test('names all that are wrong at once', () => {
    expect(() => requireReachable([promise(0.5)], BURN_PROFILES)).toThrow(
      /RunBudgetBurnFast.*RunBudgetBurnMedium.*RunBudgetBurnSlow.*MonthBudgetBurnFast/,
    )
  })

  test('keeps the rules from being built', () => {
    expect(() => burnRules([promise(0.5)], MONTH_PROFILE)).toThrow('MonthBudgetBurnFast')
  })
})

describe('burnRules()', () => {
  test('counts bad events in the long window, and asks both windows for the burn', () => {
    expect(alertOf(RUN_PROFILE, 'RunBudgetBurnMedium').expr.split('\nand ')).toEqual([
      '(sum_over_time(group_slo:bad:rate30s[15m]) * 5 / 900 / avg_over_time(group_slo:events:rate30s[15m]) / on (slo) group_left () slo:error_budget:ratio >= 6)',
      '(avg_over_time(group_slo:bad:rate30s[2m]) / avg_over_time(group_slo:events:rate30s[2m]) / on (slo) group_left () slo:error_budget:ratio >= 6)',
      '(sum_over_time(group_slo:bad:rate30s[15m]) * 5 >= 20)',
    ])
  })

  test('takes the base as it is where the window is its own', () => {
    expect(alertOf(RUN_PROFILE, 'RunBudgetBurnFast').expr).toContain(
      '(group_slo:bad:rate30s / group_slo:events:rate30s / on (slo)',
    )
  })

  test('makes series of each promise once a profile, and never mixes profiles', () => {
    const series = BURN_PROFILES.flatMap(profile =>
      burnRules(SLOS, profile).recordings.map(({ record, labels }) => `${record} ${labels?.slo}`),
    )

    expect(series).toHaveLength(SLOS.length * 2 * BURN_PROFILES.length)
    expect(new Set(series).size).toBe(series.length)
    for (const profile of BURN_PROFILES) {
      for (const { labels } of burnRules(SLOS, profile).alerts)
        expect(labels?.slo_profile).toBe(profile.profile)
    }
  })

  test('says in how long the budget is gone', () => {
    expect(alertOf(MONTH_PROFILE, 'MonthBudgetBurnFast').summary).toContain('used up in 50 hours or less')
    expect(alertOf(MONTH_PROFILE, 'MonthBudgetBurnMedium').summary).toContain('used up in 5 days or less')
  })
})

describe('budgetRules()', () => {
  test('tells the share that each promise allows, without dust of binary fractions', () => {
    expect(budgetRules([promise(0.999)]).recordings).toEqual([
      { record: 'slo:error_budget:ratio', expr: 'vector(0.001)', labels: { slo: 'thing-availability' } },
    ])
  })
})

describe('SLOS', () => {
  test('each have a name of their own that begins with their service, and a source for every number', () => {
    expect(new Set(SLOS.map(({ id }) => id)).size).toBe(SLOS.length)
    for (const slo of SLOS) {
      expect(slo.id.startsWith(`${slo.service}-`)).toBe(true)
      expect(slo.objective.source.length).toBeGreaterThan(20)
      expect(slo.threshold?.source.length ?? 99).toBeGreaterThan(20)
      expect(errorBudget(slo)).toBeGreaterThan(0)
      expect(errorBudget(slo)).toBeLessThan(1)
    }
  })

  test('cover availability, latency and freshness', () => {
    expect(SLOS.map(({ id }) => id)).toEqual([
      'edge-availability',
      'gateway-availability',
      'gateway-latency',
      'recommender-availability',
      'recommender-latency',
      'database-availability',
      'ingest-freshness',
    ])
  })
})
