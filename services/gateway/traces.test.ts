import { afterEach, describe, expect, test } from '@jest/globals'
import { propagation, trace } from '@opentelemetry/api'
import type { ErrorReport } from '../../instrumentation/telemetry.ts'
import {
  type Behaviour,
  FakeRecommender,
  failing,
  healthy,
  resetting,
  startScene,
  until,
} from './fake-recommender.ts'
import { FakeTracer, type ToldSpan } from './fake-tracer.ts'
import { GatewayTraces } from './traces.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const CLIENTS = `00-${TRACE_ID}-b7ad6b7169203331-01`
const HASH = '0123456789abcdef0123456789abcdef'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  propagation.disable()
})

/** W3C Trace Context, as the SDK has it. */
function knowTraceparent(): void {
  propagation.setGlobalPropagator({
    inject: () => {},
    fields: () => ['traceparent'],
    extract: (context, carrier) => {
      const [, traceId = '', spanId = '', flags] = String(
        (carrier as { traceparent?: string }).traceparent,
      ).split('-')
      if (traceId.length !== 32) return context
      return trace.setSpanContext(context, { traceId, spanId, traceFlags: Number(flags) })
    },
  })
}

async function gateway(behaviours: readonly Behaviour[], sampled: boolean) {
  const fakes = await Promise.all(behaviours.map(behaviour => FakeRecommender.start(behaviour)))
  const tracer = new FakeTracer(sampled)
  const reports: ErrorReport[] = []
  const telling = {
    traces: new GatewayTraces(tracer),
    report: (report: ErrorReport) => {
      reports.push(report)
    },
  }
  const scene = await startScene(
    fakes.map(fake => fake.authority),
    // One retry, and then the client is told.
    { GW_RETRY_BURST: '1', GW_RETRY_RATIO: '0', GW_RETRY_PER_SECOND: '0' },
    telling,
  )
  cleanups.push(...fakes.map(fake => () => fake.stop()), () => scene.gateway.drain())
  const settled = () => until(() => tracer.spans.every(span => span.ended > 0), 'all spans to end')
  return {
    scene,
    fakes,
    tracer,
    reports,
    settled,
    get: (path: string, init?: RequestInit) => fetch(scene.url + path, init),
  }
}

const asked = (fakes: readonly FakeRecommender[]) => fakes.flatMap(fake => fake.asked)
const traceparentOf = ({ context }: ToldSpan) => `00-${context.traceId}-${context.spanId}-01`

describe('GatewayTraces', () => {
  test('tells of a request by method and route, and of its try', async () => {
    const { get, tracer, fakes, settled } = await gateway([healthy], true)
    await get(`/songs/${HASH}?x=1`, { headers: { 'x-request-id': 'r1' } })
    await settled()

    const [request, attempt] = tracer.spans
    expect(tracer.spans.map(span => [span.name, span.ended])).toEqual([
      ['GET /songs/:hash', 1],
      ['try recommender', 1],
    ])
    expect(request?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/songs/:hash',
      'url.path': `/songs/${HASH}`,
      'http.response.status_code': 200,
      'request.id': 'r1',
    })
    expect(attempt?.parentSpanId).toBe(request?.context.spanId)
    expect(attempt?.attributes).toMatchObject({
      'server.port': fakes[0]?.port,
      'gateway.try': 'first',
      'gateway.outcome': 'ok',
      'http.response.status_code': 200,
    })
    expect([request?.status, attempt?.status]).toEqual([undefined, undefined])
  })

  test('tells the recommender which try it works for', async () => {
    const { get, tracer, fakes, settled } = await gateway([failing(503), failing(503)], true)
    await get('/songs')
    await settled()

    const [, first, second] = tracer.spans
    expect(
      asked(fakes)
        .map(({ headers }) => headers.traceparent)
        .sort(),
    ).toEqual([first, second].map(span => span && traceparentOf(span)))
  })

  test('tells retries from first tries, and what went wrong with each', async () => {
    const { get, tracer, settled } = await gateway([resetting, resetting], true)
    await get('/songs')
    await settled()

    const tries = tracer.spans.filter(({ name }) => name === 'try recommender')
    expect(tries.map(({ attributes }) => attributes['gateway.try'])).toEqual(['first', 'retry'])
    expect(tries[0]?.attributes['gateway.outcome']).toBe('reset')
    expect(tries[0]?.status).toMatchObject({ code: 2, message: 'UND_ERR_SOCKET' })
    expect(tracer.spans[0]?.status?.code).toBe(2)
  })

  test('makes one span and no more of a request that is not sampled, and says so to the recommender', async () => {
    const { get, tracer, fakes } = await gateway([healthy], false)
    await get('/songs')

    expect(tracer.spans.map(({ attributes, ended }) => [attributes, ended])).toEqual([[{}, 0]])
    const { traceId = '', spanId = '' } = tracer.spans[0]?.context ?? {}
    expect(asked(fakes)[0]?.headers.traceparent).toBe(`00-${traceId}-${spanId}-00`)
  })

  test('goes on with the trace of the client', async () => {
    knowTraceparent()
    const { get, tracer, fakes, settled } = await gateway([healthy], true)
    await get('/songs', { headers: { traceparent: CLIENTS, tracestate: 'a=b' } })
    await settled()

    expect(tracer.spans[0]?.parentSpanId).toBe('b7ad6b7169203331')
    const { traceparent, tracestate } = asked(fakes)[0]?.headers ?? {}
    expect(String(traceparent)).toMatch(new RegExp(`^00-${TRACE_ID}-b+2-01$`))
    expect(tracestate).toBe('a=b')
  })

  test('takes nothing from a client that sends what is no trace', async () => {
    knowTraceparent()
    const { get, fakes } = await gateway([healthy], false)
    await get('/songs', { headers: { traceparent: 'nonsense', tracestate: 'a=b' } })

    const { traceparent, tracestate } = asked(fakes)[0]?.headers ?? {}
    expect(String(traceparent)).toMatch(/^00-a+1-b+1-00$/)
    expect(tracestate).toBeUndefined()
  })

  test('names nothing after the path of a client', async () => {
    const { get, tracer, settled } = await gateway([healthy], true)
    await get('/nothing/here')
    await settled()

    expect(tracer.spans.map(({ name }) => name)).toEqual(['GET unmatched'])
  })
})

describe('gateway metrics', () => {
  const scrape = async (port: number) => {
    const headers = { accept: 'application/openmetrics-text;version=1.0.0' }
    return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text()
  }

  test('have the trace that was kept as the example of its bucket', async () => {
    const { get, tracer, scene, settled } = await gateway([healthy], true)
    await get('/songs')
    await settled()

    const line = (await scrape(scene.gateway.metricsPort)).match(/_bucket.*route="\/songs".* # (\{.*?\})/)
    expect(line?.[1]).toBe(`{trace_id="${tracer.spans[0]?.context.traceId}"}`)
  })

  test('have no example that nobody could look at', async () => {
    const { get, scene } = await gateway([healthy], false)
    await get('/songs')

    const text = await scrape(scene.gateway.metricsPort)
    expect(text).toMatch(/_count\{.*route="\/songs".*\} 1/)
    expect(text).not.toContain('trace_id')
  })
})

describe('gateway error events', () => {
  test('tell of a failure that reached a client, its tries and its trace', async () => {
    const { get, reports, tracer, fakes } = await gateway([resetting, failing(503)], true)
    const answer = await get('/songs', { headers: { 'x-request-id': 'r7' } })
    await until(() => reports.length === 1, 'the report')

    const [report] = reports
    expect(report).toMatchObject({
      method: 'GET',
      route: '/songs',
      level: 'error',
      tags: { status: String(answer.status), requestId: 'r7' },
      span: tracer.spans[0]?.context,
    })
    expect(report?.fingerprint.slice(0, 4)).toEqual([
      'gateway',
      'upstream',
      'GET /songs',
      String(answer.status),
    ])
    const crumbs = report?.breadcrumbs?.filter(({ category }) => category === 'try') ?? []
    expect(crumbs.map(({ data }) => data?.endpoint)).toEqual(
      expect.arrayContaining(fakes.map(fake => fake.authority)),
    )
    expect(report?.breadcrumbs?.some(({ category }) => category === 'endpoints')).toBe(true)
  })

  test.each([
    ['a good answer', healthy, '/songs'],
    ['an answer that is the client’s own fault', failing(422), '/songs'],
    ['a path that is not there', healthy, '/nothing'],
  ])('are not made of %s', async (_, behaviour, path) => {
    const { get, reports } = await gateway([behaviour], true)
    await get(path)

    expect(reports).toEqual([])
  })

  test('tell of the recommender’s own 500, which is not tried again', async () => {
    const { get, reports } = await gateway([failing(500)], false)
    await get('/songs')
    await until(() => reports.length === 1, 'the report')

    expect(reports[0]?.tags).toMatchObject({ status: '500', reason: 'status 500' })
  })

  test('tell of an outage in few words', async () => {
    const { get, reports, scene } = await gateway([failing(500)], false)
    for (let count = 0; count < 20; count++) await get('/songs')

    expect(reports).toHaveLength(3)
    expect(scene.events.filter(event => event === 'request failed')).toHaveLength(3)
  })
})
