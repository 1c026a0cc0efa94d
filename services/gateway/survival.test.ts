import { afterEach, describe, expect, test } from '@jest/globals'
import {
  type Behaviour,
  FakeRecommender,
  failing,
  healthy,
  held,
  resetting,
  silent,
  until,
} from './fake-recommender.ts'
import { scene, stopScenes } from './scene-fixture.ts'

/** Tries that a silent endpoint makes overdue at once, and deadlines that a busy machine keeps. */
const HASTY = { GW_READ_TRY_MS: '60', GW_WRITE_TRY_MS: '60' }
const SONG = '/songs/0123456789abcdef0123456789abcdef'

/** An address on which nothing listens. */
async function deadAuthority(): Promise<string> {
  const fake = await FakeRecommender.start(healthy)
  await fake.stop()
  return fake.authority
}

afterEach(stopScenes)

const asked = (among: readonly FakeRecommender[]): number =>
  among.reduce((sum, fake) => sum + fake.asked.length, 0)

const statusesOf = async (requests: readonly Promise<Response>[]): Promise<readonly number[]> =>
  (await Promise.all(requests)).map(({ status }) => status)

const times = <Value>(count: number, make: () => Value): Value[] => Array.from({ length: count }, make)

describe('gateway in front of endpoints that fail', () => {
  test('answers every read while one endpoint refuses connections, without spending budget', async () => {
    const { get, metric, setEndpoints, fakes: own } = await scene([healthy, healthy], { GW_RETRY_BURST: '0' })
    setEndpoints([await deadAuthority(), ...own.map(fake => fake.authority)])
    await until(async () => {
      await get(SONG)
      return (await metric('gateway_breaker_open')) === 1
    }, 'the dead endpoint to be ejected')

    expect(await statusesOf(times(30, () => get(SONG)))).toEqual(times(30, () => 200))
    expect(await metric('gateway_retries_total{outcome="free"}')).toBeGreaterThanOrEqual(1)
    expect(await metric('gateway_retries_total{outcome="sent"}')).toBe(0)
    expect(await metric('gateway_upstream_requests_total{outcome="connect"}')).toBeGreaterThanOrEqual(1)
  })

  test('answers writes without a key too when an endpoint refuses connections: nothing was sent', async () => {
    const { post, setEndpoints, fakes: own, events } = await scene([healthy])
    setEndpoints([await deadAuthority(), ...own.map(fake => fake.authority)])
    await until(() => events.filter(event => event === 'endpoint appeared').length === 2, 'the look-up')

    expect(await statusesOf(times(6, () => post({})))).toEqual(times(6, () => 200))
    expect(own[0]?.asked.length).toBe(6)
  })

  test('hedges a read past an endpoint that never answers, and ejects it', async () => {
    const {
      get,
      metric,
      fakes: own,
    } = await scene([silent, healthy, healthy], {
      ...HASTY,
      GW_ABANDON_MS: '1',
    })
    await until(async () => {
      expect((await get(SONG)).status).toBe(200)
      return (await metric('gateway_breaker_open')) === 1
    }, 'the silent endpoint to be ejected')
    expect(await metric('gateway_hedges_total{outcome="sent"}')).toBeGreaterThanOrEqual(3)
    expect(await metric('gateway_upstream_requests_total{outcome="cancelled"}')).toBeGreaterThanOrEqual(3)
    const before = own[0]?.asked.length
    expect(await statusesOf(times(20, () => get(SONG)))).toEqual(times(20, () => 200))
    expect(own[0]?.asked.length).toBe(before)
  })

  test('does not let the tries that a dead endpoint holds fill the gateway', async () => {
    const { get } = await scene([silent, healthy, healthy], {
      ...HASTY,
      GW_CONCURRENCY_MIN: '2',
      GW_CONCURRENCY_MAX: '2',
      GW_QUEUE_LENGTH: '0',
      GW_EJECT_FAILURES: '1000',
      GW_ABANDON_MS: '60000',
    })
    for (let request = 0; request < 20; request++) expect((await get(SONG)).status).toBe(200)
  })

  test('asks an endpoint last that has not done what it was sent, before it is ejected', async () => {
    const { get, metric, fakes: own } = await scene([silent, healthy], { ...HASTY, GW_ABANDON_MS: '60000' })
    for (let request = 0; request < 10; request++) expect((await get(SONG)).status).toBe(200)
    expect(own[0]?.asked.length).toBe(1)
    expect(await metric('gateway_breaker_open')).toBe(0)
  })

  test('cuts what an endpoint still holds when it is ejected', async () => {
    let cut = 0
    const holding: Behaviour = response => {
      response.on('close', () => {
        cut += 1
      })
    }
    const {
      get,
      metric,
      fakes: own,
    } = await scene([holding, healthy], {
      ...HASTY,
      GW_EJECT_FAILURES: '2',
      GW_ABANDON_MS: '60000',
    })
    await until(async () => {
      await statusesOf(times(8, () => get(SONG)))
      return (await metric('gateway_breaker_open')) === 1
    }, 'the endpoint to be ejected')
    await until(() => cut > 0 && cut === own[0]?.asked.length, 'every connection to be cut')
  })

  test('takes the slow answer when the hedge is not quicker', async () => {
    const { behaviour, release } = held()
    const { get, metric, fakes: own } = await scene([behaviour, behaviour], HASTY)
    const answer = get(SONG)
    await until(() => asked(own) === 2, 'the hedge')
    release(0)
    expect((await answer).status).toBe(200)
    expect(await metric('gateway_upstream_requests_total{outcome="ok"}')).toBe(1)
    expect(await metric('gateway_upstream_requests_total{outcome="cancelled"}')).toBe(1)
  })

  test('lets a slow read go on to its deadline when the budget has no token for a hedge', async () => {
    const { behaviour, release } = held()
    const { get, metric, fakes: own } = await scene([behaviour, behaviour], { ...HASTY, GW_RETRY_BURST: '0' })
    const answer = get(SONG)
    await until(async () => (await metric('gateway_hedges_total{outcome="refused"}')) === 1, 'the refusal')
    release(0)
    expect((await answer).status).toBe(200)
    expect(asked(own)).toBe(1)
  })

  test('answers 504 by the deadline when nobody answers', async () => {
    const {
      get,
      metric,
      fakes: own,
    } = await scene([silent, silent], {
      ...HASTY,
      GW_READ_DEADLINE_MS: '1000',
    })
    const answer = await get(SONG)
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({ status: 504, title: 'Gateway Timeout' })
    expect(asked(own)).toBe(2)
    expect(await metric('gateway_upstream_requests_total{outcome="timeout"}')).toBe(2)
  })

  test.each([502, 503, 504])('repeats a read elsewhere after %d', async status => {
    const { get, fakes: own } = await scene([failing(status), healthy], { GW_EJECT_FAILURES: '1000' })
    expect(await statusesOf(times(10, () => get(SONG)))).toEqual(times(10, () => 200))
    expect(own[0]?.asked.length).toBeGreaterThan(0)
  })

  test('passes a 500 on unchanged and does not repeat it: the next endpoint has the same fault', async () => {
    const { get, fakes: own } = await scene([failing(500), failing(500)])
    const answer = await get(SONG)
    expect(answer.status).toBe(500)
    expect(await answer.text()).toBe('{"status":500}')
    expect(asked(own)).toBe(1)
  })

  test('repeats a read after a reset, and is not brought down by it', async () => {
    const { get, metric } = await scene([resetting, healthy], { GW_EJECT_FAILURES: '1000' })
    expect(await statusesOf(times(10, () => get(SONG)))).toEqual(times(10, () => 200))
    expect(await metric('gateway_upstream_requests_total{outcome="reset"}')).toBeGreaterThan(0)
    expect(await metric('gateway_retries_total{outcome="sent"}')).toBeGreaterThan(0)
  })

  test('repeats a small answer that breaks off in its middle: the client sees nothing of it', async () => {
    const broken: Behaviour = response => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('half', () => response.destroy())
    }
    const { get } = await scene([broken, healthy], { GW_EJECT_FAILURES: '1000' })
    const answers = await Promise.all(times(6, () => get(SONG)))
    expect(await Promise.all(answers.map(answer => answer.text()))).toEqual(times(6, () => '{"ok":true}'))
  })

  test('gives an endpoint another chance when its time is over', async () => {
    const {
      get,
      metric,
      fakes: own,
    } = await scene([silent, healthy], {
      ...HASTY,
      GW_EJECT_MS: '50',
      GW_EJECT_FAILURES: '1',
    })
    await until(async () => {
      await get(SONG)
      return (await metric('gateway_breaker_open')) === 1
    }, 'the silent endpoint to be ejected')
    const [first] = own
    if (first === undefined) throw new Error('no fake')
    first.behaviour = healthy
    const before = first.asked.length
    await until(async () => {
      await get(SONG)
      return (await metric('gateway_breaker_open')) === 0
    }, 'the endpoint to be taken back')
    expect(first.asked.length).toBeGreaterThan(before)
  })

  test('does not eject everybody for being slow: then the load is the cause', async () => {
    const { get, metric } = await scene([silent, silent, silent], {
      ...HASTY,
      GW_READ_DEADLINE_MS: '70',
      GW_EJECT_FAILURES: '1',
    })
    await statusesOf(times(12, () => get(SONG)))
    expect(await metric('gateway_breaker_open')).toBe(1)
  })

  test('spends no more than the budget when every endpoint errs', async () => {
    const {
      get,
      metric,
      fakes: own,
    } = await scene([failing(503), failing(503), failing(503)], {
      GW_RETRY_BURST: '5',
      GW_RETRY_RATIO: '0.1',
      GW_RETRY_PER_SECOND: '0',
      GW_EJECT_FAILURES: '1000',
    })
    const requests = 100
    for (let request = 0; request < requests; request++) expect((await get(SONG)).status).toBe(502)
    // 5 tokens at the start, and a tenth of one for each request save the first, which found the bucket full.
    expect(await metric('gateway_retries_total{outcome="sent"}')).toBe(14)
    expect(asked(own)).toBe(requests + 14)
    expect(await metric('gateway_retries_total{outcome="refused"}')).toBe(requests)
  })
})

describe('gateway in front of a database without a primary', () => {
  test('repeats a write with a key until there is one, in the time it has', async () => {
    let writable = false
    const electing: Behaviour = (response, request) => (writable ? healthy : failing(503))(response, request)
    const { post, fakes: own } = await scene([electing, electing])
    const answer = post({ 'idempotency-key': 'k1' })
    await until(() => asked(own) >= 3, 'the write to be repeated')
    writable = true
    expect((await answer).status).toBe(200)
    const keys = own.flatMap(fake =>
      fake.asked.map(({ headers, body }) => [headers['idempotency-key'], body]),
    )
    expect(new Set(keys.map(key => key.join(' ')))).toEqual(new Set(['k1 {"song":"x"}']))
  })

  test('waits for a token rather than failing the write, and keeps to the budget', async () => {
    let writable = false
    const electing: Behaviour = (response, request) => (writable ? healthy : failing(503))(response, request)
    const {
      post,
      metric,
      fakes: own,
    } = await scene([electing], {
      GW_RETRY_BURST: '1',
      GW_RETRY_RATIO: '0',
      GW_RETRY_PER_SECOND: '4',
    })
    const answer = post({ 'idempotency-key': 'k1' })
    await until(
      async () => (await metric('gateway_retries_total{outcome="refused"}')) === 1,
      'the budget to end',
    )
    expect(asked(own)).toBe(2)
    writable = true
    expect((await answer).status).toBe(200)
    expect(asked(own)).toBe(3)
  })

  test('says 504 at the deadline, so that the edge asks another gateway', async () => {
    const { post } = await scene([failing(503)], { GW_WRITE_TRY_MS: '100', GW_WRITE_DEADLINE_MS: '150' })
    expect((await post({ 'idempotency-key': 'k1' })).status).toBe(504)
  })

  test('does not hold the endpoint to blame: reads still go there', async () => {
    const electing: Behaviour = (response, request) =>
      (request.method === 'POST' ? failing(503) : healthy)(response, request)
    const { post, metric } = await scene([electing, electing], {
      GW_EJECT_FAILURES: '1',
      GW_WRITE_TRY_MS: '200',
      GW_WRITE_DEADLINE_MS: '200',
    })
    await post({ 'idempotency-key': 'k1' })
    expect(await metric('gateway_breaker_open')).toBe(0)
  })

  test.each([
    { title: '503', behaviour: failing(503), status: 503 },
    { title: 'reset', behaviour: resetting, status: 502 },
    { title: 'silence', behaviour: silent, status: 504 },
  ])('never sends a write without a key twice: $title', async ({ behaviour, status }) => {
    const { post, fakes: own } = await scene([behaviour, behaviour], {
      GW_WRITE_TRY_MS: '100',
      GW_WRITE_DEADLINE_MS: '300',
    })
    expect((await post({})).status).toBe(status)
    expect(asked(own)).toBe(1)
  })

  test('hedges a silent write with a key', async () => {
    const { post, metric, fakes: own } = await scene([silent, healthy], HASTY)
    expect(await statusesOf(times(2, () => post({ 'idempotency-key': 'k1' })))).toEqual([200, 200])
    expect(own[0]?.asked.length).toBe(1)
    expect(await metric('gateway_hedges_total{outcome="sent"}')).toBe(1)
  })
})
