import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type pg from 'pg'
import { instanceOf } from '../alert-fold.ts'
import { startTestServer, type TestServer } from '../database-fixture.ts'
import { recordAction } from './alert-actions.ts'
import { alertFacts, type SevSpan } from './alert-facts.ts'
import { parseWeek } from './iso-week.ts'
import type { AttackWindow } from './report.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

// It reaches into the next year.
const WEEK = parseWeek('2026-W53')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Long after the week. */
const AFTER = WEEK.toMs + 30 * DAY
/** Of most attacks. */
const BEGIN = WEEK.fromMs + DAY

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

type Event = {
  readonly name?: string
  readonly group?: string | null
  readonly service?: string | null
  readonly zone?: string
  readonly firedMs: number
  /** null: it fires. */
  readonly lastsMs?: number | null
  readonly state?: 'resolved' | 'expired' | 'unknown'
  readonly firingMs?: number
  readonly flaps?: number
  readonly suspect?: boolean
  readonly notified?: boolean
}

function labelsOf({ name = 'Errors', group = 'experiment', service = 'gateway', zone }: Event) {
  const labels = { alertname: name, group, service, zone }
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    ),
  )
}

async function add(pool: pg.Pool, ...events: readonly Event[]): Promise<void> {
  for (const event of events) {
    const labels = labelsOf(event)
    const instance = instanceOf(labels)
    await pool.query(
      "INSERT INTO alert_instances (instance, name, labels, annotations) VALUES ($1, $2, $3, '{}') ON CONFLICT DO NOTHING",
      [instance, labels.alertname, labels],
    )
    const { firedMs, lastsMs = HOUR, state = 'resolved', flaps = 0, suspect = false, notified = true } = event
    const firedAt = new Date(firedMs)
    const endedAt = lastsMs === null ? null : new Date(firedMs + lastsMs)
    await pool.query(
      `INSERT INTO alert_events (instance, fired_at, ended_at, state, valid_until, firing_ms, flap_count, clock_suspect,
         received_at, notified_at) VALUES ($1, $2, $3, $4, $2, $5, $6, $7, $2, $8)`,
      [
        instance,
        firedAt,
        endedAt,
        lastsMs === null ? 'firing' : state,
        event.firingMs ?? lastsMs ?? 0,
        flaps,
        suspect,
        notified ? firedAt : null,
      ],
    )
  }
}

function attack(over: Partial<AttackWindow> = {}): AttackWindow {
  const beginMs = over.beginMs ?? BEGIN
  return {
    runId: 'run-1',
    fault: 0,
    kind: 'pod-kill',
    group: 'experiment',
    service: 'gateway',
    zone: null,
    beginMs,
    endMs: beginMs + 10 * MINUTE,
    untilMs: beginMs + 11 * MINUTE,
    ...over,
  }
}

type Question = {
  readonly week?: typeof WEEK
  readonly nowMs?: number
  readonly attacks?: readonly AttackWindow[]
  readonly sevs?: readonly SevSpan[]
}

async function factsOf(events: readonly Event[], question: Question = {}) {
  const pool = await server.database()
  await add(pool, ...events)
  return await ask(pool, question)
}

async function ask(pool: pg.Pool, { week = WEEK, nowMs = AFTER, attacks = [], sevs = [] }: Question) {
  return await alertFacts(pool, week, nowMs, attacks, sevs, {})
}

describe('alertFacts() on the week', () => {
  test('says nothing of a week without alerts', async () => {
    expect(await factsOf([{ firedMs: WEEK.toMs }], { attacks: [] })).toEqual({
      alerts: [],
      frequent: [],
      rules: [],
      coverage: { kinds: [], silentKinds: [], unseenKinds: [] },
      leaks: [],
      leakCount: 0,
      undelivered: [],
      undeliveredCount: 0,
      beyondCount: 0,
    })
  })

  test('has what fired from its first instant to before its end, and what had begun before as a column', async () => {
    const pool = await server.database()
    await add(
      pool,
      // Over at the first instant: not carried over.
      { firedMs: WEEK.fromMs - HOUR },
      { firedMs: WEEK.fromMs - 10 * MINUTE },
      { firedMs: WEEK.fromMs },
      { firedMs: Date.parse('2026-12-31T23:59:59.999Z') },
      { firedMs: Date.parse('2027-01-01T00:30:00Z') },
      { firedMs: WEEK.toMs - 1 },
      { firedMs: WEEK.toMs },
      { name: 'Old', firedMs: WEEK.fromMs - 20 * DAY, lastsMs: null },
    )

    const [row, ...others] = (await ask(pool, {})).alerts
    expect(others).toEqual([])
    // The last one and the old one had not ended when the week had.
    expect(row).toMatchObject({ events: 4, carriedOver: 2, open: 2, oldestOpenMs: 27 * DAY })

    const next = await ask(pool, { week: parseWeek('2027-W01') })
    expect(next.alerts).toEqual([expect.objectContaining({ events: 1, carriedOver: 2, open: 1 })])
  })

  test('counts what is open as of now while the week goes on', async () => {
    const nowMs = WEEK.fromMs + DAY
    const events = [
      { firedMs: nowMs - 30 * MINUTE, lastsMs: null },
      { name: 'Ended', firedMs: nowMs - HOUR, lastsMs: HOUR },
      { name: 'Again', firedMs: nowMs - HOUR, lastsMs: HOUR + 1 },
    ]
    const { alerts } = await factsOf(events, { nowMs })
    expect(alerts).toEqual([
      expect.objectContaining({ events: 3, open: 2, oldestOpenMs: HOUR, carriedOver: 0 }),
    ])
  })

  test('has a row for each owner, and none for the alert that always fires', async () => {
    const { alerts, undeliveredCount, frequent } = await factsOf([
      { firedMs: BEGIN },
      { firedMs: BEGIN, service: 'edge' },
      { firedMs: BEGIN, service: null },
      { firedMs: BEGIN, group: null, service: 'zipkin' },
      { firedMs: BEGIN, group: 'control' },
      { firedMs: BEGIN, group: 'system', service: null, name: 'Watchdog', lastsMs: null, notified: false },
      { firedMs: WEEK.fromMs - DAY, group: 'system', service: null, name: 'Watchdog', lastsMs: null },
    ])
    expect(alerts.map(({ group, service, events }) => [group, service, events])).toEqual([
      ['control', 'gateway', 1],
      ['experiment', 'edge', 1],
      ['experiment', 'gateway', 1],
      ['experiment', null, 1],
      [null, 'zipkin', 1],
    ])
    expect(undeliveredCount).toBe(0)
    expect(frequent).toHaveLength(5)
  })

  test('tells apart how alerts ended, and how long those that resolved took', async () => {
    const { alerts } = await factsOf([
      { firedMs: BEGIN, lastsMs: 10 * MINUTE, flaps: 2 },
      { firedMs: BEGIN + DAY, lastsMs: 20 * MINUTE, flaps: 1 },
      { firedMs: BEGIN + DAY + HOUR, lastsMs: 60 * MINUTE, notified: false },
      { firedMs: BEGIN + 2 * DAY, lastsMs: MINUTE, state: 'expired' },
      { firedMs: BEGIN + 3 * DAY, lastsMs: MINUTE, state: 'unknown' },
      { firedMs: BEGIN + 4 * DAY, lastsMs: 0, firingMs: HOUR, suspect: true },
    ])
    expect(alerts).toEqual([
      {
        group: 'experiment',
        service: 'gateway',
        induced: false,
        events: 6,
        carriedOver: 0,
        open: 0,
        oldestOpenMs: null,
        expired: 1,
        unknown: 1,
        flaps: 3,
        noisy: 0,
        selfResolving: 0,
        notified: 5,
        clockSuspect: 1,
        // Place of p90: 0.9 x 2 = 1.8, between 20 and 60 minutes.
        resolution: { n: 3, meanMs: 30 * MINUTE, p50Ms: 20 * MINUTE, p90Ms: 52 * MINUTE },
      },
    ])
  })
})

describe('alertFacts() on attacks', () => {
  const isInduced = async (event: Event, attacks: readonly AttackWindow[], nowMs = AFTER) => {
    const { alerts, beyondCount } = await factsOf([event], { attacks, nowMs })
    return { induced: alerts.filter(({ induced }) => induced).length === 1, beyondCount }
  }

  test.each([
    { title: 'at its begin', event: { firedMs: BEGIN }, expected: true },
    { title: 'before it', event: { firedMs: BEGIN - 1 }, expected: false },
    { title: 'in its last moment', event: { firedMs: BEGIN + 11 * MINUTE - 1 }, expected: true },
    { title: 'after it', event: { firedMs: BEGIN + 11 * MINUTE }, expected: false },
    { title: 'of no service', event: { firedMs: BEGIN, service: null }, expected: true },
    { title: 'of a service above', event: { firedMs: BEGIN, service: 'edge' }, expected: true },
    { title: 'of the control group', event: { firedMs: BEGIN, group: 'control' }, expected: false },
    { title: 'of no group', event: { firedMs: BEGIN, group: null }, expected: false },
  ])('an alert $title is induced: $expected', async ({ event, expected }) => {
    expect(await isInduced(event, [attack()])).toEqual({ induced: expected, beyondCount: 0 })
  })

  test('an alert of a service below is beyond the attack, unless another one reaches it', async () => {
    const event = { firedMs: BEGIN, service: 'database' }
    expect(await isInduced(event, [attack()])).toEqual({ induced: false, beyondCount: 1 })
    const both = [attack(), attack({ service: 'database', fault: 1 })]
    expect(await isInduced(event, both)).toEqual({ induced: true, beyondCount: 0 })
  })

  test.each([
    { title: 'the zone of the attack', zone: 'a', over: { service: null, zone: 'a' }, expected: true },
    { title: 'another zone', zone: 'b', over: { service: null, zone: 'a' }, expected: false },
    { title: 'no zone', zone: undefined, over: { service: null, zone: 'a' }, expected: true },
    { title: 'another zone of the service', zone: 'b', over: { zone: 'a' }, expected: true },
    { title: 'a zone, of an attack without one', zone: 'b', over: { service: null }, expected: true },
  ] as const)('an alert of $title is induced: $expected', async ({ zone, over, expected }) => {
    const event = { firedMs: BEGIN, ...(zone === undefined ? {} : { zone }) }
    expect(await isInduced(event, [attack(over)])).toEqual({
      induced: expected,
      beyondCount: expected ? 0 : 1,
    })
  })

  test('an attack that is on reaches until now', async () => {
    const on = attack({ endMs: null, untilMs: null })
    const event = { firedMs: BEGIN + DAY }
    expect(await isInduced(event, [on], BEGIN + DAY + 1)).toMatchObject({ induced: true })
    expect(await isInduced(event, [on], BEGIN + DAY)).toMatchObject({ induced: false })
  })

  test('an attack of the week before is why, and is none of this week', async () => {
    const early = attack({ beginMs: WEEK.fromMs - 5 * MINUTE })
    const events = [{ firedMs: WEEK.fromMs + MINUTE }, { name: 'Carried', firedMs: WEEK.fromMs - MINUTE }]
    const { alerts, rules, coverage } = await factsOf(events, { attacks: [early] })
    expect(alerts).toEqual([expect.objectContaining({ induced: true, events: 1, carriedOver: 1 })])
    expect(rules).toEqual([
      expect.objectContaining({ rule: 'Errors', events: 1, induced: 1, attacks: 0, found: 0 }),
    ])
    expect(coverage.kinds).toEqual([])
  })

  test('splits all that is counted, and adds nothing up', async () => {
    const events = [
      { firedMs: BEGIN, lastsMs: 2 * MINUTE, flaps: 1 },
      // Two attacks are why: it counts once.
      { firedMs: BEGIN + 6 * MINUTE, lastsMs: 4 * MINUTE, flaps: 2, notified: false },
      { firedMs: BEGIN + HOUR, lastsMs: MINUTE, flaps: 4 },
    ]
    const attacks = [attack(), attack({ runId: 'run-2', service: null, beginMs: BEGIN + 5 * MINUTE })]
    const { alerts, undelivered } = await factsOf(events, { attacks })
    expect(alerts).toEqual([
      expect.objectContaining({
        induced: false,
        events: 1,
        flaps: 4,
        noisy: 1,
        selfResolving: 1,
        notified: 1,
        resolution: { n: 1, meanMs: MINUTE, p50Ms: MINUTE, p90Ms: MINUTE },
      }),
      expect.objectContaining({
        induced: true,
        events: 2,
        flaps: 3,
        noisy: 0,
        selfResolving: 2,
        notified: 1,
        resolution: { n: 2, meanMs: 3 * MINUTE, p50Ms: 3 * MINUTE, p90Ms: 3.8 * MINUTE },
      }),
    ])
    expect(undelivered).toEqual([expect.objectContaining({ runId: 'run-2', firedMs: BEGIN + 6 * MINUTE })])
  })

  test('scores rules by the first alert at each attack, also after the end of the week', async () => {
    const last = attack({ runId: 'run-2', kind: 'latency', beginMs: WEEK.toMs - MINUTE })
    const events = [
      { firedMs: BEGIN + 2 * MINUTE, zone: 'b' },
      { firedMs: BEGIN + MINUTE, zone: 'a' },
      { firedMs: BEGIN - HOUR },
      { firedMs: WEEK.toMs + MINUTE },
      { firedMs: BEGIN, group: 'control', name: 'Other' },
    ]
    const { rules, coverage } = await factsOf(events, { attacks: [attack(), last] })
    expect(rules).toEqual([
      {
        rule: 'Errors',
        events: 3,
        induced: 2,
        attacks: 2,
        found: 2,
        delay: { n: 2, meanMs: 1.5 * MINUTE, p50Ms: 1.5 * MINUTE, p90Ms: 1.9 * MINUTE },
      },
    ])
    expect(coverage.kinds.map(({ kind, rules }) => [kind, rules])).toEqual([
      ['latency', [{ rule: 'Errors', found: 1 }]],
      ['pod-kill', [{ rule: 'Errors', found: 1 }]],
    ])
    expect(coverage.unseenKinds).toEqual(['latency', 'pod-kill'])
  })

  test('calls an alert of the control group during an attack a leak, once, and names the last 50', async () => {
    const leaks = Array.from({ length: 60 }, (_, index) => ({
      name: `L${index}`,
      group: 'control',
      firedMs: BEGIN + index * 1_000,
    }))
    const others = [
      { group: 'control', firedMs: BEGIN - 1 },
      { group: 'control', firedMs: BEGIN + 11 * MINUTE },
      { group: 'system', firedMs: BEGIN },
      { firedMs: BEGIN },
    ]
    const zone = { name: 'Zone', group: 'control', firedMs: BEGIN + MINUTE, zone: 'c', lastsMs: null }
    const attacks = [attack(), attack({ fault: 1 })]

    const facts = await factsOf([...leaks, ...others, zone], { attacks })

    expect(facts.leakCount).toBe(61)
    expect(facts.leaks).toHaveLength(50)
    expect(facts.leaks[0]).toEqual({
      name: 'Zone',
      group: 'control',
      service: 'gateway',
      zone: 'c',
      firedMs: BEGIN + MINUTE,
      endedMs: null,
      runId: 'run-1',
    })
    expect(facts.leaks[49]?.name).toBe('L11')
    expect(facts.beyondCount).toBe(0)
  })
})

describe('alertFacts() on noise', () => {
  const noiseOf = async (event: Event, question: Question = {}) => {
    const { alerts } = await factsOf([event], question)
    return alerts.map(({ noisy, selfResolving }) => [noisy, selfResolving])
  }

  test.each([
    { title: 'short', event: { lastsMs: 5 * MINUTE }, expected: [1, 1] },
    { title: 'not short', event: { lastsMs: 5 * MINUTE + 1 }, expected: [0, 0] },
    { title: 'flapping', event: { lastsMs: HOUR, flaps: 3 }, expected: [1, 1] },
    { title: 'hardly flapping', event: { lastsMs: HOUR, flaps: 2 }, expected: [0, 0] },
    { title: 'long with short firing', event: { lastsMs: HOUR, firingMs: MINUTE }, expected: [1, 1] },
    { title: 'expired', event: { lastsMs: MINUTE, state: 'expired' }, expected: [0, 0] },
    { title: 'still firing', event: { lastsMs: null }, expected: [0, 0] },
  ] as const)('of an alert that is $title', async ({ event, expected }) => {
    expect(await noiseOf({ firedMs: BEGIN, ...event })).toEqual([expected])
  })

  test('of an alert that an attack is why, is only self-resolving', async () => {
    expect(await noiseOf({ firedMs: BEGIN, lastsMs: MINUTE }, { attacks: [attack()] })).toEqual([[0, 1]])
  })

  const F = BEGIN
  const E = BEGIN + 2 * MINUTE
  test.each([
    { title: 'begins at its end', span: { fromMs: E, toMs: E + HOUR }, isHandled: true },
    { title: 'begins after it', span: { fromMs: E + 1, toMs: null }, isHandled: false },
    { title: 'ends as it fires', span: { fromMs: F - HOUR, toMs: F }, isHandled: true },
    { title: 'ended before it', span: { fromMs: F - HOUR, toMs: F - 1 }, isHandled: false },
    { title: 'lies within it', span: { fromMs: F + 1, toMs: F + 2 }, isHandled: true },
    {
      title: 'began in an earlier week and goes on',
      span: { fromMs: F - 30 * DAY, toMs: null },
      isHandled: true,
    },
    { title: 'is of another service', span: { fromMs: F, toMs: E, service: 'edge' }, isHandled: false },
    { title: 'is of the other group', span: { fromMs: F, toMs: E, group: 'control' }, isHandled: false },
  ])('of an alert with an incident that $title', async ({ span, isHandled }) => {
    const sevs = [{ group: 'experiment', service: 'gateway', ...span }]
    const rest = isHandled ? 0 : 1
    expect(await noiseOf({ firedMs: F, lastsMs: 2 * MINUTE }, { sevs })).toEqual([[rest, rest]])
    expect(await noiseOf({ firedMs: F, lastsMs: 2 * MINUTE }, { sevs, attacks: [attack()] })).toEqual([
      [0, rest],
    ])
  })

  test('is none when somebody acted, also on what was folded anew since, and none is taken off twice', async () => {
    const pool = await server.database()
    const event = { firedMs: BEGIN, lastsMs: MINUTE }
    await add(pool, event, { firedMs: BEGIN + HOUR, lastsMs: MINUTE })
    const acted = {
      instance: instanceOf(labelsOf(event)),
      actor: 'shift',
      action: 'acknowledged',
      note: null,
    } as const
    await recordAction(pool, { ...acted, firedMs: BEGIN }, BEGIN)
    await recordAction(pool, { ...acted, firedMs: BEGIN }, BEGIN + 1)
    const sevs = [{ group: 'experiment', service: 'gateway', fromMs: BEGIN, toMs: BEGIN + 1 }]
    expect((await ask(pool, { sevs })).alerts).toEqual([
      expect.objectContaining({ noisy: 1, selfResolving: 1 }),
    ])

    await pool.query('UPDATE alert_events SET fired_at = $1 WHERE fired_at = $2', [
      new Date(BEGIN - MINUTE),
      new Date(BEGIN),
    ])
    expect((await ask(pool, {})).alerts).toEqual([expect.objectContaining({ noisy: 1, selfResolving: 1 })])
    await pool.query('DELETE FROM alert_actions')
    expect((await ask(pool, {})).alerts).toEqual([expect.objectContaining({ noisy: 2, selfResolving: 2 })])
  })
})

describe('alertFacts() on what is frequent', () => {
  test('ranks the first twenty of a service by events, then by firing time, then by name', async () => {
    const many = Array.from({ length: 20 }, (_, index) => ({
      name: `N${String(index).padStart(2, '0')}`,
      firedMs: BEGIN + 5 * HOUR,
      lastsMs: 10 * MINUTE,
    }))
    const events = [
      ...many,
      // Twice, in two zones: one alert.
      { name: 'Twice', firedMs: BEGIN, lastsMs: MINUTE, zone: 'a' },
      { name: 'Twice', firedMs: BEGIN + DAY, lastsMs: HOUR, zone: 'b', flaps: 1 },
      { name: 'Longer', firedMs: BEGIN, lastsMs: 11 * MINUTE },
      { name: 'Edge', service: 'edge', firedMs: BEGIN + 5 * HOUR, lastsMs: MINUTE },
    ]
    const { frequent } = await factsOf(events, { attacks: [attack()] })
    const [edge, ...gateway] = frequent
    expect(edge).toMatchObject({ service: 'edge', rank: 1, name: 'Edge', noisyShare: 1 })
    expect(gateway.map(({ name }) => name)).toEqual([
      'Twice',
      'Longer',
      ...many.slice(0, 18).map(({ name }) => name),
    ])
    expect(gateway.map(({ rank }) => rank)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(gateway[0]).toEqual({
      group: 'experiment',
      service: 'gateway',
      rank: 1,
      name: 'Twice',
      events: 2,
      induced: 1,
      flaps: 1,
      firingMs: 61 * MINUTE,
      noisyShare: 0,
      rankBefore: null,
    })
  })

  test('says where an alert stood in the week before, also beyond the twentieth', async () => {
    const before = Array.from({ length: 22 }, (_, index) => ({
      name: `N${String(index).padStart(2, '0')}`,
      firedMs: WEEK.fromMs - 7 * DAY + index,
      lastsMs: 5 * MINUTE,
    }))
    const events = [
      ...before,
      { name: 'TooOld', firedMs: WEEK.fromMs - 7 * DAY - 1 },
      { name: 'N21', firedMs: BEGIN, lastsMs: HOUR },
      { name: 'N00', firedMs: BEGIN, lastsMs: MINUTE },
      { name: 'TooOld', firedMs: BEGIN, lastsMs: 10 * MINUTE },
    ]
    const { frequent } = await factsOf(events)
    expect(frequent.map(({ name, rank, rankBefore }) => [name, rank, rankBefore])).toEqual([
      ['N21', 1, 22],
      ['TooOld', 2, null],
      ['N00', 3, 1],
    ])
  })
})

describe('alertFacts() on what nobody was told', () => {
  test('lists the last of it, but for what Alertmanager may still tell', async () => {
    const nowMs = WEEK.fromMs + 2 * DAY
    const events = [
      { name: 'Told', firedMs: BEGIN },
      { name: 'Early', firedMs: BEGIN, notified: false, group: null, service: null },
      { name: 'Due', firedMs: nowMs - MINUTE, notified: false, lastsMs: null },
      { name: 'Fresh', firedMs: nowMs - MINUTE + 1, notified: false, lastsMs: null },
      { name: 'Before', firedMs: WEEK.fromMs - 1, notified: false },
    ]
    const { undelivered, undeliveredCount } = await factsOf(events, { nowMs })
    expect(undelivered).toEqual([
      expect.objectContaining({ name: 'Due', firedMs: nowMs - MINUTE, endedMs: null, runId: null }),
      expect.objectContaining({ name: 'Early', group: null, service: null }),
    ])
    expect(undeliveredCount).toBe(2)
  })

  test('counts more than it lists', async () => {
    const events = Array.from({ length: 55 }, (_, index) => ({
      name: `U${index}`,
      firedMs: BEGIN + index,
      notified: false,
    }))
    const { undelivered, undeliveredCount } = await factsOf(events)
    expect([undelivered.length, undeliveredCount, undelivered[0]?.name]).toEqual([50, 55, 'U54'])
  })
})
