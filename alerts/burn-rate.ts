import { UserError } from '../platform/errors.ts'
import { type AlertRule, duration, type RuleGroup, type Severity, type SevLevel } from './rule.ts'
import { BUDGET_DAYS, errorBudget, type Slo, sloLabels } from './slo.ts'

/**
 * Burn: how many times faster than allowed the error budget is spent. At 1 it lasts exactly its period.
 *
 *   bad / events (long window)  --\
 *                                  >-- both >= threshold, and enough bad events in the long one --> alert
 *   bad / events (short window) --/
 *
 * The long window says that it matters, the short one that it still goes on.
 */
export type BurnWindow = {
  readonly name: string
  /** Share of the period's budget that is gone when the long window was full of it; 0 < share < 1. */
  readonly budgetShare: number
  readonly longSeconds: number
  readonly shortSeconds: number
  readonly sev: SevLevel
  readonly severity: Severity
}

/** Rules that belong together: same period, same base series. */
export type BurnProfile = {
  /** Label `slo_profile`: the numbers of two profiles are never mixed. */
  readonly profile: string
  readonly periodSeconds: number
  /** Rates that all windows are made of: over that window, and that often, seconds. */
  readonly base: { readonly windowSeconds: number; readonly everySeconds: number }
  /**
   * Who is asked less than that is judged as if asked that often, events per second. On an idle day the few requests of one
   * experiment would else be all there is, and spend a month.
   */
  readonly fewestPerSecond?: number
  readonly windows: readonly BurnWindow[]
  readonly source: string
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Fewer bad events than this are chance, not an incident. */
export const FEWEST_BAD_EVENTS = 20

/** An incident of level 1: at least so many of all events are bad, for so long. */
const MOSTLY_FAILING = { ratio: 0.5, forSeconds: 60 }

const MONTH_WINDOWS: readonly BurnWindow[] = [
  {
    name: 'MonthBudgetBurnFast',
    budgetShare: 0.02,
    longSeconds: HOUR,
    shortSeconds: 5 * MINUTE,
    sev: 2,
    severity: 'page',
  },
  {
    name: 'MonthBudgetBurnMedium',
    budgetShare: 0.05,
    longSeconds: 6 * HOUR,
    shortSeconds: 30 * MINUTE,
    sev: 3,
    severity: 'page',
  },
  {
    name: 'MonthBudgetBurnSlow',
    budgetShare: 0.1,
    longSeconds: DAY,
    shortSeconds: 2 * HOUR,
    sev: 4,
    severity: 'ticket',
  },
  {
    name: 'MonthBudgetBurnCreeping',
    budgetShare: 0.1,
    longSeconds: 3 * DAY,
    shortSeconds: 6 * HOUR,
    sev: 4,
    severity: 'ticket',
  },
]

/** The profile of operations: a budget of thirty days. */
export const MONTH_PROFILE: BurnProfile = {
  profile: '30d',
  periodSeconds: BUDGET_DAYS * DAY,
  // Three days of five-second samples would be read with every evaluation.
  base: { windowSeconds: 5 * MINUTE, everySeconds: MINUTE },
  fewestPerSecond: 1,
  windows: MONTH_WINDOWS,
  source:
    'Google SRE Workbook, chapter 5, table 5-8: 2 % in 1 h, 5 % in 6 h, 10 % in 3 d; 10 % in 1 d stands between',
}

/**
 * The profile of experiments, which last 5 to 30 minutes: the same burns in windows that fit. A window shortened by a
 * factor has that much less of the budget to spend.
 */
export const RUN_PROFILE: BurnProfile = {
  profile: 'run',
  periodSeconds: MONTH_PROFILE.periodSeconds,
  base: { windowSeconds: 30, everySeconds: 5 },
  windows: [
    shortened(0, 'RunBudgetBurnFast', 5 * MINUTE, 30),
    shortened(1, 'RunBudgetBurnMedium', 15 * MINUTE, 2 * MINUTE),
    shortened(2, 'RunBudgetBurnSlow', 30 * MINUTE, 5 * MINUTE),
  ],
  source: 'the rows of the 30-day profile, in windows that an experiment of 5 to 30 minutes can fill',
}

export const BURN_PROFILES: readonly BurnProfile[] = [RUN_PROFILE, MONTH_PROFILE]

function shortened(row: number, name: string, longSeconds: number, shortSeconds: number): BurnWindow {
  const model = MONTH_WINDOWS[row]
  if (model === undefined)
    throw new RangeError(`Cannot shorten window ${row}: the profile has ${MONTH_WINDOWS.length}`)
  return {
    ...model,
    name,
    longSeconds,
    shortSeconds,
    budgetShare: (model.budgetShare * longSeconds) / model.longSeconds,
  }
}

/** Burn at which `window` alerts: budget share x period / window. */
export function burnThreshold(window: BurnWindow, profile: BurnProfile): number {
  return Number(((window.budgetShare * profile.periodSeconds) / window.longSeconds).toPrecision(9))
}

/**
 * Refuses promises so weak that a rule could never fire: when every event is bad the burn is 1 / (1 - objective).
 *
 * @throws UserError that names every pair of promise and window
 */
export function requireReachable(slos: readonly Slo[], profiles: readonly BurnProfile[]): void {
  const problems = slos.flatMap(slo =>
    profiles.flatMap(profile =>
      profile.windows.flatMap(window => {
        const threshold = burnThreshold(window, profile)
        const largest = Number((1 / errorBudget(slo)).toPrecision(9))
        return threshold > largest
          ? [`${window.name} needs a burn of ${threshold}, '${slo.id}' can reach ${largest} at most`]
          : []
      }),
    ),
  )
  if (problems.length === 0) return
  throw new UserError(
    'BURN_OUT_OF_REACH',
    `Cannot alert on the error budgets: ${problems.join('; ')}`,
    'Raise the objective, or take the promise out of the profile.',
  )
}

const EVENTS = 'group_slo:events:rate'
const BAD = 'group_slo:bad:rate'
/** Share of events that a promise allows to be bad, by `slo`. */
export const BUDGET = 'slo:error_budget:ratio'

/** What each promise allows, as series, so that one rule can speak of all promises. */
export function budgetRules(slos: readonly Slo[]): RuleGroup {
  return {
    name: 'error-budgets',
    recordings: slos.map(slo => ({
      record: BUDGET,
      expr: `vector(${errorBudget(slo)})`,
      labels: { slo: slo.id },
    })),
    alerts: [],
  }
}

/** One group of rules for a profile. Every rule speaks of all promises at once: they differ by label. */
export function burnRules(slos: readonly Slo[], profile: BurnProfile): RuleGroup {
  requireReachable(slos, [profile])
  const { windowSeconds, everySeconds } = profile.base
  const window = duration(windowSeconds)
  const bases = slos.flatMap(slo => [
    { record: `${EVENTS}${window}`, expr: slo.events(window), labels: sloLabels(slo) },
    { record: `${BAD}${window}`, expr: slo.bad(window), labels: sloLabels(slo) },
  ])
  return {
    name: profile.profile === 'run' ? 'burn-run' : 'burn-month',
    intervalSeconds: everySeconds,
    recordings: bases,
    alerts: [
      ...profile.windows.map(row => burnAlert(row, profile)),
      ...(profile === RUN_PROFILE ? [mostlyFailing(profile)] : []),
    ],
  }
}

/** Mean of a base series over a window; its own window is what it is already. */
function mean(series: string, profile: BurnProfile, seconds: number): string {
  const base = `${series}${duration(profile.base.windowSeconds)}`
  return seconds === profile.base.windowSeconds ? base : `avg_over_time(${base}[${duration(seconds)}])`
}

function events(profile: BurnProfile, seconds: number): string {
  const all = mean(EVENTS, profile, seconds)
  return profile.fewestPerSecond === undefined ? all : `clamp_min(${all}, ${profile.fewestPerSecond})`
}

function badRatio(profile: BurnProfile, seconds: number): string {
  return `${mean(BAD, profile, seconds)} / ${events(profile, seconds)}`
}

/** PromQL of the burn over a window; its value is what an alert shows. */
function burn(profile: BurnProfile, seconds: number): string {
  return `${badRatio(profile, seconds)} / on (slo) group_left () ${BUDGET}`
}

/** How many there were. A sum, not a mean: where only the end of the window is known, only that counts. */
function badEvents(profile: BurnProfile, seconds: number): string {
  const { windowSeconds, everySeconds } = profile.base
  return `sum_over_time(${BAD}${duration(windowSeconds)}[${duration(seconds)}]) * ${everySeconds}`
}

function burns(row: BurnWindow, profile: BurnProfile): string {
  const threshold = burnThreshold(row, profile)
  return [
    `(${spent(profile, row.longSeconds)} >= ${threshold})`,
    `(${burn(profile, row.shortSeconds)} >= ${threshold})`,
    `(${badEvents(profile, row.longSeconds)} >= ${FEWEST_BAD_EVENTS})`,
  ].join('\nand ')
}

/**
 * Burn over the whole window, whatever of it is known: what was not observed spent nothing. A mean over the few minutes
 * after a start of Prometheus would be taken for days.
 */
function spent(profile: BurnProfile, seconds: number): string {
  return `${badEvents(profile, seconds)} / ${seconds} / ${events(profile, seconds)} / on (slo) group_left () ${BUDGET}`
}

function burnAlert(row: BurnWindow, profile: BurnProfile): AlertRule {
  const threshold = burnThreshold(row, profile)
  const goneIn = hours(profile.periodSeconds / threshold)
  return {
    name: row.name,
    expr: burns(row, profile),
    guard: { minEvents: FEWEST_BAD_EVENTS },
    severity: row.severity,
    tier: 'burn',
    sev: row.sev,
    labels: { slo_profile: profile.profile },
    carries: ['group', 'service', 'slo'],
    summary: `{{ $labels.service }} of {{ $labels.group }} breaks its promise: at this rate the failures allowed in ${BUDGET_DAYS} days are used up in ${goneIn} or less`,
    description: `{{ $labels.slo }}: over ${duration(row.longSeconds)} bad events came {{ $value | humanize }} times faster than the promise allows, and over ${duration(row.shortSeconds)} still at least ${threshold} times.`,
  }
}

function mostlyFailing(profile: BurnProfile): AlertRule {
  const fast = profile.windows.find(window => window.sev === 2)
  if (fast === undefined)
    throw new RangeError(`Cannot build level 1: profile ${profile.profile} has no level 2`)
  const seconds = profile.base.windowSeconds
  return {
    name: 'MostlyFailing',
    expr: `(${badRatio(profile, seconds)} >= ${MOSTLY_FAILING.ratio})\nand ${burns(fast, profile)}`,
    guard: { forSeconds: MOSTLY_FAILING.forSeconds, minEvents: FEWEST_BAD_EVENTS },
    severity: 'page',
    tier: 'burn',
    sev: 1,
    labels: { slo_profile: profile.profile },
    carries: ['group', 'service', 'slo'],
    summary: '{{ $labels.service }} of {{ $labels.group }} fails for most of its users',
    description: `{{ $labels.slo }}: {{ $value | humanizePercentage }} of the events of the last ${duration(seconds)} were bad, and at least ${MOSTLY_FAILING.ratio * 100} % for ${duration(MOSTLY_FAILING.forSeconds)}.`,
  }
}

function hours(seconds: number): string {
  const whole = Math.round(seconds / HOUR)
  return whole >= 72 ? `${Math.round(whole / 24)} days` : `${whole} hours`
}
