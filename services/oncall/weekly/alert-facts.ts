import { ZONES } from '../../../platform/topology.ts'
import { type Sql, toMs, toMsOrNull } from '../database.ts'
import {
  type CountRecord,
  countEvents,
  countFrequency,
  countStanding,
  type FrequencyRecord,
  firstFindings,
  type MentionedRecord,
  measureResolution,
  type Scope,
  type SevSpan,
  strayEvents,
  untoldEvents,
} from './alert-queries.ts'
import { type Week, weekBefore } from './iso-week.ts'
import type { Policy } from './policy.ts'
import type {
  AlertCounts,
  AttackWindow,
  FrequentAlert,
  Mentioned,
  Owner,
  Spread,
  WeekReport,
} from './report.ts'
import { coverageOf, type Finding, type RuleEvents, ruleScores } from './rule-scores.ts'

export type { SevSpan } from './alert-queries.ts'

/** What a weekly report says of alerts. */
export type AlertFacts = Pick<
  WeekReport,
  | 'alerts'
  | 'frequent'
  | 'rules'
  | 'coverage'
  | 'leaks'
  | 'leakCount'
  | 'undelivered'
  | 'undeliveredCount'
  | 'beyondCount'
>

/** How many of the alerts of a service are the most frequent. */
const FREQUENT = 20

/**
 * Counts the alerts of a week.
 *
 * @param attacks also those that began before the week and may be why an alert fired in it
 * @param sevs incidents, also those that began before the week and went on in it
 * @param panels that are known to move by a kind of fault
 */
export async function alertFacts(
  sql: Sql,
  week: Week,
  nowMs: number,
  attacks: readonly AttackWindow[],
  sevs: readonly SevSpan[],
  panels: Policy['panels'],
): Promise<AlertFacts> {
  const scope: Scope = { week, nowMs, attacks, sevs }
  const counts = await countEvents(sql, scope)
  const before = await countFrequency(sql, weekBefore(week))
  const strays = await strayEvents(sql, scope)
  const untold = await untoldEvents(sql, scope)
  const { begun, findings } = await findingsOf(sql, scope)
  const mention = (record: MentionedRecord) => mentioned(record, attacks, nowMs)
  return {
    alerts: await alertCounts(sql, scope, counts),
    frequent: frequentAlerts(counts, before),
    rules: ruleScores(ruleEvents(counts), begun, findings),
    coverage: coverageOf(begun, findings, panels),
    leaks: strays.flatMap(stray => (stray.name === null ? [] : [mention(stray)])),
    leakCount: strays[0]?.leak_count ?? 0,
    undelivered: untold.map(mention),
    undeliveredCount: sumOf(counts, ({ undelivered }) => undelivered),
    beyondCount: strays[0]?.beyond_count ?? 0,
  }
}

/** Attacks that began in the week, and which rules found them. */
async function findingsOf(
  sql: Sql,
  scope: Scope,
): Promise<{ readonly begun: readonly AttackWindow[]; readonly findings: readonly Finding[] }> {
  const { week, attacks } = scope
  const begun = attacks.filter(({ beginMs }) => beginMs >= week.fromMs && beginMs < week.toMs)
  const rows = await firstFindings(sql, { ...scope, attacks: begun })
  return {
    begun,
    findings: rows.map(({ attack, rule, fired_at }) => ({ attack, rule, firedMs: toMs(fired_at) })),
  }
}

const NOTHING: Omit<AlertCounts, keyof Owner> = {
  events: 0,
  carriedOver: 0,
  open: 0,
  oldestOpenMs: null,
  expired: 0,
  unknown: 0,
  flaps: 0,
  noisy: 0,
  selfResolving: 0,
  notified: 0,
  clockSuspect: 0,
  resolution: { n: 0, meanMs: null, p50Ms: null, p90Ms: null },
}

type OwnerRecord = Pick<CountRecord, 'lab_group' | 'service' | 'induced'>

async function alertCounts(
  sql: Sql,
  scope: Scope,
  counts: readonly CountRecord[],
): Promise<readonly AlertCounts[]> {
  const standing = await countStanding(sql, scope)
  const resolutions = await measureResolution(sql, scope)
  const byOwner = new Map<string, AlertCounts>()
  const add = (record: OwnerRecord, what: (known: AlertCounts) => Partial<AlertCounts>) => {
    const owner = { group: record.lab_group, service: record.service, induced: record.induced }
    const key = JSON.stringify(owner)
    const known = byOwner.get(key) ?? { ...owner, ...NOTHING }
    byOwner.set(key, { ...known, ...what(known) })
  }
  for (const count of counts) add(count, known => plus(known, count))
  const asOfMs = Math.min(scope.nowMs, scope.week.toMs)
  for (const one of standing)
    add(one, () => ({
      carriedOver: one.carried_over,
      open: one.open,
      oldestOpenMs: one.oldest_open_at === null ? null : Math.max(0, asOfMs - toMs(one.oldest_open_at)),
    }))
  for (const one of resolutions) add(one, () => ({ resolution: spread(one) }))
  return [...byOwner.values()].sort(
    (one, other) =>
      compare(one.group, other.group) ||
      compare(one.service, other.service) ||
      Number(one.induced) - Number(other.induced),
  )
}

function plus(known: AlertCounts, count: CountRecord): Partial<AlertCounts> {
  return {
    events: known.events + count.events,
    expired: known.expired + count.expired,
    unknown: known.unknown + count.unknown,
    flaps: known.flaps + count.flaps,
    noisy: known.noisy + noisyOf(count),
    selfResolving: known.selfResolving + count.self_resolving,
    notified: known.notified + count.notified,
    clockSuspect: known.clockSuspect + count.clock_suspect,
  }
}

function noisyOf({ induced, self_resolving }: CountRecord): number {
  return induced ? 0 : self_resolving
}

function spread({
  n,
  mean_ms,
  p50_ms,
  p90_ms,
}: {
  readonly n: number
  readonly mean_ms: number
  readonly p50_ms: number
  readonly p90_ms: number
}): Spread {
  return { n, meanMs: mean_ms, p50Ms: p50_ms, p90Ms: p90_ms }
}

/** The most frequent alerts of each service, induced or not. */
function frequentAlerts(
  counts: readonly CountRecord[],
  before: readonly FrequencyRecord[],
): readonly FrequentAlert[] {
  const byAlert = Map.groupBy(counts, alertKey)
  const ranked = [...byAlert.values()].flatMap(own => {
    const [first] = own
    if (first === undefined) return []
    const { lab_group, service, name } = first
    return { lab_group, service, name, ...total(own) }
  })
  const ranksBefore = new Map(ranks(before).map(({ record, rank }) => [alertKey(record), rank]))
  return ranks(ranked)
    .filter(({ rank }) => rank <= FREQUENT)
    .map(({ record, rank }) => ({
      group: record.lab_group,
      service: record.service,
      rank,
      name: record.name,
      events: record.events,
      induced: record.induced,
      flaps: record.flaps,
      firingMs: record.firing_ms,
      noisyShare: record.noisy / record.events,
      rankBefore: ranksBefore.get(alertKey(record)) ?? null,
    }))
}

function total(counts: readonly CountRecord[]) {
  return {
    events: sumOf(counts, ({ events }) => events),
    induced: sumOf(counts, ({ induced, events }) => (induced ? events : 0)),
    flaps: sumOf(counts, ({ flaps }) => flaps),
    firing_ms: sumOf(counts, ({ firing_ms }) => firing_ms),
    noisy: sumOf(counts, noisyOf),
  }
}

/** From 1 within each group and service: by events, then by firing time, then by name. */
function ranks<T extends FrequencyRecord>(
  records: readonly T[],
): readonly { readonly record: T; readonly rank: number }[] {
  const sorted = [...records].sort(
    (one, other) =>
      compare(one.lab_group, other.lab_group) ||
      compare(one.service, other.service) ||
      other.events - one.events ||
      other.firing_ms - one.firing_ms ||
      compare(one.name, other.name),
  )
  const byOwner = Map.groupBy(sorted, ({ lab_group, service }) => JSON.stringify([lab_group, service]))
  return [...byOwner.values()].flatMap(own => own.map((record, index) => ({ record, rank: index + 1 })))
}

function alertKey({ lab_group, service, name }: Pick<CountRecord, 'lab_group' | 'service' | 'name'>): string {
  return JSON.stringify([lab_group, service, name])
}

function ruleEvents(counts: readonly CountRecord[]): readonly RuleEvents[] {
  const attacked = counts.filter(({ lab_group }) => lab_group === 'experiment')
  return [...Map.groupBy(attacked, ({ name }) => name)].map(([rule, own]) => {
    const { events, induced } = total(own)
    return { rule, events, induced }
  })
}

function mentioned(record: MentionedRecord, attacks: readonly AttackWindow[], nowMs: number): Mentioned {
  const firedMs = toMs(record.fired_at)
  const during = attacks
    .filter(({ beginMs, untilMs }) => firedMs >= beginMs && firedMs < (untilMs ?? nowMs))
    .sort((one, other) => other.beginMs - one.beginMs)
  return {
    name: record.name,
    group: record.lab_group,
    service: record.service,
    zone: ZONES.find(zone => zone === record.zone) ?? null,
    firedMs,
    endedMs: toMsOrNull(record.ended_at),
    runId: during[0]?.runId ?? null,
  }
}

function sumOf<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0)
}

/** By code units, what has no name last. */
function compare(one: string | null, other: string | null): number {
  if (one === other) return 0
  if (one === null) return 1
  if (other === null) return -1
  return one < other ? -1 : 1
}
