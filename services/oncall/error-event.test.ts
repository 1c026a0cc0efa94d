import { describe, expect, test } from '@jest/globals'
import { readEvent } from './error-event.ts'

const NOW = Date.UTC(2026, 10, 21, 14)
const ID = '0af7651916cd43dd8448eb211c80319c'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

const frame = (name: string, change: object = {}) => ({
  filename: `/app/services/gateway/${name}.ts`,
  module: name,
  function: name,
  lineno: 10,
  colno: 3,
  in_app: true,
  ...change,
})
const thrown = (change: object = {}) => ({
  event_id: ID,
  timestamp: NOW / 1000 - 1,
  platform: 'node',
  tags: { service: 'gateway', group: 'experiment', zone: 'b' },
  exception: {
    values: [
      {
        type: 'TypeError',
        value: 'x is undefined',
        mechanism: { type: 'generic', handled: false },
        stacktrace: { frames: [frame('main'), frame('handle')] },
      },
    ],
  },
  ...change,
})
const read = (event: object, traceId?: unknown) => readEvent(event, traceId, NOW)
const fingerprint = (event: object) => read(event).event.fingerprint

describe('readEvent()', () => {
  test('keeps who, when, where and what', () => {
    const { event, title, culprit } = read(
      thrown({
        release: 'divergence@0.1.0',
        contexts: { trace: { trace_id: TRACE, span_id: '00f067aa0ba902b7' }, runtime: { name: 'node' } },
        breadcrumbs: [
          { timestamp: NOW / 1000 - 2, category: 'http', message: 'GET /songs', data: { status_code: 200 } },
        ],
      }),
    )
    expect([title, culprit]).toEqual(['TypeError: x is undefined', 'services/gateway/handle.ts in handle'])
    expect(event).toMatchObject({
      eventId: ID,
      atMs: NOW - 1_000,
      receivedMs: NOW,
      level: 'error',
      service: 'gateway',
      group: 'experiment',
      zone: 'b',
      release: 'divergence@0.1.0',
      traceId: TRACE,
      spanId: '00f067aa0ba902b7',
      contexts: { runtime: { name: 'node' } },
      breadcrumbs: [
        { atMs: NOW - 2_000, category: 'http', message: 'GET /songs', data: { status_code: 200 } },
      ],
    })
    expect(event.exceptions).toEqual([
      expect.objectContaining({ type: 'TypeError', handled: false, value: 'x is undefined' }),
    ])
    expect(event.exceptions[0]?.frames[1]).toEqual({
      function: 'handle',
      module: 'handle',
      file: 'services/gateway/handle.ts',
      line: 10,
      column: 3,
      inApp: true,
      before: [],
      source: null,
      after: [],
    })
  })

  test('reads what the Python SDK sends: ISO instants without a zone, source lines, tags as pairs', () => {
    const { event } = read({
      event_id: ID,
      platform: 'python',
      timestamp: '2026-11-21T13:59:58.250000Z',
      tags: [['service', 'recommender']],
      breadcrumbs: { values: [{ timestamp: '2026-11-21T13:59:57', message: 'SELECT 1', type: 'default' }] },
      exception: {
        values: [
          {
            type: 'OperationalError',
            value: 'server closed the connection',
            stacktrace: {
              frames: [
                {
                  filename: 'pipeline/recommender/app.py',
                  function: 'songs',
                  in_app: true,
                  lineno: 7,
                  pre_context: ['a', 'b'],
                  context_line: 'return query()',
                  post_context: ['c'],
                  vars: { secret_thing: 'plain' },
                },
              ],
            },
          },
        ],
      },
    })
    expect(event.atMs).toBe(NOW - 1_750)
    expect(event.service).toBe('recommender')
    expect(event.breadcrumbs[0]).toMatchObject({ atMs: NOW - 3_000, message: 'SELECT 1' })
    expect(event.exceptions[0]?.frames[0]).toMatchObject({
      before: ['a', 'b'],
      source: 'return query()',
      after: ['c'],
    })
    expect(JSON.stringify(event)).not.toContain('plain')
  })

  test('keeps neither bodies nor cookies nor addresses, and no secret in a header, a query or a context', () => {
    const { event } = read(
      thrown({
        request: {
          method: 'POST',
          url: 'http://gateway/plays?token=topsecret1&page=2',
          query_string: 'token=topsecret2&page=2',
          data: { card: 'topsecret3' },
          cookies: { id: 'topsecret4' },
          headers: { Authorization: 'Bearer topsecret5', Cookie: 'topsecret6', Accept: 'text/html' },
          env: { REMOTE_ADDR: '10.1.2.3' },
        },
        user: { id: '42', email: 'who@example.org', ip_address: '10.1.2.3' },
        extra: { settings: { dbPassword: 'topsecret7', host: 'db' } },
        contexts: { app: { note: 'postgres://owner:topsecret8@db/divergence' } },
        message: 'login with password=topsecret9 failed',
      }),
    )
    const kept = JSON.stringify(event)
    expect(kept).not.toMatch(/topsecret|10\.1\.2\.3|who@example/)
    expect(event.request).toMatchObject({ method: 'POST', headers: { Accept: 'text/html' } })
    expect(event.request?.query).toContain('page=2')
    expect(event.extra).toEqual({ settings: { dbPassword: '[scrubbed]', host: 'db' } })
    expect(event.user).toEqual({ id: '42' })
  })

  test('is within limits, whatever comes', () => {
    const { event } = read(
      thrown({
        breadcrumbs: Array.from({ length: 1_000 }, (_, index) => ({ message: `${index}` })),
        extra: { deep: { a: { b: { c: { d: { e: { f: 1 } } } } } }, long: 'x'.repeat(100_000) },
        tags: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`t${index}`, 'v'])),
        exception: {
          values: [{ type: 'E', stacktrace: { frames: Array.from({ length: 5_000 }, () => frame('f')) } }],
        },
      }),
    )
    expect(event.breadcrumbs).toHaveLength(100)
    expect(event.breadcrumbs[0]?.message).toBe('900')
    expect(Object.keys(event.tags)).toHaveLength(50)
    expect(event.exceptions[0]?.frames).toHaveLength(100)
    expect(JSON.stringify(event.extra).length).toBeLessThan(3_000)
  })

  test('takes the trace of the envelope when the event names none, and none that is not one', () => {
    expect(read(thrown(), TRACE).event.traceId).toBe(TRACE)
    expect(read(thrown(), '0'.repeat(32)).event.traceId).toBeNull()
    expect(read(thrown(), 7).event.traceId).toBeNull()
  })

  test('does not believe an instant of next year', () => {
    expect(read(thrown({ timestamp: NOW / 1000 + 90_000 })).event.atMs).toBe(NOW)
    expect(read(thrown({ timestamp: 'soon' })).event.atMs).toBe(NOW)
  })

  test.each([{ event: null }, { event: [] }, { event: {} }, { event: { event_id: 'x' } }])(
    'refuses $event',
    ({ event }) => {
      expect(() => readEvent(event, undefined, NOW)).toThrow('event_id')
    },
  )
})

describe('fingerprintOf()', () => {
  const other = (frames: readonly object[], type = 'TypeError') =>
    thrown({ exception: { values: [{ type, value: 'another text', stacktrace: { frames } }] } })
  const usual = [frame('main'), frame('handle')]

  test('is the same for the same place, whatever the text, the line or the group of the lab', () => {
    const moved = [frame('main', { lineno: 99 }), frame('handle', { lineno: 1 })]
    expect(fingerprint(other(moved))).toBe(fingerprint(thrown()))
    expect(fingerprint(thrown({ tags: { service: 'gateway', group: 'control' } }))).toBe(
      fingerprint(thrown()),
    )
  })

  test('is another one for another place, another kind or another service', () => {
    const all = [
      thrown(),
      other([frame('main'), frame('elsewhere')]),
      other(usual, 'RangeError'),
      thrown({ tags: { service: 'recommender' } }),
    ].map(fingerprint)
    expect(new Set(all).size).toBe(4)
  })

  test('looks at our own frames only, where there are some', () => {
    const library = frame('library', { in_app: false })
    expect(fingerprint(other([...usual, library]))).toBe(fingerprint(other(usual)))
    expect(fingerprint(other([library]))).not.toBe(fingerprint(other([frame('net', { in_app: false })])))
  })

  test('is what the program says, and may build on the default', () => {
    expect(fingerprint(thrown({ fingerprint: ['mine'] }))).toBe(
      fingerprint(other([frame('x')]) && thrown({ fingerprint: ['mine'], exception: undefined })),
    )
    expect(fingerprint(thrown({ fingerprint: ['{{ default }}'] }))).toBe(fingerprint(thrown()))
    expect(fingerprint(thrown({ fingerprint: ['{{ default }}', 'b'] }))).not.toBe(fingerprint(thrown()))
  })

  test('takes messages that differ in numbers for one', () => {
    const message = (text: string) => fingerprint({ event_id: ID, logentry: { formatted: text } })
    expect(message('took 120 ms for song d41d8cd98f00b204')).toBe(
      message('took 7 ms for song 9e107d9d372bb682'),
    )
    expect(message('took 120 ms')).not.toBe(message('lost 120 ms'))
  })
})
