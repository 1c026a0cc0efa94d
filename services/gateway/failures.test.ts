import { describe, expect, test } from '@jest/globals'
import type { SpanContext } from '@opentelemetry/api'
import type { ErrorReport } from '../../instrumentation/telemetry.ts'
import { Failures, type UpstreamFailure } from './failures.ts'
import { RecentChanges } from './recent.ts'

const KEPT: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
const NOT_KEPT: SpanContext = { ...KEPT, traceFlags: 0 }

const FAILURE: UpstreamFailure = {
  method: 'GET',
  route: '/songs',
  status: '502',
  reason: 'ECONNRESET',
  requestId: 'r1',
  tries: [],
  cause: undefined,
  span: NOT_KEPT,
}

function scene() {
  const clock = { nowMs: 100_000 }
  const reports: ErrorReport[] = []
  const lines: Readonly<Record<string, unknown>>[] = []
  const recent = new RecentChanges(() => clock.nowMs)
  const failures = new Failures(
    report => reports.push(report),
    (event, fields) => lines.push({ event, ...fields }),
    recent,
    () => clock.nowMs,
  )
  return { clock, reports, lines, recent, failures }
}

describe('Failures', () => {
  test('tell of one that fails in another way, whatever flood there is', () => {
    const { failures, reports } = scene()
    for (let count = 0; count < 100; count++) failures.upstream(FAILURE)
    failures.upstream({ ...FAILURE, status: '504' })

    expect(reports.map(({ tags }) => tags?.status)).toEqual(['502', '502', '502', '504'])
  })

  test('keep room for those whose trace can be looked at', () => {
    const { failures, reports } = scene()
    for (let count = 0; count < 100; count++) failures.upstream(FAILURE)
    failures.upstream({ ...FAILURE, span: KEPT })

    expect(reports.at(-1)?.span).toBe(KEPT)
  })

  test('say how many they left out', () => {
    const { failures, lines, clock } = scene()
    for (let count = 0; count < 10; count++) failures.upstream(FAILURE)
    clock.nowMs += 10_000
    failures.upstream(FAILURE)

    expect(lines.map(({ suppressed }) => suppressed)).toEqual([0, 0, 0, 7])
  })

  test('write the trace into the log', () => {
    const { failures, lines } = scene()
    failures.upstream(FAILURE)
    failures.handler({ error: new TypeError('odd'), method: 'GET', route: '/', requestId: 'r2', span: KEPT })

    expect(lines).toEqual([
      expect.objectContaining({ event: 'request failed', trace_id: KEPT.traceId, requestId: 'r1' }),
      expect.objectContaining({ event: 'handler failed', trace_id: KEPT.traceId, requestId: 'r2' }),
    ])
  })

  test('tell what happened within the last minute, in the order of time', () => {
    const { failures, reports, recent, clock } = scene()
    recent.changed('endpoint gone', { endpoint: 'old' })
    clock.nowMs += 61_000
    recent.changed('endpoint ejected', { endpoint: 'x' })
    const tries = [
      { atMs: clock.nowMs - 5, endpoint: 'x', kind: 'first', outcome: 'reset', reason: 'ECONNRESET' },
    ] as const
    failures.upstream({ ...FAILURE, tries })

    expect(reports[0]?.breadcrumbs?.map(({ category }) => category)).toEqual(['try', 'breaker'])
  })

  test('have the error of the last try as their cause', () => {
    const { failures, reports } = scene()
    const cause = new Error('other side closed')
    failures.upstream({ ...FAILURE, cause })

    expect(reports[0]?.error).toMatchObject({ name: 'UpstreamError', cause })
  })

  test('call fatal what nobody caught', () => {
    const { failures, reports, lines } = scene()
    failures.stray('uncaught exception', new RangeError('far off'))
    failures.stray('unhandled rejection', 'a text')

    expect(reports.map(({ level, fingerprint }) => [level, fingerprint])).toEqual([
      ['fatal', ['gateway', 'uncaught exception', 'RangeError']],
      ['fatal', ['gateway', 'unhandled rejection', 'string']],
    ])
    expect(lines.map(({ event }) => event)).toEqual(['uncaught exception', 'unhandled rejection'])
  })

  test('only log when nobody wants events', () => {
    const lines: string[] = []
    const failures = new Failures(
      undefined,
      event => lines.push(event),
      new RecentChanges(Date.now),
      Date.now,
    )
    failures.upstream(FAILURE)

    expect(lines).toEqual(['request failed'])
  })
})
