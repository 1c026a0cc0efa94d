import { count } from '../web/words.ts'
import type { Coverage, Detection, Mean, Owner, Reliability, Sev, SevLevel, WeekReport } from './report.ts'

/*
 * What a weekly report says in words, the same on its page and in its text.
 */

export const SEV_LEVELS: readonly SevLevel[] = [1, 2, 3, 4]
export const NO_VALUE = '–'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** A length of time in its two largest units: `6 d 23 h`, `3 min 20 s`, `4.2 s`; milliseconds in, >= 0. */
export function span(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)}\u00a0ms`
  if (ms < 10 * SECOND_MS) return `${Number((ms / SECOND_MS).toFixed(1))}\u00a0s`
  // Rounded before it is parted: 59.6 s are a minute.
  const seconds = Math.round(ms / SECOND_MS)
  if (seconds < 90) return `${seconds}\u00a0s`
  if (seconds < HOUR_MS / SECOND_MS) return parted(seconds, 60, 'min', 's')
  const minutes = Math.round(ms / MINUTE_MS)
  if (minutes < (2 * DAY_MS) / MINUTE_MS) return parted(minutes, 60, 'h', 'min')
  return parted(Math.round(ms / HOUR_MS), 24, 'd', 'h')
}

function parted(value: number, base: number, large: string, small: string): string {
  const rest = value % base
  const whole = `${Math.floor(value / base)}\u00a0${large}`
  return rest === 0 ? whole : `${whole}\u00a0${rest}\u00a0${small}`
}

export function spanOr(ms: number | null, otherwise = NO_VALUE): string {
  return ms === null ? otherwise : span(ms)
}

/** `3 of 4`, with its share: a percentage alone hides of how few it is. */
export function outOf(part: number, whole: number): string {
  return whole === 0 ? NO_VALUE : `${part} of ${whole} (${percent(part / whole)})`
}

/** What is neither nothing nor all is never rounded to it. @param share [0, 1] */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '<\u00a01\u00a0%'
  if (share < 1 && share > 0.99) return '>\u00a099\u00a0%'
  return `${Math.round(share * 100)}\u00a0%`
}

export function meanText(mean: Mean): string {
  return mean.meanMs === null ? NO_VALUE : span(mean.meanMs)
}

/** What stands behind a mean: how many, their middle and upper end, and how far the mean may be off. */
export function behindMean({ n, p50Ms, p90Ms, lowMs, highMs, isFew }: Mean): string {
  if (n === 0) return 'n 0'
  return [
    `n ${n}${isFew ? ', few' : ''}`,
    `p50 ${spanOr(p50Ms)}, p90 ${spanOr(p90Ms)}`,
    ...(lowMs === null || highMs === null ? [] : [`95 %: ${span(lowMs)} to ${span(highMs)}`]),
  ].join('; ')
}

export function foundText({ detected, withImpact }: Pick<Reliability, 'detected' | 'withImpact'>): string {
  return withImpact === 0 ? 'no impact' : `${detected} of ${withImpact} found`
}

/** `2 d 3 h`, or that there was no failure in all that time. */
export function mtbfText({ mtbfMs, uptimeMs }: Pick<Reliability, 'mtbfMs' | 'uptimeMs'>): string {
  return mtbfMs === null ? `> ${span(uptimeMs)}, no failure` : span(mtbfMs)
}

export function detectionText(detection: Detection): string {
  switch (detection.outcome) {
    case 'detected':
      return `${detection.alert} after ${span(detection.afterMs)}`
    case 'pre_existing':
      return `${detection.alert} fired before`
    case 'missed':
      return 'missed: no alert while it lasted'
    case 'no_impact':
      return 'no impact beyond the control group is known'
  }
}

/** Length of an incident's impact, and whether it goes on. */
export function impactText({ impact }: Pick<Sev, 'impact'>): string {
  if (impact === null) return 'none known'
  const length = span(impact.toMs - impact.fromMs)
  return impact.isOver ? length : `${length} so far`
}

/** Steps from an attack to a person, as far as they are known. */
export function chainText({ chain }: Pick<Sev, 'chain'>): string {
  const { injectedMs } = chain
  if (injectedMs === null) return ''
  const steps = [
    ['impact', chain.impactMs],
    ['pending', chain.pendingMs],
    ['firing', chain.firingMs],
    ['notified', chain.notifiedMs],
  ] as const
  return steps
    .flatMap(([name, atMs]) => (atMs === null ? [] : [`${name} ${signed(atMs - injectedMs)}`]))
    .join(', ')
}

/** After (or, by another clock or an older cause, before) the injection. */
const signed = (ms: number) => (ms < 0 ? `−${span(-ms)}` : `+${span(ms)}`)

/** `gateway, experiment`. */
export function ownerText({ group, service }: Pick<Owner, 'group' | 'service'>): string {
  if (group === null && service === null) return 'the lab itself'
  return [service ?? 'no service', group ?? 'no group'].join(', ')
}

const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
] as const

function dayText(ms: number, withYear: boolean): string {
  const date = new Date(ms)
  const year = withYear ? ` ${date.getUTCFullYear()}` : ''
  return `${DAY_NAMES[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}${year}`
}

/** `Week 47 of 2026`. */
export function weekTitle({ week }: Pick<WeekReport, 'week'>): string {
  const [year, number] = week.split('-W')
  return `Week ${Number(number)} of ${year}`
}

/** `Monday 16 to Sunday 22 November 2026`, both in full where they differ. */
export function weekDates({ fromMs, toMs }: Pick<WeekReport, 'fromMs' | 'toMs'>): string {
  const lastMs = toMs - 1
  const [from, last] = [new Date(fromMs), new Date(lastMs)]
  const isSameYear = from.getUTCFullYear() === last.getUTCFullYear()
  return `${dayText(fromMs, !isSameYear)} to ${dayText(lastMs, true)}`
}

/** How much of the week so far was seen. */
export function observedText(report: WeekReport): string {
  const { fromMs, toMs, madeMs, observedMs, gapMs } = report
  if (madeMs < fromMs) return 'It has not begun.'
  const soFarMs = Math.min(madeMs, toMs) - fromMs
  const share = soFarMs === 0 ? NO_VALUE : percent(Math.min(1, observedMs / soFarMs))
  const whole = report.isPartial ? 'the time so far' : 'it'
  const gap = gapMs === 0 ? 'There was no gap' : `For ${span(gapMs)} nobody looked`
  return `${share} of ${whole} was observed (${span(observedMs)}). ${gap}.`
}

/** Incidents by level in the order of their weight: `1 SEV2, 3 SEV4`. */
function levelsText(sevs: readonly Sev[]): string {
  return SEV_LEVELS.flatMap(level => {
    const many = sevs.filter(sev => sev.level === level).length
    return many === 0 ? [] : [`${many} SEV${level}`]
  }).join(', ')
}

/** The week in a few sentences for somebody who reads nothing else. */
export function summary(report: WeekReport): string[] {
  return [alertSentence(report), sevSentence(report), detectSentence(report), runSentence(report)].filter(
    sentence => sentence !== '',
  )
}

/** Whether nothing is known to have been in it; how long services went without a failure may be known all the same. */
export function isEmptyWeek({ alerts, sevs, runs }: WeekReport): boolean {
  return alerts.length === 0 && sevs.length === 0 && runs.length === 0
}

function observedShare({ fromMs, toMs, madeMs, observedMs }: WeekReport): number {
  const soFarMs = Math.min(madeMs, toMs) - fromMs
  return soFarMs <= 0 ? 0 : Math.min(1, observedMs / soFarMs)
}

function alertSentence(report: WeekReport): string {
  const total = (induced: boolean, pick: (row: WeekReport['alerts'][number]) => number) =>
    report.alerts.filter(row => row.induced === induced).reduce((sum, row) => sum + pick(row), 0)
  const [own, induced] = [total(false, row => row.events), total(true, row => row.events)]
  if (own === 0 && induced === 0) {
    const carried = [false, true].flatMap(isInduced => {
      const many = total(isInduced, row => row.carriedOver)
      return many === 0 ? [] : [`${many} ${isInduced ? 'induced' : 'not induced'}`]
    })
    const still =
      carried.length === 0
        ? 'No alert in this week'
        : `No alert began in this week, and from before went on: ${carried.join(', ')}`
    return `${still}; ${percent(observedShare(report))} of it was observed.`
  }
  const told = (isInduced: boolean) => {
    const open = total(isInduced, row => row.open)
    return open === 0 ? 'none of them open' : `${open} of them still open`
  }
  const noise = own === 0 ? '' : `, ${total(false, row => row.noisy)} of them noise, ${told(false)}`
  const doing = induced === 0 ? 'none was' : induced === 1 ? '1 was' : `${induced} were`
  const itself = own === 1 ? 'itself' : 'themselves'
  return `${count(own, 'alert')} fired by ${itself}${noise}; ${doing} induced by experiments${induced === 0 ? '' : `, ${told(true)}`}.`
}

function sevSentence({ sevs }: WeekReport): string {
  if (sevs.length === 0) return 'There was no incident.'
  const control = sevs.filter(({ group }) => group === 'control')
  const experiment = sevs.filter(({ group }) => group !== 'control')
  const own = experiment.filter(({ induced }) => !induced)
  const induced = experiment.filter(sev => sev.induced)
  const told = (some: readonly Sev[], where: string) =>
    some.length === 0 ? `none ${where}` : `${levelsText(some)} ${where}`
  return `Incidents: ${told(control, 'in the control group')}; in the experimental group ${told(own, 'by itself')} and ${told(induced, 'by experiments')}.`
}

function detectSentence({ reliability }: WeekReport): string {
  const rows = reliability.filter(row => row.induced && row.withImpact > 0)
  if (rows.length === 0) return ''
  const { detected, withImpact, detect, recover } = pooled(rows)
  const speed =
    detect.meanMs === null
      ? 'no time to find out can be told'
      : `the mean time to find out was ${span(detect.meanMs)}${recover.meanMs === null ? '' : `, to recover from then on ${span(recover.meanMs)}`}`
  const few = withImpact < 5 ? ' So few say little.' : ''
  return `Alerts found ${detected} of ${withImpact} induced incidents that users felt; ${speed}.${few}`
}

function runSentence({ runs }: WeekReport): string {
  if (runs.length === 0) return 'No experiment ran.'
  const verdicts = new Map<string, number>()
  for (const { verdict, state } of runs) {
    const word = verdict ?? state
    verdicts.set(word, (verdicts.get(word) ?? 0) + 1)
  }
  const parts = [...verdicts].sort(([, a], [, b]) => b - a).map(([word, many]) => `${many} ${word}`)
  return `${count(runs.length, 'experiment')} ran: ${parts.join(', ')}.`
}

export type Pooled = {
  readonly sevs: Readonly<Record<SevLevel, number>>
  readonly detected: number
  readonly withImpact: number
  readonly detect: { readonly n: number; readonly meanMs: number | null }
  readonly recover: { readonly n: number; readonly meanMs: number | null }
  readonly mtbfMs: number | null
  /** Of all services, one after the other. */
  readonly uptimeMs: number
  readonly failures: number
}

/** Several services of one group as one: each incident counts the same. @param rows all induced, or none */
export function pooled(rows: readonly Reliability[]): Pooled {
  const sum = (pick: (row: Reliability) => number) => rows.reduce((total, row) => total + pick(row), 0)
  const mean = (pick: (row: Reliability) => Mean) => {
    const n = sum(row => pick(row).n)
    return { n, meanMs: n === 0 ? null : sum(row => (pick(row).meanMs ?? 0) * pick(row).n) / n }
  }
  const uptimeMs = sum(row => row.uptimeMs)
  const failures = sum(failuresOf)
  return {
    sevs: {
      1: sum(row => row.sevs[1]),
      2: sum(row => row.sevs[2]),
      3: sum(row => row.sevs[3]),
      4: sum(row => row.sevs[4]),
    },
    detected: sum(row => row.detected),
    withImpact: sum(row => row.withImpact),
    detect: mean(row => row.detect),
    recover: mean(row => row.recover),
    mtbfMs: failures === 0 ? null : uptimeMs / failures,
    uptimeMs,
    failures,
  }
}

/** What its time between failures was divided by; without any uptime that cannot be told, and all incidents count. */
function failuresOf({ mtbfMs, sevs, uptimeMs }: Reliability): number {
  if (mtbfMs === null) return 0
  return mtbfMs > 0 ? Math.round(uptimeMs / mtbfMs) : sevs[1] + sevs[2] + sevs[3] + sevs[4]
}

/** Gaps of the coverage in words; empty when there is none. */
export function gapTexts({ silentKinds, unseenKinds }: Coverage): string[] {
  return [
    ...(silentKinds.length === 0 ? [] : [`No rule fired at: ${silentKinds.join(', ')}.`]),
    ...(unseenKinds.length === 0 ? [] : [`No panel is known to show: ${unseenKinds.join(', ')}.`]),
  ]
}

/** Change against the week before: an arrow for the eye, and its words. */
export function rankChange(
  rank: number,
  before: number | null,
): { readonly sign: string; readonly words: string } {
  if (before === null) return { sign: 'new', words: 'not in the week before' }
  if (before === rank) return { sign: '=', words: 'the same rank as in the week before' }
  const steps = Math.abs(before - rank)
  return before > rank
    ? { sign: `▲ ${steps}`, words: `up from rank ${before}` }
    : { sign: `▼ ${steps}`, words: `down from rank ${before}` }
}

/** How it is counted: term and meaning. */
export const DEFINITIONS: readonly (readonly [string, string])[] = [
  [
    'Week',
    'ISO 8601, UTC, Monday to Sunday. What spans weeks counts once, in the one in which it began; what had begun before and went on is carried over.',
  ],
  [
    'Alert',
    'One firing interval of one label set. Firing again within 5 minutes of resolving is the same alert, counted as a flap. Silenced and inhibited ones count.',
  ],
  [
    'Induced',
    'It began during an experiment, in its blast radius, or within the minute after. What is induced and what is not is never added up.',
  ],
  [
    'Noisy',
    'It resolved without anybody acting and without an incident, within 5 minutes or flapping three times or more, and no attack was why. Self-resolving is the same with those of attacks.',
  ],
  [
    'Time to resolution',
    'From firing to resolved, of those that resolved. Expired means that the end came without a word, unknown that nobody was looking then; neither counts here.',
  ],
  [
    'SEV',
    'Opened by the burn of an error budget: SEV2 at 14.4 times what the budget allows, SEV3 at 6, SEV4 at 1 to 3; SEV1 is a SEV2 with half of all requests failing, or a database without primary for more than a minute. The worst level counts.',
  ],
  [
    'Impact',
    'First to last bad moment of the experimental group after what was bad in the control group at the same moment is taken off.',
  ],
  [
    'MTTD',
    'Mean time to detect: from the beginning of the impact to the first alert of its service and group, of those that were found. It stands beside how many were.',
  ],
  ['MTTR', 'Mean time to recover: from detection to the end of the impact. Detect and recover make restore.'],
  [
    'MTBF',
    'Mean time between failures: time observed, without impact and gaps, by failures. Without a failure it is only known to be more than that time. Of several services the times are added, as they are watched side by side.',
  ],
  [
    'Few',
    'Fewer than five. No trend is read from them; the interval is where the mean lies with 95 % certainty, by bootstrap.',
  ],
  [
    'Precision, recall',
    'Of what a rule said of the experimental group, the share that attacks explain; of the attacks of kinds at which it has fired in this week, the share it fired at.',
  ],
]
