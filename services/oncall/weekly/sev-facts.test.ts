import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type pg from 'pg'
import { instanceOf } from '../alert-fold.ts'
import { startTestServer, type TestServer } from '../database-fixture.ts'
import { parseWeek } from './iso-week.ts'
import type { Policy } from './policy.ts'
import type { AttackWindow } from './report.ts'
import { observedIn, sevFacts } from './sev-facts.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

// It begins in 2026 and ends in 2027.
const WEEK = parseWeek('2026-W53')
const HOUR = 3_600_000
const MINUTE = 60_000
const T = WEEK.fromMs + 24 * HOUR
const NOW = WEEK.fromMs + 48 * HOUR
const POLICY: Policy = {
  slos: [
    { id: 'gateway-availability', service: 'gateway', objective: 0.998, events: 'a', bad: 'b' },
    { id: 'database-availability', service: 'database', objective: 0.998, events: 'a', bad: 'b' },
  ],
  rules: [{ name: 'RunBudgetBurnFast', forSeconds: 5, tier: 'burn', sev: 2 }],
  panels: {},
}
const ATTACK: AttackWindow = {
  ...{ runId: 'run-1', fault: 0, kind: 'kill-pod', group: 'experiment', service: 'gateway', zone: null },
  ...{ beginMs: T - 2_000, endMs: T + 30_000, untilMs: T + 10 * MINUTE },
}

let server: TestServer
let pool: pg.Pool
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)
beforeEach(async () => {
  pool = await server.database()
})

const date = (ms: number) => new Date(ms)

async function event(
  firedMs: number,
  endedMs: number | null,
  change: Readonly<Record<string, string | null>> = {},
  notifiedMs: number | null = null,
): Promise<void> {
  const wanted = {
    ...{ alertname: 'RunBudgetBurnFast', group: 'experiment', service: 'gateway', sev: '2' },
    ...{ slo: 'gateway-availability', slo_profile: 'run' },
    ...change,
  }
  const labels = Object.fromEntries(
    Object.entries(wanted).flatMap(([name, value]): [string, string][] =>
      value === null ? [] : [[name, value]],
    ),
  )
  await pool.query(
    `INSERT INTO alert_instances (instance, name, labels, annotations) VALUES ($1, $2, $3, '{}')
     ON CONFLICT DO NOTHING`,
    [instanceOf(labels), labels.alertname, labels],
  )
  await pool.query(
    `INSERT INTO alert_events (instance, fired_at, ended_at, state, valid_until, firing_ms, flap_count, clock_suspect,
       received_at, notified_at) VALUES ($1, $2, $3, $4, $2, 0, 0, false, $2, $5)`,
    [
      instanceOf(labels),
      date(firedMs),
      endedMs === null ? null : date(endedMs),
      endedMs === null ? 'firing' : 'resolved',
      notifiedMs === null ? null : date(notifiedMs),
    ],
  )
}

/** Every five seconds, both ends included: so much of ten requests a second is bad. */
async function moments(fromMs: number, untilMs: number, experiment: number, control: number): Promise<void> {
  for (let atMs = fromMs; atMs <= untilMs; atMs += 5_000) {
    await pool.query(
      `INSERT INTO bad_windows VALUES ('gateway-availability', 'experiment', $1, 10, $2),
         ('gateway-availability', 'control', $1, 10, $3)`,
      [date(atMs), experiment, control],
    )
  }
}
const taken = (fromMs: number, untilMs: number) =>
  pool.query('INSERT INTO indicator_spans VALUES ($1, $2)', [date(fromMs), date(untilMs)])
const present = (source: string, fromMs: number, untilMs: number) =>
  pool.query('INSERT INTO telemetry_spans VALUES ($1, $2, $3)', [source, date(fromMs), date(untilMs)])

const facts = (policy: Policy | null = POLICY, attacks: readonly AttackWindow[] = [ATTACK]) =>
  sevFacts(pool, policy, WEEK, NOW, attacks)

describe('sevFacts()', () => {
  test('tells an incident from the attack to the person, and what it says of the service', async () => {
    await present('recorder', WEEK.fromMs - HOUR, NOW)
    await present('prometheus', WEEK.fromMs - HOUR, NOW)
    await taken(WEEK.fromMs, NOW)
    // Bad events until T + 45 s.
    await moments(T, T + 55_000, 5, 0)
    // Within the promise: 1 in 1,000.
    await moments(T + 60_000, T + 90_000, 0.01, 0)
    await event(T + 30_000, T + 5 * MINUTE, {}, T + 40_000)
    await event(T + 10_000, T + 2 * MINUTE, {
      alertname: 'TargetDown',
      sev: null,
      slo: null,
      slo_profile: null,
    })
    await event(T - HOUR, null, { alertname: 'DiskFilling', sev: null, service: 'database' })

    const { sevs, reliability, spans } = await facts()

    expect(sevs).toHaveLength(1)
    expect(sevs[0]).toMatchObject({
      ...{ id: 'SEV2-experiment-gateway-20261229T000030Z', level: 2, induced: true, runId: 'run-1' },
      ...{ slos: ['gateway-availability'], sharedCause: false },
      impact: { fromMs: T - 5_000, toMs: T + 45_000, isOver: true },
      detection: { outcome: 'detected', atMs: T + 10_000, afterMs: 15_000, alert: 'TargetDown' },
      recoverMs: 35_000,
      restoreMs: 50_000,
      chain: {
        ...{ injectedMs: T - 2_000, impactMs: T - 2_000, pendingMs: null },
        ...{ firingMs: T + 10_000, notifiedMs: T + 40_000 },
      },
    })
    expect(spans).toEqual([
      { group: 'experiment', service: 'gateway', fromMs: T - 5_000, toMs: T + 5 * MINUTE },
    ])
    const rows = reliability.map(({ group, service, induced, sevs: levels, uptimeMs }) => [
      ...[group, service, induced, levels[2]],
      48 * HOUR - uptimeMs,
    ])
    expect(rows).toEqual([
      ['control', 'gateway', false, 0, 0],
      ['control', 'database', false, 0, 0],
      ['experiment', 'gateway', false, 0, 50_000],
      ['experiment', 'gateway', true, 1, 50_000],
      ['experiment', 'database', false, 0, 0],
      ['experiment', 'database', true, 0, 0],
    ])
  })

  test('knows how long the rule that fired had waited', async () => {
    await event(T + 30_000, T + 5 * MINUTE)
    const { sevs } = await facts()
    expect(sevs[0]?.chain).toMatchObject({ pendingMs: T + 25_000, firingMs: T + 30_000 })
  })

  test('takes off what the control group lost at the same moment', async () => {
    await taken(WEEK.fromMs, NOW)
    await moments(T, T + 55_000, 5, 5)
    // Within the promise, for longer than out of it.
    await moments(T + 60_000, T + 4 * MINUTE, 0.01, 0)
    await event(T + 30_000, T + 5 * MINUTE)
    await event(T + 30_000, T + 5 * MINUTE, { group: 'control' })

    const { sevs } = await facts()

    expect(
      sevs.map(({ group, impact, sharedCause }) => [group, impact?.fromMs ?? null, sharedCause]),
    ).toEqual([
      ['control', T - 5_000, false],
      ['experiment', null, true],
    ])
  })

  test('knows of no impact without a policy', async () => {
    await taken(WEEK.fromMs, NOW)
    await moments(T, T + 55_000, 5, 0)
    await event(T + 30_000, T + 5 * MINUTE)
    const { sevs, reliability } = await facts(null)
    expect(sevs[0]).toMatchObject({
      impact: null,
      detection: { outcome: 'no_impact' },
      chain: { pendingMs: null },
    })
    expect(new Set(reliability.map(({ service }) => service))).toContain('edge')
  })

  test('leaves out alerts that name no group or no service', async () => {
    await event(T, T + MINUTE, { group: null })
    await event(T, T + MINUTE, { service: null })
    expect((await facts()).sevs).toEqual([])
  })

  test('counts an incident in the week in which users felt it first, over the end of the year', async () => {
    await taken(WEEK.fromMs - 24 * HOUR, NOW)
    // Felt before Monday, opened on it.
    await moments(WEEK.fromMs - 30_000, WEEK.fromMs + 30_000, 5, 0)
    await event(WEEK.fromMs + 10_000, WEEK.fromMs + 5 * MINUTE)
    // Felt on the last Sunday, 2027-01-03, opened after it.
    await moments(WEEK.toMs - 30_000, WEEK.toMs + 30_000, 5, 0)
    await event(WEEK.toMs + 10_000, WEEK.toMs + 5 * MINUTE)
    // Long over.
    await event(WEEK.fromMs - 5 * HOUR, WEEK.fromMs - 4 * HOUR)

    const { sevs, reliability, spans } = await sevFacts(pool, POLICY, WEEK, WEEK.toMs + HOUR, [])

    expect(sevs.map(({ openedMs }) => openedMs)).toEqual([WEEK.toMs + 10_000])
    expect(spans.map(({ fromMs }) => fromMs)).toEqual([WEEK.fromMs - 35_000, WEEK.toMs - 35_000])
    expect(
      reliability.find(({ group, service }) => group === 'experiment' && service === 'gateway'),
    ).toMatchObject({
      sevs: { 2: 1 },
      carriedOver: 1,
    })
    const next = await sevFacts(pool, POLICY, parseWeek('2027-W01'), WEEK.toMs + HOUR, [])
    expect([next.sevs, next.spans.length]).toEqual([[], 1])
  })

  test('takes acknowledged writes that were lost for an incident of level 1 of the database', async () => {
    const verdict = (atMs: number) => ({ entry: 'verdict', atMs })
    const input = (lost: number) => ({
      entry: 'judge-input',
      atMs: T,
      input: { writes: { experiment: { lost } } },
    })
    const run = async (runId: string, lost: number, atMs: number) => {
      await pool.query('INSERT INTO runs VALUES ($1, $2, $3, true, null)', [
        runId,
        date(T),
        date(T + 6 * MINUTE),
      ])
      await pool.query(
        'INSERT INTO run_entries VALUES ($1, 0, now(), $2), ($1, 1, now(), $3), ($1, 2, now(), \'{"entry":"phase"}\')',
        [runId, input(lost), verdict(atMs)],
      )
    }
    await run('run-1', 3, T + 5 * MINUTE)
    await run('run-2', 0, T + 5 * HOUR)

    const { sevs } = await facts(POLICY, [{ ...ATTACK, service: 'database' }])

    expect(sevs).toHaveLength(1)
    expect(sevs[0]).toMatchObject({
      ...{ id: 'SEV1-experiment-database-20261229T000500Z', alerts: ['AcknowledgedWritesLost'] },
      ...{ induced: true, runId: 'run-1' },
    })
  })
})

describe('observedIn()', () => {
  const observed = async () => await observedIn(pool, WEEK.fromMs, WEEK.toMs, NOW)

  test('is when both were there, until now', async () => {
    await present('recorder', WEEK.fromMs - HOUR, WEEK.fromMs + 10 * HOUR)
    await present('recorder', WEEK.fromMs + 11 * HOUR, NOW)
    await present('prometheus', WEEK.fromMs + HOUR, WEEK.fromMs + 10.5 * HOUR)
    await present('prometheus', WEEK.fromMs + 12 * HOUR, NOW - 2 * HOUR)
    // Known from 1 h on; gaps from 10 to 12 h, and for the last 2 of 48.
    expect(await observed()).toEqual({ observedMs: 43 * HOUR, gapMs: 4 * HOUR })
  })

  test('does not take a look that came late for a gap', async () => {
    for (const source of ['recorder', 'prometheus']) {
      await present(source, WEEK.fromMs, T)
      await present(source, T + 15_000, NOW)
    }
    expect(await observed()).toEqual({ observedMs: 48 * HOUR, gapMs: 0 })
  })

  test('is nothing while one of the two was never there, or the week has not begun', async () => {
    await present('recorder', WEEK.fromMs, NOW)
    expect(await observed()).toEqual({ observedMs: 0, gapMs: 0 })
    await present('prometheus', WEEK.fromMs, NOW)
    expect(await observedIn(pool, WEEK.toMs, WEEK.toMs + HOUR, NOW)).toEqual({ observedMs: 0, gapMs: 0 })
  })
})
