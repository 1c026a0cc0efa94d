/**
 * How long the alert side of a weekly report takes over a week of many alert events: 400 alert instances of both groups and
 * 40 attacks with their incidents, after an equal week, in a PostgreSQL of its own on this machine. The time is that of the
 * answer as a whole, its questions one after another; the first one finds nothing in the cache of the server.
 *
 *   node bench/weekly.ts [events]
 */
import type pg from 'pg'
import { toDate } from '../services/oncall/database.ts'
import { startTestServer } from '../services/oncall/database-fixture.ts'
import { alertFacts, type SevSpan } from '../services/oncall/weekly/alert-facts.ts'
import { parseWeek, type Week } from '../services/oncall/weekly/iso-week.ts'
import type { AttackWindow } from '../services/oncall/weekly/report.ts'

const WEEK = parseWeek('2026-W47')
const SERVICES = ['edge', 'gateway', 'recommender', 'database', 'ingest']
const KINDS = ['pod-kill', 'network-latency', 'network-loss', 'disk-fill']
const ATTACKS = 40
const ATTACK_MS = 600_000
const ROUNDS = 5
/** Rows written by one statement: the pool gives each 10 s. */
const AT_ONCE = 10_000

/** 400: 40 rules in 5 services of 2 groups, as `Alert07`. */
async function fillInstances(pool: pg.Pool): Promise<void> {
  await pool.query(
    `INSERT INTO alert_instances (instance, name, labels, annotations)
     SELECT md5(g || s || r), name,
       jsonb_build_object('alertname', name, 'group', g, 'service', s, 'zone', chr(97 + r % 3), 'severity', 'ticket'), '{}'
     FROM unnest(ARRAY['control', 'experiment']) g, unnest($1::text[]) s, generate_series(1, 40) r,
       LATERAL (SELECT 'Alert' || lpad(r::text, 2, '0') AS name) n`,
    [SERVICES],
  )
}

/**
 * Spread evenly over the week, each instance in its turn. Lengths are whole intervals of evaluation, as those of Prometheus
 * are, and below four minutes, so that an instance fires again only after it has ended; most resolve, half of them were told
 * to a person.
 */
async function fillEvents(pool: pg.Pool, { fromMs, toMs }: Week, events: number): Promise<void> {
  const stepMs = (toMs - fromMs) / events
  for (let first = 0; first < events; first += AT_ONCE)
    await pool.query(
      `INSERT INTO alert_events (instance, fired_at, ended_at, state, valid_until, firing_ms, flap_count, clock_suspect,
         received_at, notified_at)
       SELECT i.instance, fired_at, fired_at + length, (ARRAY['expired', 'unknown', 'resolved'])[least(n % 20, 2) + 1],
         fired_at + length, date_part('epoch', length) * 1000, n % 7 % 5, false, fired_at,
         CASE WHEN n % 2 = 0 THEN fired_at END
       FROM generate_series($1::int, $2::int) n
       JOIN (SELECT instance, row_number() OVER (ORDER BY instance) - 1 AS place FROM alert_instances) i
         ON i.place = n % 400,
       LATERAL (SELECT $3::timestamptz + n * $4::float8 * interval '1 ms' AS fired_at,
         5 * (1 + (n::bigint * 7919) % 47) * interval '1 s' AS length) t`,
      [first, Math.min(events, first + AT_ONCE) - 1, toDate(fromMs), stepMs],
    )
}

/** One each four hours, of each kind in turn; every fifth hits a zone and no single service. */
function attacksOf({ fromMs, toMs }: Week): readonly AttackWindow[] {
  return Array.from({ length: ATTACKS }, (_, index) => {
    const beginMs = fromMs + (index * (toMs - fromMs)) / ATTACKS
    const endMs = beginMs + ATTACK_MS
    return {
      runId: `run-${index}`,
      fault: 0,
      kind: KINDS[index % KINDS.length] ?? '',
      group: 'experiment',
      service:
        SERVICES[index % SERVICES.length] === 'edge' ? null : (SERVICES[index % SERVICES.length] ?? null),
      zone: index % SERVICES.length === 0 ? 'b' : null,
      beginMs,
      endMs,
      untilMs: endMs + 60_000,
    }
  })
}

/** Each attack opens incidents of two services; one of the control group lasts for three days. */
function sevsOf(attacks: readonly AttackWindow[]): readonly SevSpan[] {
  const spans = attacks.flatMap(({ group, beginMs, untilMs }) =>
    ['edge', 'gateway'].map(service => ({ group, service, fromMs: beginMs + 30_000, toMs: untilMs })),
  )
  return [
    ...spans,
    {
      group: 'control',
      service: 'recommender',
      fromMs: WEEK.fromMs + 86_400_000,
      toMs: WEEK.fromMs + 4 * 86_400_000,
    },
  ]
}

async function measure(pool: pg.Pool): Promise<void> {
  const attacks = attacksOf(WEEK)
  const sevs = sevsOf(attacks)
  for (let round = 1; round <= ROUNDS; round++) {
    const beganMs = performance.now()
    const facts = await alertFacts(pool, WEEK, WEEK.toMs + 1, attacks, sevs, {})
    const tookMs = performance.now() - beganMs
    const events = facts.alerts.reduce((sum, one) => sum + one.events, 0)
    const induced = facts.alerts.reduce((sum, one) => sum + (one.induced ? one.events : 0), 0)
    console.log(
      `${round}: ${tookMs.toFixed(0)} ms, ${events} events, ${induced} induced, ${facts.leakCount} leaks, ` +
        `${facts.alerts.length} rows of services, ${facts.frequent.length} frequent, ${facts.rules.length} rules`,
    )
  }
}

const events = Number(process.argv[2] ?? 1_000_000)
const server = await startTestServer()
try {
  const pool = await server.database()
  await fillInstances(pool)
  await fillEvents(pool, { name: 'before', fromMs: 2 * WEEK.fromMs - WEEK.toMs, toMs: WEEK.fromMs }, events)
  await fillEvents(pool, WEEK, events)
  await pool.query('ANALYZE')
  await measure(pool)
} finally {
  await server.stop()
}
