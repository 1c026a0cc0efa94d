import { type Sql, toDate } from '../database.ts'
import { reachOf } from './attack-window.ts'
import type { Week } from './iso-week.ts'
import type { AttackWindow } from './report.ts'

/*
 * The questions to the database behind a weekly report. A week may hold a million events, of which few were induced or
 * handled: these are looked up from the side of the attacks, incidents and actions, over the indexes, and the rest is what
 * remains. So the events as a whole are only counted, which needs no join.
 */

/** An incident, as far as alerts are held against it. */
export type SevSpan = {
  readonly group: string
  readonly service: string
  readonly fromMs: number
  /** null: it goes on. */
  readonly toMs: number | null
}

/** What a report is asked for. */
export type Scope = {
  readonly week: Week
  readonly nowMs: number
  readonly attacks: readonly AttackWindow[]
  readonly sevs: readonly SevSpan[]
}

/** Fires always: it says that alerts arrive. */
const HEARTBEAT = 'Watchdog'

/** An alert that resolved within this time, or came again so often, nobody needed, milliseconds. */
const SHORT_MS = 300_000
const FLAPPING = 3

/** Alertmanager collects for some time before it tells a person, milliseconds. */
const DELIVERY_MS = 60_000

/** How many alerts a list names. */
const LISTED = 50

/** $1 and $2: the week; $3: the attacks. */
const ATTACKS = `attacks AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($3::jsonb)
    AS a (number integer, lab_group text, zone text, reach text[], begin_at timestamptz, until_at timestamptz)
)`

/** Event `e` fired while attack `a` could be why. */
const DURING = 'e.fired_at >= a.begin_at AND e.fired_at < a.until_at'

/** Event `e` is of the week. */
const IN_WEEK = 'e.fired_at >= $1 AND e.fired_at < $2'

/** Alert instance `i` is in the blast radius of attack `a`. */
const REACHED = `i.lab_group = a.lab_group
  AND (a.reach IS NULL OR i.service IS NULL OR i.service = ANY (a.reach))
  AND (a.zone IS NULL OR i.zone IS NULL OR i.zone = a.zone)`

/**
 * Attacks with the events that fired in their windows, one row for each of both. The planner cannot know how few these are
 * and would read all events once for each attack: materialised, and with `OFFSET 0`, it is kept to the index.
 */
const metBy = (where: string) => `met AS MATERIALIZED (
  SELECT a.number, a.lab_group, a.zone, a.reach, e.instance, e.fired_at, e.ended_at
  FROM attacks a CROSS JOIN LATERAL (
    SELECT e.instance, e.fired_at, e.ended_at FROM alert_events e WHERE ${DURING} AND ${where} OFFSET 0
  ) e
)`
const MET = metBy(IN_WEEK)

const INDUCED = `${MET}, induced AS MATERIALIZED (
  SELECT DISTINCT a.instance, a.fired_at FROM met a JOIN alert_instances i ON i.instance = a.instance AND ${REACHED}
)`

const BY_ITSELF = `e.state = 'resolved' AND (e.firing_ms <= ${SHORT_MS} OR e.flap_count >= ${FLAPPING})`

/** What is counted of events `e`; $5: what fired after it may yet be told to a person. */
const COUNTERS = `count(*) AS events, sum(e.flap_count) AS flaps,
  count(*) FILTER (WHERE e.state = 'expired') AS expired, count(*) FILTER (WHERE e.state = 'unknown') AS unknown,
  count(e.notified_at) AS notified, count(*) FILTER (WHERE e.clock_suspect) AS clock_suspect,
  count(*) FILTER (WHERE ${BY_ITSELF}) AS by_itself,
  count(*) FILTER (WHERE e.notified_at IS NULL AND e.fired_at <= $5) AS undelivered,
  sum(e.firing_ms) AS firing_ms`
const COUNTED = [
  'events',
  'flaps',
  'expired',
  'unknown',
  'notified',
  'clock_suspect',
  'by_itself',
  'undelivered',
  'firing_ms',
] as const

/**
 * Events that somebody acted on, or that an incident of their service speaks of. An incident has those that fired in it,
 * and that which still fired when it began: of one instance no more than the last, since its events follow one another.
 * $4: the incidents.
 */
const HANDLED = `sevs AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($4::jsonb)
    AS s (lab_group text, service text, from_at timestamptz, to_at timestamptz)
), sev_instances AS MATERIALIZED (
  SELECT i.instance, s.from_at, s.to_at FROM sevs s JOIN alert_instances i USING (lab_group, service)
), handled AS MATERIALIZED (
  SELECT e.instance, e.fired_at
  FROM alert_actions x JOIN alert_events e
    ON e.instance = x.instance AND e.fired_at <= x.fired_at AND e.ended_at >= x.fired_at
  WHERE ${IN_WEEK} AND x.fired_at >= $1 AND ${BY_ITSELF}
  UNION
  SELECT e.instance, e.fired_at
  FROM sev_instances s CROSS JOIN LATERAL (
    SELECT e.instance, e.fired_at FROM alert_events e
    WHERE e.instance = s.instance AND e.fired_at >= s.from_at AND e.fired_at <= s.to_at AND ${IN_WEEK} AND ${BY_ITSELF}
    OFFSET 0
  ) e
  UNION
  SELECT e.instance, e.fired_at
  FROM sev_instances s CROSS JOIN LATERAL (
    SELECT e.* FROM alert_events e WHERE e.instance = s.instance AND e.fired_at < s.from_at
    ORDER BY e.fired_at DESC LIMIT 1
  ) e
  WHERE e.ended_at >= s.from_at AND ${IN_WEEK} AND ${BY_ITSELF}
)`

export type CountRecord = {
  readonly lab_group: string | null
  readonly service: string | null
  readonly name: string
  readonly induced: boolean
} & Readonly<Record<(typeof COUNTED)[number] | 'self_resolving', number>>

/** Events of the week by who they are of, by name, and by whether an attack is why. */
export async function countEvents(
  sql: Sql,
  { week, nowMs, attacks, sevs }: Scope,
): Promise<readonly CountRecord[]> {
  const columns = COUNTED.join(', ')
  const sums = COUNTED.map(name => `sum(p.${name})::float8 AS ${name}`).join(', ')
  const { rows } = await sql.query<CountRecord>(
    `WITH ${ATTACKS}, ${INDUCED}, ${HANDLED},
     everything AS (SELECT e.instance, ${COUNTERS} FROM alert_events e WHERE ${IN_WEEK} GROUP BY e.instance),
     of_attacks AS MATERIALIZED (
       SELECT e.instance, ${COUNTERS} FROM alert_events e JOIN induced USING (instance, fired_at) GROUP BY e.instance
     ),
     parts AS (
       SELECT instance, false AS induced, 0 AS handled, ${columns} FROM everything
       UNION ALL
       SELECT instance, false, 0, ${COUNTED.map(name => `-${name}`).join(', ')} FROM of_attacks
       UNION ALL
       SELECT instance, true, 0, ${columns} FROM of_attacks
       UNION ALL
       SELECT h.instance, d.instance IS NOT NULL, 1, ${COUNTED.map(() => '0').join(', ')}
       FROM handled h LEFT JOIN induced d USING (instance, fired_at)
     )
     SELECT i.lab_group, i.service, i.name, p.induced, ${sums},
       sum(p.by_itself - p.handled)::float8 AS self_resolving
     FROM parts p JOIN alert_instances i USING (instance)
     WHERE i.name <> '${HEARTBEAT}'
     GROUP BY i.lab_group, i.service, i.name, p.induced
     HAVING sum(p.events) > 0`,
    [...spanOf(week), attackRows(attacks, nowMs), sevRows(sevs), toDate(nowMs - DELIVERY_MS)],
  )
  return rows
}

export type FrequencyRecord = Pick<CountRecord, 'lab_group' | 'service' | 'name' | 'events' | 'firing_ms'>

/** How often each alert of each service fired in a week, and for how long. */
export async function countFrequency(sql: Sql, week: Week): Promise<readonly FrequencyRecord[]> {
  const { rows } = await sql.query<FrequencyRecord>(
    `WITH counted AS (
       SELECT e.instance, count(*) AS events, sum(e.firing_ms) AS firing_ms
       FROM alert_events e WHERE ${IN_WEEK} GROUP BY e.instance
     )
     SELECT i.lab_group, i.service, i.name, sum(c.events)::float8 AS events, sum(c.firing_ms) AS firing_ms
     FROM counted c JOIN alert_instances i USING (instance)
     WHERE i.name <> '${HEARTBEAT}'
     GROUP BY i.lab_group, i.service, i.name`,
    [...spanOf(week)],
  )
  return rows
}

type OwnerRecord = Pick<CountRecord, 'lab_group' | 'service' | 'induced'>

/** What had begun before the week and went on in it, and what had not ended at its end, or has not yet. */
export async function countStanding(sql: Sql, { week, nowMs, attacks }: Scope) {
  type Standing = OwnerRecord & { carried_over: number; open: number; oldest_open_at: Date | null }
  const { rows } = await sql.query<Standing>(
    `WITH ${ATTACKS}, standing AS MATERIALIZED (
       SELECT e.instance, e.fired_at, e.ended_at FROM alert_events e
       WHERE tstzrange(e.fired_at, e.ended_at, '[]') @> $1::timestamptz
         AND e.fired_at < $1 AND (e.ended_at IS NULL OR e.ended_at > $1)
       UNION
       SELECT e.instance, e.fired_at, e.ended_at FROM alert_events e
       WHERE tstzrange(e.fired_at, e.ended_at, '[]') @> $4::timestamptz
         AND e.fired_at < $2 AND (e.ended_at IS NULL OR e.ended_at > $4)
     ), held AS (
       SELECT i.lab_group, i.service, e.fired_at, e.fired_at < $1 AS is_carried,
         e.ended_at IS NULL OR e.ended_at > $4 AS is_open,
         EXISTS (SELECT FROM attacks a WHERE ${DURING} AND ${REACHED}) AS induced
       FROM standing e JOIN alert_instances i USING (instance)
       WHERE i.name <> '${HEARTBEAT}'
     )
     SELECT lab_group, service, induced, (count(*) FILTER (WHERE is_carried))::float8 AS carried_over,
       (count(*) FILTER (WHERE is_open))::float8 AS open, min(fired_at) FILTER (WHERE is_open) AS oldest_open_at
     FROM held GROUP BY lab_group, service, induced`,
    [...spanOf(week), attackRows(attacks, nowMs), toDate(Math.min(nowMs, week.toMs))],
  )
  return rows
}

/** What `percentile_cont` gives, from values `ms` of which `upto` are not larger, the last one in place `last` from 0. */
function percentile(share: number): string {
  const at = (place: string) => `min(ms) FILTER (WHERE upto > ${place})`
  const place = `${share}::float8 * last`
  return `(${at(`floor(${place})`)} + (${at(`ceil(${place})`)} - ${at(`floor(${place})`)})
    * max(${place} - floor(${place})))`
}

/**
 * From firing to resolved. Rules are evaluated in steps, so that few lengths come many times: these are sorted, not the
 * events. `OFFSET '0'` keeps the planner from taking every length for another; `OFFSET 0` would keep it from a second
 * processor as well.
 */
export async function measureResolution(sql: Sql, { week, nowMs, attacks }: Scope) {
  type Resolution = OwnerRecord & { n: number; mean_ms: number; p50_ms: number; p90_ms: number }
  const length = `round(date_part('epoch', e.ended_at - e.fired_at) * 1000) AS ms`
  const isMeasured = `e.state = 'resolved' AND NOT e.clock_suspect`
  const byLength = `SELECT i.lab_group, i.service, t.ms, count(*)::float8 AS n
    FROM took t JOIN alert_instances i USING (instance)
    WHERE i.name <> '${HEARTBEAT}' GROUP BY i.lab_group, i.service, t.ms`
  const { rows } = await sql.query<Resolution>(
    `WITH ${ATTACKS}, ${INDUCED}, everything AS (
       WITH took AS (SELECT e.instance, ${length} FROM alert_events e WHERE ${IN_WEEK} AND ${isMeasured} OFFSET '0')
       ${byLength}
     ), of_attacks AS MATERIALIZED (
       WITH took AS (
         SELECT e.instance, ${length} FROM alert_events e JOIN induced USING (instance, fired_at) WHERE ${isMeasured}
       ) ${byLength}
     ), parts AS (
       SELECT lab_group, service, ms, false AS induced, n FROM everything
       UNION ALL
       SELECT lab_group, service, ms, false, -n FROM of_attacks
       UNION ALL
       SELECT lab_group, service, ms, true, n FROM of_attacks
     ), lengths AS (
       SELECT lab_group, service, induced, ms, sum(n) AS n FROM parts
       GROUP BY lab_group, service, induced, ms HAVING sum(n) > 0
     ), places AS (
       SELECT *, sum(n) OVER (PARTITION BY lab_group, service, induced ORDER BY ms) AS upto,
         sum(n) OVER (PARTITION BY lab_group, service, induced) - 1 AS last
       FROM lengths
     )
     SELECT lab_group, service, induced, sum(n) AS n, sum(n * ms) / sum(n) AS mean_ms,
       ${percentile(0.5)} AS p50_ms, ${percentile(0.9)} AS p90_ms
     FROM places GROUP BY lab_group, service, induced`,
    [...spanOf(week), attackRows(attacks, nowMs)],
  )
  return rows
}

/** First alert of each rule at each attack that began in the week; `attack` is its place in `scope.attacks`. */
export async function firstFindings(sql: Sql, { week, nowMs, attacks }: Scope) {
  const { rows } = await sql.query<{ attack: number; rule: string; fired_at: Date }>(
    `WITH ${ATTACKS}, ${metBy('a.begin_at >= $1 AND a.begin_at < $2')}
     SELECT a.number AS attack, i.name AS rule, min(a.fired_at) AS fired_at
     FROM met a JOIN alert_instances i ON i.instance = a.instance AND ${REACHED}
     WHERE i.name <> '${HEARTBEAT}'
     GROUP BY a.number, i.name`,
    [...spanOf(week), attackRows(attacks, nowMs)],
  )
  return rows
}

export type MentionedRecord = {
  readonly name: string
  readonly lab_group: string | null
  readonly service: string | null
  readonly zone: string | null
  readonly fired_at: Date
  readonly ended_at: Date | null
}
const MENTIONED = 'i.name, i.lab_group, i.service, i.zone, e.fired_at, e.ended_at'

/** Alerts that fired during attacks and are not their doing: how many, and the last ones of the control group. */
export async function strayEvents(sql: Sql, { week, nowMs, attacks }: Scope) {
  // Without a leak there is one row, for the counts.
  type Stray = { leak_count: number; beyond_count: number } & (MentionedRecord | { name: null })
  const { rows } = await sql.query<Stray>(
    `WITH ${ATTACKS}, ${MET}, strays AS MATERIALIZED (
       SELECT a.instance, a.fired_at, a.ended_at, i.lab_group
       FROM met a JOIN alert_instances i ON i.instance = a.instance
       WHERE i.name <> '${HEARTBEAT}' AND i.lab_group IN ('control', a.lab_group)
       GROUP BY a.instance, a.fired_at, a.ended_at, i.lab_group
       HAVING NOT bool_or(${REACHED})
     ), counts AS (
       SELECT (count(*) FILTER (WHERE lab_group = 'control'))::float8 AS leak_count,
         (count(*) FILTER (WHERE lab_group <> 'control'))::float8 AS beyond_count
       FROM strays
     ), leaks AS (
       SELECT ${MENTIONED} FROM strays e JOIN alert_instances i USING (instance)
       WHERE e.lab_group = 'control' ORDER BY e.fired_at DESC, i.name, e.instance LIMIT ${LISTED}
     )
     SELECT * FROM counts LEFT JOIN leaks ON true ORDER BY fired_at DESC, name`,
    [...spanOf(week), attackRows(attacks, nowMs)],
  )
  return rows
}

/** The last alerts that nobody was told of. */
export async function untoldEvents(sql: Sql, { week, nowMs }: Scope): Promise<readonly MentionedRecord[]> {
  const { rows } = await sql.query<MentionedRecord>(
    `SELECT ${MENTIONED} FROM alert_events e JOIN alert_instances i USING (instance)
     WHERE ${IN_WEEK} AND e.notified_at IS NULL AND e.fired_at <= $3 AND i.name <> '${HEARTBEAT}'
     ORDER BY e.fired_at DESC, i.name, e.instance LIMIT ${LISTED}`,
    [...spanOf(week), toDate(nowMs - DELIVERY_MS)],
  )
  return rows
}

function spanOf({ fromMs, toMs }: Week): readonly Date[] {
  return [toDate(fromMs), toDate(toMs)]
}

function attackRows(attacks: readonly AttackWindow[], nowMs: number): string {
  return JSON.stringify(
    attacks.map(({ group, service, zone, beginMs, untilMs }, number) => ({
      number,
      lab_group: group,
      // A service is in all zones: what one attack does to it, its alerts tell in any of them.
      zone: service === null ? zone : null,
      reach: reachOf(service),
      begin_at: toDate(beginMs),
      until_at: toDate(untilMs ?? nowMs),
    })),
  )
}

function sevRows(sevs: readonly SevSpan[]): string {
  return JSON.stringify(
    sevs.map(({ group, service, fromMs, toMs }) => ({
      lab_group: group,
      service,
      from_at: toDate(fromMs),
      to_at: toMs === null ? 'infinity' : toDate(toMs),
    })),
  )
}
