import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type pg from 'pg'
import type { AlertRules } from './alert-fold.ts'
import { alertsMessage, toldAlert } from './alert-message.ts'
import { AlertStore } from './alert-store.ts'
import { startTestServer, type TestServer } from './database-fixture.ts'
import { gapsBetween, markPresent } from './telemetry-store.ts'

const RULES: AlertRules = { evaluationMs: 5_000, resendMs: 60_000, refireMs: 300_000 }
const T = Date.UTC(2026, 10, 21, 14, 0, 0)
const LABELS = {
  alertname: 'GatewayErrorBudgetBurn',
  group: 'experiment',
  service: 'gateway',
  severity: 'page',
}

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

const iso = (ms: number) => new Date(T + ms).toISOString()

/** A message as Prometheus writes it, received at `atMs`. */
function told(atMs: number, startsMs: number, endsMs: number, labels: Record<string, string> = LABELS) {
  const body = [
    { labels, annotations: { summary: 's' }, startsAt: iso(startsMs), endsAt: iso(endsMs), generatorURL: '' },
  ]
  return alertsMessage.parse(body).map(alert => toldAlert(alert, RULES, T + atMs, 0))
}

const firing = (atMs: number, startsMs: number, labels?: Record<string, string>) =>
  told(atMs, startsMs, atMs + 240_000, labels)

async function store(): Promise<{ pool: pg.Pool; alerts: AlertStore }> {
  const pool = await server.database()
  return { pool, alerts: new AlertStore(pool, RULES) }
}

describe('AlertStore', () => {
  test('keeps every fact as it came, and one event for all of them', async () => {
    const { pool, alerts } = await store()
    await alerts.record(firing(0, 0), 3, T)
    await alerts.record(firing(60_000, 0), 3, T + 60_000)
    await alerts.record(told(90_500, 0, 90_000), 3, T + 90_500)

    expect(await alerts.events({})).toEqual([
      {
        instance: expect.stringMatching(/^[0-9a-f]{32}$/),
        name: 'GatewayErrorBudgetBurn',
        labels: LABELS,
        annotations: { summary: 's' },
        group: 'experiment',
        service: 'gateway',
        severity: 'page',
        state: 'resolved',
        firedMs: T,
        endedMs: T + 90_000,
        firingMs: 90_000,
        flapCount: 0,
        clockSuspect: false,
        receivedMs: T,
        notifiedMs: null,
        generatorUrl: null,
        actions: [],
      },
    ])
    const { rows } = await pool.query('SELECT kind, source_at, offset_ms FROM alert_facts ORDER BY id')
    expect(rows).toEqual([
      { kind: 'firing', source_at: new Date(T), offset_ms: 3 },
      { kind: 'firing', source_at: new Date(T + 60_000), offset_ms: 3 },
      { kind: 'resolved', source_at: new Date(T + 90_000), offset_ms: 3 },
    ])
  })

  test('tells with each event what was done about it, and about no other', async () => {
    const { alerts } = await store()
    const other = { ...LABELS, service: 'catalog' }
    await alerts.record(told(90_500, 0, 90_000), 0, T + 90_500)
    await alerts.record(firing(1_000_000, 1_000_000), 0, T + 1_000_000)
    await alerts.record(firing(2_000_000, 2_000_000, other), 0, T + 2_000_000)
    const [third, second, first] = await alerts.events({})
    if (!first || !second || !third) throw new Error('there are not three events')
    const act = (event: typeof first, action: 'acknowledged' | 'noted', note: string | null, atMs: number) =>
      alerts.act({ instance: event.instance, firedMs: event.firedMs, actor: 'a', action, note }, T + atMs)
    const acknowledged = { atMs: T + 5_001, actor: 'a', action: 'acknowledged', note: null }
    const noted = { atMs: T + 9_999, actor: 'a', action: 'noted', note: '"\0\' <b>' }

    expect(await act(first, 'acknowledged', null, 5_001)).toEqual([acknowledged])
    const both = await act(first, 'noted', noted.note, 9_999)
    expect(both).toEqual([acknowledged, { ...noted, note: '"\ufffd\' <b>' }])
    const ofSecond = await act(second, 'noted', 'n', 1_000_001)
    expect(ofSecond).toEqual([{ atMs: T + 1_000_001, actor: 'a', action: 'noted', note: 'n' }])
    expect(third.actions).toEqual([])
    expect((await alerts.events({})).map(({ actions }) => actions)).toEqual([[], ofSecond, both])
    const newest = await alerts.events({ limit: 1, sinceMs: T + 1_000_000 })
    expect(newest.map(({ service, actions }) => [service, actions])).toEqual([['catalog', []]])
  })

  test('keeps an action with its event when that turns out to have begun earlier', async () => {
    const { alerts } = await store()
    await alerts.record(told(90_500, 60_000, 90_000), 0, T + 90_500)
    const [event] = await alerts.events({})
    const acted = { instance: event?.instance ?? '', actor: 'a', action: 'acknowledged', note: null } as const
    await alerts.act({ ...acted, firedMs: T + 60_000 }, T + 91_000)
    await alerts.record(told(92_000, 0, 58_000), 0, T + 92_000)

    expect(await alerts.events({})).toMatchObject([{ firedMs: T, actions: [{ atMs: T + 91_000 }] }])
    // The event that was acted on is another one now: nothing is kept of what nobody can see.
    expect(await alerts.act({ ...acted, firedMs: T + 60_000 }, T + 93_000)).toBeNull()
    expect((await alerts.events({}))[0]?.actions).toHaveLength(1)
  })

  test('does not let a fact be changed', async () => {
    const { pool, alerts } = await store()
    await alerts.record(firing(0, 0), null, T)
    await expect(pool.query("UPDATE alert_facts SET kind = 'resolved'")).rejects.toThrow('never changed')
  })

  test('forgets old facts and goes on with the events that were made of them', async () => {
    const { alerts } = await store()
    await alerts.record(firing(0, 0), null, T)
    expect(await alerts.forgetFactsBefore(T)).toBe(0)
    expect(await alerts.forgetFactsBefore(T + 1)).toBe(1)
    await alerts.record(told(30_000, 0, 30_000), null, T + 30_000)
    expect(await alerts.events({})).toEqual([
      expect.objectContaining({ state: 'resolved', firedMs: T, firingMs: 30_000, receivedMs: T }),
    ])
  })

  test('opens a new event after the re-fire time, and leaves the old one as it was', async () => {
    const { alerts } = await store()
    await alerts.record(told(10_000, 0, 10_000), null, T + 10_000)
    await alerts.record(firing(40_000, 40_000), null, T + 40_000)
    await alerts.record(told(50_000, 40_000, 50_000), null, T + 50_000)
    await alerts.record(firing(400_000, 400_000), null, T + 400_000)

    const events = await alerts.events({})

    expect(events.map(({ state, firedMs, flapCount }) => ({ state, at: firedMs - T, flapCount }))).toEqual([
      { state: 'firing', at: 400_000, flapCount: 0 },
      { state: 'resolved', at: 0, flapCount: 1 },
    ])
    expect(await alerts.events({ state: 'firing' })).toHaveLength(1)
    expect(await alerts.events({ sinceMs: T + 1 })).toHaveLength(1)
  })

  test('joins two events when what lay between them comes late', async () => {
    const { alerts } = await store()
    await alerts.record(told(10_000, 0, 10_000), null, T + 10_000)
    await alerts.record(told(510_000, 500_000, 510_000), null, T + 510_000)
    expect(await alerts.events({})).toHaveLength(2)

    await alerts.record(told(511_000, 250_000, 260_000), null, T + 511_000)

    expect(await alerts.events({})).toEqual([
      expect.objectContaining({ firedMs: T, endedMs: T + 510_000, flapCount: 2, firingMs: 30_000 }),
    ])
  })

  test('loses nothing that it acknowledged when the database loses its power', async () => {
    const { alerts } = await store()
    await alerts.record(firing(0, 0), null, T)
    await server.crash()
    await alerts.record(told(20_000, 0, 20_000), null, T + 20_000)
    expect(await alerts.events({})).toEqual([
      expect.objectContaining({ state: 'resolved', firingMs: 20_000 }),
    ])
  })

  test('keeps one event when the same message comes many times at once', async () => {
    const { pool, alerts } = await store()
    const other = { ...LABELS, zone: 'b' }
    const messages = Array.from({ length: 12 }, (_, index) =>
      index % 2 ? [...firing(0, 0), ...firing(0, 0, other)] : [...firing(0, 0, other), ...firing(0, 0)],
    )
    await Promise.all(messages.map(message => alerts.record(message, null, T)))
    expect(await alerts.events({})).toHaveLength(2)
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM alert_facts')
    expect(rows).toEqual([{ n: 24 }])
  })

  test('marks the event as notified whether the notification comes after the alert or before', async () => {
    const { alerts } = await store()
    const [alert] = firing(0, 0)
    const key = [{ instance: alert?.instance ?? '', startsMs: T }]
    await alerts.notified(key, 'person', T + 30_000, null)
    await alerts.record(firing(0, 0), null, T + 40_000)
    await alerts.notified(key, 'person', T + 90_000, null)
    expect(await alerts.events({})).toEqual([expect.objectContaining({ notifiedMs: T + 30_000 })])
  })

  test('sweep() expires what nobody speaks of, and calls it unknown when nobody listened', async () => {
    const { pool, alerts } = await store()
    const quiet = { ...LABELS, zone: 'a' }
    for (const ms of [0, 5_000, 10_000]) await markPresent(pool, 'recorder', T + ms)
    await alerts.record(firing(0, 0, quiet), null, T)
    for (const ms of [60_000, 65_000]) await markPresent(pool, 'recorder', T + ms)
    await alerts.record(firing(65_000, 65_000), null, T + 65_000)
    for (let ms = 70_000; ms < 320_000; ms += 5_000) await markPresent(pool, 'recorder', T + ms)

    expect(await alerts.sweep(T + 240_000, null)).toBe(0)
    expect(await alerts.sweep(T + 310_000, null)).toBe(2)

    const states = (await alerts.events({})).map(({ labels, state }) => [labels.zone, state])
    // The first was last heard of at 0 s, and oncall was away from 10 s to 60 s; the second at 65 s.
    expect(states).toEqual([
      [undefined, 'expired'],
      ['a', 'unknown'],
    ])
  })
})

describe('gapsBetween()', () => {
  test('finds no gap while a source is looked at every few seconds, and the one when it is not', async () => {
    const pool = await server.database()
    for (const ms of [0, 5_000, 20_000, 50_000]) await markPresent(pool, 'prometheus', T + ms)
    const gaps = (fromMs: number, untilMs: number, nowMs: number) =>
      gapsBetween(pool, T + fromMs, T + untilMs, T + nowMs)

    expect(await gaps(0, 60_000, 60_000)).toEqual([{ fromMs: T + 20_000, toMs: T + 50_000 }])
    expect(await gaps(0, 20_000, 60_000)).toEqual([])
    // It may be silent for some seconds without a gap; after that it goes on until now.
    expect(await gaps(51_000, 900_000, 60_000)).toEqual([])
    expect(await gaps(51_000, 900_000, 70_000)).toEqual([{ fromMs: T + 50_000, toMs: T + 70_000 }])
  })
})
