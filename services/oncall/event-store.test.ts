import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startTestServer, type TestServer } from './database-fixture.ts'
import { readEvent, type SeenEvent } from './error-event.ts'
import { EventStore } from './event-store.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

const T = Date.UTC(2026, 10, 21, 14)
const LIMITS = { keptPerGroup: 3, groups: 2 }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

/** The `index`-th event, a second after the one before. */
function seen(index: number, change: object = {}, kind = 'TypeError'): SeenEvent {
  const event = {
    event_id: index.toString(16).padStart(32, 'a'),
    timestamp: T / 1000 + index,
    tags: { service: 'gateway', group: 'experiment' },
    exception: { values: [{ type: kind, value: `text ${index}` }] },
    ...change,
  }
  return readEvent(event, undefined, T + index * 1_000)
}

const store = async () => new EventStore(await server.database(), LIMITS)

describe('EventStore', () => {
  test('groups events, counts all and keeps the newest', async () => {
    const events = await store()
    for (let index = 0; index < 5; index++)
      expect(await events.record(seen(index))).toBe(index === 0 ? 'new' : 'kept')
    await events.record(seen(5, { tags: { service: 'gateway', group: 'control' } }))

    const [group, ...others] = await events.groups({})

    expect(others).toEqual([])
    expect(group).toMatchObject({
      title: 'TypeError: text 5',
      service: 'gateway',
      groups: ['control', 'experiment'],
      firstMs: T,
      lastMs: T + 5_000,
      count: 6,
      kept: 3,
    })
    const detail = await events.group(group?.fingerprint ?? '')
    expect(detail?.events.map(({ atMs }) => atMs - T)).toEqual([5_000, 4_000, 3_000])
  })

  test('takes an event that is sent again for the same', async () => {
    const events = await store()
    expect(await events.record(seen(1))).toBe('new')
    expect(await events.record(seen(1))).toBe('duplicate')
    // Under another fingerprint it is still the same event, and makes no group of nothing.
    expect(await events.record(seen(1, { fingerprint: ['other'] }))).toBe('duplicate')
    expect(await events.groups({})).toEqual([expect.objectContaining({ count: 1, kept: 1 })])
  })

  test('counts right when many come at once', async () => {
    const events = new EventStore(await server.database(), { ...LIMITS, keptPerGroup: 10 })
    await Promise.all(Array.from({ length: 20 }, (_, index) => events.record(seen(index % 10))))
    expect(await events.groups({})).toEqual([expect.objectContaining({ count: 10, kept: 10 })])
  })

  test('finds events by service, by group, by trace and by id', async () => {
    const events = await store()
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    await events.record(seen(1, { contexts: { trace: { trace_id: trace } } }))
    await events.record(seen(2, { tags: { service: 'recommender', group: 'control' } }))
    const servicesOf = async (filter: object) => (await events.groups(filter)).map(({ service }) => service)

    expect(await servicesOf({})).toEqual(['recommender', 'gateway'])
    expect(await servicesOf({ service: 'gateway' })).toEqual(['gateway'])
    expect(await servicesOf({ group: 'control' })).toEqual(['recommender'])
    expect(await servicesOf({ limit: 1 })).toEqual(['recommender'])
    expect(await events.ofTrace(trace)).toEqual([expect.objectContaining({ traceId: trace })])
    expect((await events.event(seen(2).event.eventId))?.service).toBe('recommender')
    expect(await events.event('f'.repeat(32))).toBeNull()
    expect(await events.group('f'.repeat(32))).toBeNull()
  })

  test('keeps text that Postgres cannot store, as far as it can', async () => {
    const events = await store()
    await events.record(seen(1, { exception: { values: [{ type: 'E\0', value: 'a\0b\ud83d' }] } }))
    expect((await events.groups({}))[0]?.title).toBe('E\ufffd: a\ufffdb\ufffd')
  })

  test('lets go of what is old and of the groups above the limit, those not seen for longest first', async () => {
    const events = await store()
    for (const index of [1, 2, 3, 4]) await events.record(seen(index, {}, `Kind${index}`))
    await events.forget(T + 1_500)
    expect((await events.groups({})).map(({ title }) => title)).toEqual(['Kind4: text 4', 'Kind3: text 3'])
  })
})
