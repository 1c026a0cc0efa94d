import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type pg from 'pg'
import { startTestServer, type TestServer } from '../database-fixture.ts'
import { Prometheus } from '../prometheus.ts'
import { badMoments, forgetMoments, Indicators, lastTaken, stretchToTake } from './indicators.ts'
import type { Policy } from './policy.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

const T = Date.UTC(2026, 10, 21, 14)
const HOUR = 3_600_000
const POLICY: Policy = {
  slos: [
    {
      id: 'gateway-availability',
      service: 'gateway',
      objective: 0.998,
      events: 'gateway_all',
      bad: 'gateway_bad',
    },
    { id: 'edge-availability', service: 'edge', objective: 0.998, events: 'edge_all', bad: 'edge_bad' },
  ],
  rules: [],
  panels: {},
}

type Series = {
  readonly metric: Record<string, string>
  readonly values: readonly (readonly [number, string])[]
}
const series = (
  group: string,
  indicator: string,
  values: readonly (readonly [number, string])[],
): Series => ({
  metric: { group, indicator },
  values,
})
const matrix = (result: readonly Series[]) =>
  JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } })
const seconds = (ms: number) => (T + ms) / 1000

describe('badMoments()', () => {
  test('keeps the moments at which one group had a bad event, with the values of both', () => {
    const body = matrix([
      series('control', 'events', [
        [100, '10'],
        [105, '10'],
        [110, '11'],
      ]),
      series('experiment', 'events', [
        [100, '10'],
        [105, '12'],
        [110, '10'],
      ]),
      series('experiment', 'bad', [
        [100, '0'],
        [105, '3'],
        [110, '0'],
      ]),
    ])
    expect(badMoments(body)).toEqual([
      { group: 'control', atMs: 105_000, eventsPerSecond: 10, badPerSecond: 0 },
      { group: 'experiment', atMs: 105_000, eventsPerSecond: 12, badPerSecond: 3 },
    ])
  })

  test('takes the dust of a difference, less than nothing and no number for nothing', () => {
    const values: readonly [number, string][] = [
      [100, '1e-16'],
      [105, '-1e-17'],
      [110, 'NaN'],
      [115, '+Inf'],
    ]
    expect(badMoments(matrix([series('control', 'bad', values)]))).toEqual([])
  })

  test.each([
    { title: 'an error', body: '{"status":"error","error":"parse error"}' },
    { title: 'a vector', body: '{"status":"success","data":{"resultType":"vector","result":[]}}' },
    { title: 'no JSON', body: 'upstream failed' },
  ])('refuses $title', ({ body }) => {
    expect(() => badMoments(body)).toThrow()
  })
})

describe('stretchToTake()', () => {
  const take = (last: number | null, now: number) => {
    const stretch = stretchToTake(last === null ? null : T + last, T + now)
    return stretch === null ? null : [stretch.fromMs - T, stretch.toMs - T]
  }
  test.each([
    {
      title: 'goes on after the last instant, until what has settled',
      last: 0,
      now: 25_000,
      is: [5_000, 15_000],
    },
    { title: 'takes whole steps', last: 0, now: 29_999, is: [5_000, 15_000] },
    { title: 'takes nothing twice', last: 15_000, now: 29_999, is: null },
    { title: 'takes the next instant', last: 15_000, now: 30_000, is: [20_000, 20_000] },
    { title: 'takes an hour at a time', last: 0, now: 3 * HOUR, is: [5_000, HOUR] },
    { title: 'goes six hours back at first', last: null, now: 10_000, is: [-6 * HOUR, -5 * HOUR - 5_000] },
    {
      title: 'goes no further back after an outage',
      last: -9 * HOUR,
      now: 10_000,
      is: [-6 * HOUR, -5 * HOUR - 5_000],
    },
  ])('$title', ({ last, now, is }) => {
    expect(take(last, now)).toEqual(is)
  })
})

describe('Indicators', () => {
  let server: TestServer
  let fake: Server
  let pool: pg.Pool
  let asked: Record<string, string>[]
  let answer: (query: string) => { readonly status: number; readonly body: string }
  let lines: string[]
  let indicators: Indicators

  beforeAll(async () => {
    server = await startTestServer()
    fake = createServer(async (request, response) => {
      const parameters = Object.fromEntries(new URLSearchParams(await text(request)))
      asked.push({ path: request.url ?? '', ...parameters })
      const { status, body } = answer(parameters.query ?? '')
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body)
    }).listen(0, '127.0.0.1')
  }, 120_000)
  afterAll(async () => {
    fake.close()
    fake.closeAllConnections()
    await server.stop()
  }, 60_000)

  beforeEach(async () => {
    asked = []
    lines = []
    answer = () => ({ status: 200, body: matrix([]) })
    pool = await server.database()
    const prometheus = new Prometheus(`http://127.0.0.1:${(fake.address() as AddressInfo).port}`)
    indicators = new Indicators(pool, prometheus, POLICY, (event, fields) => {
      lines.push([event, ...Object.values(fields)].join(' '))
    })
  })

  const outage = () => {
    const gateway = matrix([
      series('control', 'events', [
        [seconds(-5_000), '20'],
        [seconds(0), '20'],
      ]),
      series('experiment', 'events', [
        [seconds(-5_000), '20'],
        [seconds(0), '21'],
      ]),
      series('experiment', 'bad', [
        [seconds(-5_000), '0'],
        [seconds(0), '7'],
      ]),
    ])
    answer = query => ({ status: 200, body: query.includes('gateway_bad') ? gateway : matrix([]) })
  }
  const kept = async () => {
    const { rows } = await pool.query('SELECT * FROM bad_windows ORDER BY slo, lab_group, at')
    return rows
  }
  const spans = async () => {
    const { rows } = await pool.query<{ from_at: Date; to_at: Date }>(
      'SELECT * FROM indicator_spans ORDER BY from_at',
    )
    return rows.map(({ from_at, to_at }) => [from_at.getTime() - T, to_at.getTime() - T])
  }
  const signal = () => new AbortController().signal

  test('asks once for each promise, for whole steps, and keeps what was bad', async () => {
    await pool.query('INSERT INTO indicator_spans VALUES ($1, $2)', [
      new Date(T - HOUR),
      new Date(T - 10_000),
    ])
    outage()

    await indicators.keepUp(T + 12_000, signal())

    const range = {
      path: '/api/v1/query_range',
      start: String(seconds(-5_000)),
      end: String(seconds(0)),
      step: '5',
    }
    expect(asked).toEqual([expect.objectContaining(range), expect.objectContaining(range)])
    expect(asked.map(({ query }) => query?.match(/\w+_all/)?.[0])).toEqual(['gateway_all', 'edge_all'])
    const moment = { slo: 'gateway-availability', at: new Date(T) }
    expect(await kept()).toEqual([
      { ...moment, lab_group: 'control', events_per_second: 20, bad_per_second: 0 },
      { ...moment, lab_group: 'experiment', events_per_second: 21, bad_per_second: 7 },
    ])
    expect(await spans()).toEqual([[-HOUR, 0]])
    expect(await lastTaken(pool)).toBe(T)
    expect(lines).toEqual([])
  })

  test('has nothing to ask before the next step, and takes nothing twice', async () => {
    outage()
    await indicators.keepUp(T + 10_000, signal())
    const before = asked.length
    await indicators.keepUp(T + 14_999, signal())
    expect(asked).toHaveLength(before)

    // A second oncall that did not know of the first.
    await pool.query('DELETE FROM indicator_spans')
    await indicators.keepUp(T + 10_000, signal())
    expect(await kept()).toHaveLength(2)
    expect(await spans()).toEqual([[-6 * HOUR, 0]])
  })

  test('catches up after an outage of its own, an hour at a time, and says what it has not seen', async () => {
    await pool.query('INSERT INTO indicator_spans VALUES ($1, $2)', [
      new Date(T - 9 * HOUR),
      new Date(T - 8 * HOUR),
    ])
    await indicators.keepUp(T + 10_000, signal())

    expect(asked).toHaveLength(2 * 7)
    for (const { start, end } of asked) expect((Number(end) - Number(start)) / 5).toBeLessThan(720)
    expect(await spans()).toEqual([
      [-9 * HOUR, -8 * HOUR],
      [-6 * HOUR, 0],
    ])
  })

  test('keeps nothing of a stretch of which a part failed, says so once, and tries again', async () => {
    outage()
    const good = answer
    answer = query => (query.includes('edge') ? { status: 422, body: '{"error":"no"}' } : good(query))
    await indicators.keepUp(T + 10_000, signal())
    await indicators.keepUp(T + 10_000, signal())
    const failure = `indicators cannot be taken Error: Cannot take 'edge-availability': Prometheus answered 422 {"error":"no"}`
    expect(lines).toEqual([failure])
    expect([await kept(), await spans()]).toEqual([[], []])

    answer = good
    await indicators.keepUp(T + 10_000, signal())
    expect(lines).toEqual([failure, 'indicators are taken again'])
    expect(await kept()).toHaveLength(2)
  })

  test('stops between two stretches when it is told to', async () => {
    await indicators.keepUp(T + 10_000, AbortSignal.abort())
    expect(asked).toEqual([])
  })

  test('forgets what is old', async () => {
    outage()
    await indicators.keepUp(T + 10_000, signal())
    expect(await forgetMoments(pool, T)).toBe(0)
    expect(await forgetMoments(pool, T + 1)).toBe(2)
    expect([await kept(), await spans()]).toEqual([[], []])
  })
})
