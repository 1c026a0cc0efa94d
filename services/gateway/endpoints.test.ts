import { afterEach, describe, expect, test } from '@jest/globals'
import { type Behaviour, healthy, until } from './fake-recommender.ts'
import { scene, startFake, stopScenes } from './scene-fixture.ts'

const SONG = '/songs/0123456789abcdef0123456789abcdef'

afterEach(stopScenes)

describe('gateway and the endpoints that DNS names', () => {
  test('follows a change', async () => {
    const { get, setEndpoints, events, fakes: own } = await scene([healthy])
    const next = await startFake(healthy)
    await get(SONG)
    setEndpoints([next.authority])
    await until(() => events.includes('endpoint gone'), 'the change to be seen')
    await get(SONG)
    expect([own[0]?.asked.length, next.asked.length]).toEqual([1, 1])
  })

  test('keeps what it knows when DNS names nobody', async () => {
    const { get, setEndpoints, events, lookups } = await scene([healthy])
    setEndpoints([])
    const before = lookups()
    await until(() => lookups() >= before + 2, 'a look-up that found nobody')
    expect((await get(SONG)).status).toBe(200)
    expect(events).not.toContain('endpoint gone')
  })

  test('counts the look-ups that fail apart from those that do not', async () => {
    const { get, failLookups, events, metric } = await scene([healthy])
    expect(await metric('gateway_lookups_total{outcome="ok"}')).toBeGreaterThan(0)
    expect(await metric('gateway_lookups_total{outcome="failed"}')).toBe(0)
    failLookups(true)
    await until(async () => (await metric('gateway_lookups_total{outcome="failed"}')) >= 2, 'failures')
    expect(events).toContain('look-up failed')
    expect(await metric('gateway_lookup_duration_seconds')).toBeLessThan(1)
    expect((await get(SONG)).status).toBe(200)
  })

  test('tells the time by its own clock', async () => {
    const { metric } = await scene([healthy])
    expect(Math.abs((await metric('process_clock_seconds')) - Date.now() / 1000)).toBeLessThan(5)
  })

  test('lets an answer end that comes from an endpoint DNS no longer names', async () => {
    let finish: (() => void) | undefined
    const pending: Behaviour = response => {
      response.writeHead(200, { 'content-length': '4' }).write('ha')
      finish = () => response.end('lf')
    }
    const { get, setEndpoints, events } = await scene([pending])
    const other = await startFake(healthy)
    const answer = get(SONG)
    await until(() => finish !== undefined, 'the answer to begin')
    setEndpoints([other.authority])
    await until(() => events.includes('endpoint gone'), 'the change to be seen')
    finish?.()
    expect(await (await answer).text()).toBe('half')
  })

  test('waits for the first endpoint instead of failing at once', async () => {
    const { get, setEndpoints } = await scene([])
    const first = await startFake(healthy)
    const answer = get(SONG)
    setEndpoints([first.authority])
    expect((await answer).status).toBe(200)
  })
})
