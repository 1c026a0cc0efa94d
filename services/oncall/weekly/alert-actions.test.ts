import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startTestServer, type TestServer } from '../database-fixture.ts'
import { actionsOn, recordAction } from './alert-actions.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

const T = Date.UTC(2026, 10, 21, 14, 0, 0)
const INSTANCE = 'a'.repeat(32)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

async function withEvent() {
  const pool = await server.database()
  await pool.query(
    "INSERT INTO alert_instances (instance, name, labels, annotations) VALUES ($1, 'A', '{}', '{}')",
    [INSTANCE],
  )
  await pool.query(
    `INSERT INTO alert_events (instance, fired_at, state, valid_until, firing_ms, flap_count, clock_suspect, received_at)
     VALUES ($1, $2, 'firing', $2, 0, 0, false, $2)`,
    [INSTANCE, new Date(T)],
  )
  return pool
}

describe('recordAction()', () => {
  test('keeps who did what, when and why', async () => {
    const pool = await withEvent()
    const event = { instance: INSTANCE, firedMs: T }
    const acted = { actor: 'shift', action: 'acknowledged', note: null } as const
    const noted = { actor: 'shift', action: 'noted', note: 'a\0b' } as const

    expect(await recordAction(pool, { ...event, ...noted }, T + 9_000)).toBe(true)
    expect(await recordAction(pool, { ...event, ...acted }, T + 5_000)).toBe(true)

    expect(await actionsOn(pool, INSTANCE, T)).toEqual([
      { ...acted, atMs: T + 5_000 },
      { ...noted, note: 'a\ufffdb', atMs: T + 9_000 },
    ])
    expect(await actionsOn(pool, INSTANCE, T + 1)).toBeNull()
    expect(await actionsOn(pool, INSTANCE, T - 1)).toBeNull()
  })

  test.each([
    { title: 'another instant', instance: INSTANCE, firedMs: T + 1 },
    { title: 'another instance', instance: 'b'.repeat(32), firedMs: T },
    { title: 'what is no instance', instance: "'; --", firedMs: T },
  ])('refuses $title', async ({ instance, firedMs }) => {
    const pool = await withEvent()
    const kept = await recordAction(pool, { instance, firedMs, actor: 'shift', action: 'noted', note: '' }, T)
    expect(kept).toBe(false)
    expect(await actionsOn(pool, INSTANCE, T)).toEqual([])
  })

  test('cuts what is far too long', async () => {
    const pool = await withEvent()
    const long = {
      instance: INSTANCE,
      firedMs: T,
      actor: 'x'.repeat(500),
      action: 'noted',
      note: 'y'.repeat(5_000),
    } as const
    await recordAction(pool, long, T)
    const [kept] = (await actionsOn(pool, INSTANCE, T)) ?? []
    expect(kept?.actor).toHaveLength(100)
    expect(kept?.note).toHaveLength(2_000)
  })
})
