import { afterEach, describe, expect, test } from '@jest/globals'
import {
  type Behaviour,
  FakeRecommender,
  healthy,
  held,
  type Scene,
  silent,
  startScene,
  until,
} from './fake-recommender.ts'

const fakes: FakeRecommender[] = []
const scenes: Scene[] = []

async function scene(behaviour: Behaviour, env: Readonly<Record<string, string>> = {}) {
  const fake = await FakeRecommender.start(behaviour)
  fakes.push(fake)
  const made = await startScene([fake.authority], env)
  scenes.push(made)
  return { ...made, fake, get: (path: string) => fetch(made.url + path) }
}

afterEach(async () => {
  await Promise.all(scenes.splice(0).map(made => made.gateway.drain()))
  await Promise.all(fakes.splice(0).map(fake => fake.stop()))
})

describe('gateway on SIGTERM', () => {
  test('says so on /readyz first while it still serves, lets open requests end, then closes', async () => {
    const { behaviour, release } = held()
    const { gateway, get, fake } = await scene(behaviour, {
      GW_DRAIN_NOTICE_MS: '1500',
      GW_DRAIN_DEADLINE_MS: '10000',
    })
    const open = get('/songs')
    await until(() => fake.asked.length === 1, 'the request to be under way')
    const drained = gateway.drain()

    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/healthz')).status).toBe(200)
    const late = await get('/')
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close'])

    await until(
      () =>
        get('/').then(
          () => false,
          () => true,
        ),
      'the port to close',
    )
    release()
    expect((await open).status).toBe(200)
    await drained
    scenes.length = 0
  }, 20_000)

  test('does not wait longer than its deadline', async () => {
    const { gateway, get, fake, events } = await scene(held().behaviour, {
      GW_DRAIN_DEADLINE_MS: '50',
    })
    const open = get('/songs').catch(() => 'cut')
    await until(() => fake.asked.length === 1, 'the request to be under way')
    await gateway.drain()
    expect(await open).toBe('cut')
    expect(events).toContain('drain deadline')
    scenes.length = 0
  })
})

describe('gateway readiness', () => {
  test('waits for the first endpoint; life does not', async () => {
    const { get, setEndpoints, fake } = await scene(healthy)
    expect((await get('/readyz')).status).toBe(200)
    const blind = await startScene([])
    scenes.push(blind)
    expect((await fetch(`${blind.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${blind.url}/healthz`)).status).toBe(200)
    setEndpoints([fake.authority])
  })
})

describe('gateway with more requests than it can answer', () => {
  test('answers what it admits and sheds the rest at once with a hint when to come back', async () => {
    const { behaviour, release } = held()
    const { get, metric, fake } = await scene(behaviour, {
      GW_CONCURRENCY_MIN: '2',
      GW_CONCURRENCY_MAX: '2',
      GW_QUEUE_LENGTH: '1',
      GW_QUEUE_WAIT_MS: '10000',
    })
    const admitted = [get('/songs'), get('/songs')]
    await until(() => fake.asked.length === 2, 'two to be admitted')
    const queued = get('/songs?queued')
    await until(async () => (await metric('gateway_in_flight_requests')) === 3, 'the third to wait')
    const shed = await get('/songs')
    expect([shed.status, shed.headers.get('retry-after')]).toEqual([503, '1'])
    expect(shed.headers.get('content-type')).toBe('application/problem+json')
    expect((await get('/')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)

    release()
    expect((await Promise.all([...admitted, queued])).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await metric('gateway_shed_total{reason="queue_full"}')).toBe(1)
    expect(fake.asked.map(({ url }) => url)).toEqual(['/songs', '/songs', '/songs?queued'])
  })

  test('sheds what waited too long', async () => {
    const { get, metric, fake } = await scene(held().behaviour, {
      GW_CONCURRENCY_MIN: '1',
      GW_CONCURRENCY_MAX: '1',
      GW_QUEUE_WAIT_MS: '20',
      GW_READ_TRY_MS: '500',
      GW_READ_DEADLINE_MS: '500',
    })
    const first = get('/songs')
    await until(() => fake.asked.length >= 1, 'one to be admitted')
    expect((await get('/songs')).status).toBe(503)
    expect(await metric('gateway_shed_total{reason="queue_wait"}')).toBe(1)
    await first
  })

  test('forgets a client that left the queue', async () => {
    const { behaviour, release } = held()
    const { get, metric, url, fake } = await scene(behaviour, {
      GW_CONCURRENCY_MIN: '1',
      GW_CONCURRENCY_MAX: '1',
      GW_QUEUE_WAIT_MS: '10000',
    })
    const first = get('/songs')
    await until(() => fake.asked.length === 1, 'one to be admitted')
    const leaving = new AbortController()
    const left = fetch(`${url}/songs?left`, { signal: leaving.signal }).catch(() => 'left')
    await until(async () => (await metric('gateway_in_flight_requests')) === 2, 'one to wait')
    leaving.abort()
    expect(await left).toBe('left')
    await until(async () => (await metric('gateway_in_flight_requests')) === 1, 'it to be forgotten')
    release()
    expect((await first).status).toBe(200)
    expect(fake.asked.map(({ url: path }) => path)).toEqual(['/songs'])
  })

  test('keeps the place of a request whose client left until the recommender is done with it', async () => {
    const { behaviour, release } = held()
    const { get, metric, url, fake } = await scene(behaviour, {
      GW_CONCURRENCY_MIN: '1',
      GW_CONCURRENCY_MAX: '1',
      GW_QUEUE_LENGTH: '0',
      GW_ABANDON_MS: '60000',
    })
    const leaving = new AbortController()
    const left = fetch(`${url}/songs`, { signal: leaving.signal }).catch(() => 'left')
    await until(() => fake.asked.length === 1, 'one to be admitted')
    leaving.abort()
    await left
    await until(async () => (await metric('gateway_in_flight_requests')) === 0, 'the leaving to be seen')
    expect((await get('/songs')).status).toBe(503)
    release()
    await until(async () => (await get('/songs')).status === 200, 'the place to be free again')
  })

  test('gives the place up when the recommender is not done in time either', async () => {
    const { get, fake } = await scene(silent, {
      GW_CONCURRENCY_MIN: '1',
      GW_CONCURRENCY_MAX: '1',
      GW_QUEUE_LENGTH: '0',
      GW_ABANDON_MS: '50',
      GW_READ_TRY_MS: '600',
      GW_READ_DEADLINE_MS: '600',
    })
    expect((await get('/songs')).status).toBe(504)
    await until(async () => (await get('/songs')).status === 504, 'the place to be free again')
    expect(fake.asked.length).toBe(2)
  })
})
