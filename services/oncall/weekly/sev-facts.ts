import { GROUP_SERVICES, GROUPS } from '../../../platform/topology.ts'
import { type Sql, toDate, toMs, toMsOrNull } from '../database.ts'
import { gapsBetween } from '../telemetry-store.ts'
import type { BadMoment } from './impact.ts'
import { foldSevs, type Incident, openIncidents, type ServiceAlert, startOf } from './incidents.ts'
import { lastTaken } from './indicators.ts'
import type { Week } from './iso-week.ts'
import type { Policy } from './policy.ts'
import { type Interval, isCarriedInto, reliabilityOf, uncoveredMs, unionOf } from './reliability.ts'
import type { AttackWindow, Reliability, Sev, SevLevel } from './report.ts'

/** Incidents that go on into a week began seldom longer ago, milliseconds. */
const BEFORE_MS = 7 * 86_400_000

/** Users feel an outage before an alert says so, and are well again before the last alert ends; milliseconds. */
const AROUND_MS = 3_600_000

/** The database promised to keep what it acknowledged: an incident of level 1, of which no rule can know. */
const LOST_WRITES = { name: 'AcknowledgedWritesLost', service: 'database', sev: 1 } as const

export type SevFacts = {
  /** That began in the week, oldest first. */
  readonly sevs: readonly Sev[]
  readonly reliability: readonly Reliability[]
  /** When there was an incident, also one that began before the week: alerts in between are linked to it. */
  readonly spans: readonly {
    readonly group: string
    readonly service: string
    readonly fromMs: number
    readonly toMs: number | null
  }[]
}

/**
 * Incidents of a week and what they say of the services.
 *
 * @param policy null: nothing is known of promises, so that no incident has an impact
 * @param attacks of the week, and of some time before it
 */
export async function sevFacts(
  sql: Sql,
  policy: Policy | null,
  week: Week,
  nowMs: number,
  attacks: readonly AttackWindow[],
): Promise<SevFacts> {
  const fromMs = week.fromMs - BEFORE_MS
  const untilMs = week.toMs + AROUND_MS
  const levelled = [
    ...(await levelledAlerts(sql, fromMs, untilMs)),
    ...(await lostWrites(sql, fromMs, untilMs)),
  ]
  const around = aroundOf(openIncidents(levelled), nowMs)
  const known = foldSevs({
    alerts: [...levelled, ...(await otherAlerts(sql, around))],
    moments: await badMoments(sql, policy, around),
    attacks,
    forSeconds: new Map(policy?.rules.map(({ name, forSeconds }) => [name, forSeconds])),
    takenUntilMs: await lastTaken(sql),
  })
  const sevs = known.filter(sev => startOf(sev) >= week.fromMs && startOf(sev) < week.toMs)
  const observed = await observedStretches(sql, week.fromMs, week.toMs, nowMs)
  return {
    sevs,
    reliability: reliabilityOf(ownersIn(policy, known, attacks, week), known, week, observed.stretches),
    spans: known
      .filter(sev => sevs.includes(sev) || isCarriedInto(sev, week))
      .map(sev => ({
        group: sev.group,
        service: sev.service,
        fromMs: Math.min(startOf(sev), sev.openedMs),
        toMs: sev.endedMs,
      })),
  }
}

/**
 * How long both Prometheus and the recorder were there, and how long one of them was not. What was before the first word of
 * either is neither.
 *
 * @param untilMs at most until `nowMs` is counted
 */
export async function observedIn(
  sql: Sql,
  fromMs: number,
  untilMs: number,
  nowMs: number,
): Promise<{ observedMs: number; gapMs: number }> {
  const { stretches, gapMs } = await observedStretches(sql, fromMs, untilMs, nowMs)
  return { observedMs: stretches.reduce((sum, one) => sum + one.toMs - one.fromMs, 0), gapMs }
}

async function observedStretches(
  sql: Sql,
  fromMs: number,
  untilMs: number,
  nowMs: number,
): Promise<{ readonly stretches: readonly Interval[]; readonly gapMs: number }> {
  const { rows } = await sql.query<{ first: Date }>(
    'SELECT min(from_at) AS first FROM telemetry_spans GROUP BY source',
  )
  // One of the two was never there.
  if (rows.length < 2) return { stretches: [], gapMs: 0 }
  const whole = {
    fromMs: Math.max(fromMs, ...rows.map(({ first }) => toMs(first))),
    toMs: Math.min(untilMs, nowMs),
  }
  if (whole.toMs <= whole.fromMs) return { stretches: [], gapMs: 0 }
  const gaps = unionOf(await gapsBetween(sql, whole.fromMs, whole.toMs, nowMs))
  const stretches: Interval[] = []
  let sinceMs = whole.fromMs
  for (const gap of gaps) {
    if (gap.fromMs > sinceMs) stretches.push({ fromMs: sinceMs, toMs: Math.min(gap.fromMs, whole.toMs) })
    sinceMs = Math.max(sinceMs, gap.toMs)
  }
  if (sinceMs < whole.toMs) stretches.push({ fromMs: sinceMs, toMs: whole.toMs })
  return { stretches, gapMs: uncoveredMs([whole], stretches) }
}

type AlertRecord = {
  readonly name: string
  readonly lab_group: string
  readonly service: string
  readonly sev: SevLevel | null
  readonly slo: string | null
  readonly profile: string | null
  readonly fired_at: Date
  readonly ended_at: Date | null
  readonly notified_at: Date | null
}

const ALERT_COLUMNS = `i.name, i.lab_group, i.service, i.sev, i.labels ->> 'slo' AS slo,
  i.labels ->> 'slo_profile' AS profile, e.fired_at, e.ended_at, e.notified_at`

function alertOf(record: AlertRecord): ServiceAlert {
  const { name, lab_group: group, service, sev, slo, profile } = record
  return {
    ...{ name, group, service, sev, slo, profile },
    firedMs: toMs(record.fired_at),
    endedMs: toMsOrNull(record.ended_at),
    notifiedMs: toMsOrNull(record.notified_at),
  }
}

/** Alerts that open incidents; one that names no group or no service is nobody's. */
async function levelledAlerts(sql: Sql, fromMs: number, untilMs: number): Promise<readonly ServiceAlert[]> {
  const { rows } = await sql.query<AlertRecord>(
    `SELECT ${ALERT_COLUMNS} FROM alert_events e JOIN alert_instances i USING (instance)
     WHERE i.sev IS NOT NULL AND i.lab_group IS NOT NULL AND i.service IS NOT NULL
       AND tstzrange(e.fired_at, e.ended_at, '[]') && tstzrange($1, $2, '[)')`,
    [toDate(fromMs), toDate(untilMs)],
  )
  return rows.map(alertOf)
}

/** Time around the incidents of one service in one group, overlaps joined. */
type Around = Interval & { readonly group: string; readonly service: string }

function aroundOf(incidents: readonly Incident[], nowMs: number): readonly Around[] {
  const byOwner = Map.groupBy(incidents, ({ group, service }) => `${group}/${service}`)
  return [...byOwner.values()].flatMap(own =>
    unionOf(
      own.map(({ openedMs, endedMs }) => ({
        fromMs: openedMs - AROUND_MS,
        toMs: Math.max(openedMs, endedMs ?? nowMs) + AROUND_MS,
      })),
    ).map(bounds => ({ ...bounds, group: own[0]?.group ?? '', service: own[0]?.service ?? '' })),
  )
}

/** Alerts without a level, of the services that have incidents, around these: they may have found them out. */
async function otherAlerts(sql: Sql, around: readonly Around[]): Promise<readonly ServiceAlert[]> {
  const { rows } = await sql.query<AlertRecord>(
    `SELECT ${ALERT_COLUMNS}
     FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       AS around (lab_group, service, from_at, to_at)
     JOIN alert_instances i ON i.lab_group = around.lab_group AND i.service = around.service AND i.sev IS NULL
     JOIN alert_events e ON e.instance = i.instance
       AND tstzrange(e.fired_at, e.ended_at, '[]') && tstzrange(around.from_at, around.to_at, '[]')`,
    [
      around.map(({ group }) => group),
      around.map(({ service }) => service),
      around.map(({ fromMs }) => toDate(fromMs)),
      around.map(({ toMs: untilMs }) => toDate(untilMs)),
    ],
  )
  return rows.map(alertOf)
}

type MomentRecord = {
  readonly at: Date
  readonly events: number
  readonly bad: number
  readonly control_events: number | null
  readonly control_bad: number | null
}

type ServiceMoment = BadMoment & { readonly group: string; readonly service: string }

/** Moments around incidents at which a promise of their service was broken. */
async function badMoments(
  sql: Sql,
  policy: Policy | null,
  around: readonly Around[],
): Promise<readonly ServiceMoment[]> {
  const moments: (readonly ServiceMoment[])[] = []
  for (const slo of policy?.slos ?? []) {
    for (const group of new Set(around.map(one => one.group))) {
      const own = around.filter(one => one.service === slo.service && one.group === group)
      if (own.length > 0) moments.push(await momentsOf(sql, slo, group, own))
    }
  }
  return moments.flat()
}

/** One promise of one group at a time: each is a stretch of the index, which a join of many is not to the planner. */
async function momentsOf(
  sql: Sql,
  slo: Policy['slos'][number],
  group: string,
  around: readonly Interval[],
): Promise<readonly ServiceMoment[]> {
  const budget = budgetOf(slo)
  const { rows } = await sql.query<MomentRecord>(
    `SELECT w.at, w.events_per_second AS events, w.bad_per_second AS bad,
       c.events_per_second AS control_events, c.bad_per_second AS control_bad
     FROM bad_windows w
     LEFT JOIN bad_windows c ON c.slo = $1 AND c.lab_group = 'control' AND c.at = w.at
       AND c.at BETWEEN $4 AND $5 AND w.lab_group <> 'control'
     WHERE w.slo = $1 AND w.lab_group = $2 AND w.bad_per_second > w.events_per_second * $3::float8
       AND w.at BETWEEN $4 AND $5`,
    [
      slo.id,
      group,
      budget,
      toDate(Math.min(...around.map(({ fromMs }) => fromMs))),
      toDate(Math.max(...around.map(({ toMs: untilMs }) => untilMs))),
    ],
  )
  return rows
    .map(row => ({
      ...{ slo: slo.id, service: slo.service, group, budget },
      atMs: toMs(row.at),
      badRatio: ratioOf(row.bad, row.events),
      badPerSecond: row.bad,
      controlRatio: ratioOf(row.control_bad ?? 0, row.control_events ?? 0),
    }))
    .filter(({ atMs }) => around.some(({ fromMs, toMs: untilMs }) => atMs >= fromMs && atMs <= untilMs))
}

/** Without the dust that binary fractions leave. */
function budgetOf({ objective }: Policy['slos'][number]): number {
  return Number((1 - objective).toPrecision(9))
}

/** Two rates are extrapolated each by itself: more than all of the events cannot be bad. */
function ratioOf(bad: number, events: number): number {
  return bad <= 0 ? 0 : Math.min(1, bad / Math.max(events, bad))
}

/** Runs that found that acknowledged writes were lost, as alerts at the moment of the verdict. */
async function lostWrites(sql: Sql, fromMs: number, untilMs: number): Promise<readonly ServiceAlert[]> {
  const { rows } = await sql.query<{ at_ms: number }>(
    `SELECT (v.entry ->> 'atMs')::float8 AS at_ms
     FROM run_entries v JOIN run_entries j USING (run_id)
     WHERE v.entry ->> 'entry' = 'verdict' AND j.entry ->> 'entry' = 'judge-input'
       AND jsonb_path_exists(j.entry, '$.input.writes.experiment.lost ? (@ > 0)')
       AND run_id IN (SELECT run_id FROM runs WHERE heard_at >= $1 AND opened_at < $2)`,
    [toDate(fromMs), toDate(untilMs)],
  )
  return rows
    .filter(({ at_ms }) => at_ms >= fromMs && at_ms < untilMs)
    .map(({ at_ms }) => ({
      ...LOST_WRITES,
      // There is no way to attack another one, and a run that lost writes of the control is not judged.
      group: 'experiment',
      ...{ slo: null, profile: null, notifiedMs: null },
      firedMs: at_ms,
      endedMs: at_ms,
    }))
}

/** Everybody who promised something, or had an incident; what is induced, where there was something to induce it. */
function ownersIn(policy: Policy | null, sevs: readonly Sev[], attacks: readonly AttackWindow[], week: Week) {
  const services = new Set([
    ...(policy?.slos.map(({ service }) => service) ?? GROUP_SERVICES),
    ...sevs.map(({ service }) => service),
  ])
  const groups = new Set<string>([...GROUPS, ...sevs.map(({ group }) => group)])
  const attacked = new Set<string>([
    ...attacks
      .filter(({ beginMs, untilMs }) => beginMs < week.toMs && (untilMs ?? week.toMs) > week.fromMs)
      .map(({ group }) => group),
    ...sevs.filter(({ induced }) => induced).map(({ group }) => group),
  ])
  return [...groups].flatMap(group =>
    [...services].flatMap(service =>
      (attacked.has(group) ? [false, true] : [false]).map(induced => ({ group, service, induced })),
    ),
  )
}
