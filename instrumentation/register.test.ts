import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

const REGISTER = new URL('./register.ts', import.meta.url).href
const TELEMETRY = JSON.stringify(new URL('./telemetry.ts', import.meta.url).href)

/** Starting a process that loads everything takes its time on a busy machine, milliseconds. */
const PATIENCE_MS = 120_000

/** Stands for Zipkin and for the event sink, and keeps what they are sent. */
let sink: Server
let posts: { readonly path: string; readonly type: string; readonly body: string }[] = []

beforeAll(async () => {
  sink = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const type = request.headers['content-type'] ?? ''
      posts.push({ path: request.url ?? '', type, body })
      // No byte at all is a whole answer in protobuf.
      response.writeHead(202).end(type === TYPES['http/protobuf'] ? '' : '{}')
    })
  })
  sink.listen(0, '127.0.0.1')
  await once(sink, 'listening')
})
beforeEach(() => {
  posts = []
})
afterAll(async () => {
  const closed = once(sink, 'close')
  sink.close()
  sink.closeAllConnections()
  await closed
})

/** Runs a program after `register.ts`, with these variables and no others of telemetry. */
async function run(program: string, settings: Readonly<Record<string, string>>) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(OTEL_|SENTRY_|NODE_|TRACES_)/.test(name))
  const child = spawn(process.execPath, ['--import', REGISTER, '--input-type=module', '-e', program], {
    env: { ...Object.fromEntries(kept), ...settings },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const [code] = await once(child, 'close')
  return { code, output }
}

/** A span as Zipkin is sent it. */
type Span = {
  readonly traceId: string
  readonly id: string
  readonly parentId?: string
  readonly kind?: string
  readonly name: string
}
const spansSent = (): readonly Span[] =>
  posts.filter(({ path }) => path === '/api/v2/spans').flatMap(({ body }) => JSON.parse(body))

/** What the two ways of writing OTLP are called on their way. */
const TYPES: Readonly<Record<string, string>> = {
  'http/json': 'application/json',
  'http/protobuf': 'application/x-protobuf',
}

const base = () => `http://127.0.0.1:${(sink.address() as AddressInfo).port}`

describe('register.ts', () => {
  test(
    'loads nothing and changes nothing when no variable is set',
    async () => {
      const { code, output } = await run(
        `const { telemetry } = await import(${TELEMETRY})
         console.log(JSON.stringify(Object.keys(telemetry()).filter(name => telemetry()[name] !== undefined)))
         console.log(Object.keys(globalThis).concat(Object.getOwnPropertySymbols(globalThis).map(String)).filter(name => /SENTRY|opentelemetry/.test(name)).length)
         await telemetry().shutdown()`,
        {},
      )

      expect([code, output.trim().split('\n')]).toEqual([0, ['["shutdown"]', '0']])
    },
    PATIENCE_MS,
  )

  test(
    'sends spans and error events of one trace to where the variables say',
    async () => {
      const { code, output } = await run(
        `const { telemetry } = await import(${TELEMETRY})
         const { tracer, report, shutdown } = telemetry()
         const span = tracer.startSpan('work')
         const error = () => report({ error: new TypeError('password=hunter2'), level: 'error', fingerprint: ['f'], route: '/a/:b', method: 'GET',
           breadcrumbs: [{ atMs: 1000, category: 'try', message: 'first', level: 'warning' }], span: span.spanContext() })
         for (let count = 0; count < 2; count++) error()
         span.end()
         await shutdown()
         process.exit(0)`,
        {
          OTEL_TRACES_EXPORTER: 'zipkin',
          OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${base()}/api/v2/spans`,
          OTEL_SERVICE_NAME: 'gateway',
          OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none',
          SENTRY_DSN: `${base().replace('//', '//key@')}/1`,
          SENTRY_RELEASE: 'r1',
          GROUP: 'experiment',
          NODE_NAME: 'experiment-b',
        },
      )

      expect([code, output]).toEqual([0, ''])
      const spans = spansSent()
      expect(spans).toHaveLength(1)
      expect(spans[0]).toMatchObject({
        name: 'work',
        localEndpoint: { serviceName: 'gateway' },
        tags: { group: 'experiment', zone: 'b', 'service.version': 'r1' },
      })
      const events = posts
        .filter(({ path }) => path.startsWith('/api/1/envelope/'))
        .map(({ body }) => JSON.parse(body.split('\n')[2] ?? ''))
      // What happens again has another trace, so it is told again; how often is limited elsewhere.
      expect(events).toHaveLength(2)
      expect(events[0]).toMatchObject({
        release: 'r1',
        transaction: 'GET /a/:b',
        fingerprint: ['f'],
        tags: { group: 'experiment', zone: 'b', service: 'gateway', route: '/a/:b' },
        contexts: { trace: { trace_id: spans[0]?.traceId, span_id: spans[0]?.id } },
        breadcrumbs: [{ timestamp: 1, category: 'try', message: 'first', level: 'warning' }],
        exception: { values: [{ type: 'TypeError', value: 'password=[removed]' }] },
      })
      expect(events[0].exception.values[0].stacktrace.frames.length).toBeGreaterThan(0)
    },
    PATIENCE_MS,
  )

  test.each(['http/json', 'http/protobuf'])(
    'sends spans as OTLP in %s to a collector that the variables name',
    async protocol => {
      const { code, output } = await run(
        `const { telemetry } = await import(${TELEMETRY})
         telemetry().tracer.startSpan('work').end()
         await telemetry().shutdown()
         process.exit(0)`,
        {
          OTEL_TRACES_EXPORTER: 'otlp',
          OTEL_EXPORTER_OTLP_ENDPOINT: base(),
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_SERVICE_NAME: 'gateway',
          OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none',
        },
      )

      expect([code, output]).toEqual([0, ''])
      expect(posts).toEqual([{ path: '/v1/traces', type: TYPES[protocol], body: expect.any(String) }])
      for (const part of ['work', 'gateway']) expect(posts[0]?.body).toContain(part)
    },
    PATIENCE_MS,
  )

  test(
    'lets the packages that a program imports tell of its requests, in one trace from hand to hand',
    async () => {
      const { code, output } = await run(
        `const { default: express } = await import('express')
         const { get } = await import('node:http')
         const { request } = await import('undici')
         const { telemetry } = await import(${TELEMETRY})
         const app = express()
         app.get('/outer/:id', async (_request, response) => {
           const inner = await request('http://127.0.0.1:' + server.address().port + '/inner/7')
           response.end(await inner.body.text())
         })
         app.get('/inner/:id', (_request, response) => void response.end('done'))
         app.get('/healthz', (_request, response) => void response.end())
         const server = app.listen(0, '127.0.0.1')
         await new Promise(resolve => server.once('listening', resolve))
         for (const path of ['/healthz', '/outer/1']) {
           await new Promise(resolve => get({ port: server.address().port, path }, answer => answer.resume().once('end', resolve)))
         }
         await telemetry().shutdown()
         process.exit(0)`,
        {
          OTEL_TRACES_EXPORTER: 'zipkin',
          OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${base()}/api/v2/spans`,
          OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,express,undici',
        },
      )

      expect([code, output]).toEqual([0, ''])
      const spans = spansSent()
      const served = spans.filter(({ kind }) => kind === 'SERVER')
      expect(served.map(({ name }) => name)).toEqual(['GET /inner/:id', 'GET /outer/:id'])
      // From where it was asked back to where it began: express served it, undici asked express, node:http asked first.
      const way = [served[0]]
      for (let at = served[0]; at?.parentId !== undefined; way.push(at)) {
        const { parentId } = at
        at = spans.find(({ id }) => id === parentId)
      }
      expect(way.map(span => [span?.kind, span?.name, span?.traceId === served[0]?.traceId])).toEqual([
        ['SERVER', 'GET /inner/:id', true],
        ['CLIENT', 'GET', true],
        ['SERVER', 'GET /outer/:id', true],
        ['CLIENT', 'GET', true],
      ])
    },
    PATIENCE_MS,
  )

  test(
    'refuses to start a program with settings that are wrong',
    async () => {
      const { code, output } = await run("console.log('started')", { OTEL_TRACES_EXPORTER: 'jaeger' })

      expect(code).toBe(2)
      expect(output).toContain("current value is 'jaeger'")
      expect(output).not.toContain('started')
    },
    PATIENCE_MS,
  )

  test(
    'lets a program end in time when nobody takes what it tells',
    async () => {
      const { code, output } = await run(
        `const { telemetry } = await import(${TELEMETRY})
         telemetry().tracer.startSpan('work').end()
         const startedAtMs = performance.now()
         await telemetry().shutdown()
         console.log(performance.now() - startedAtMs < 5000)
         process.exit(0)`,
        { OTEL_TRACES_EXPORTER: 'zipkin', OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://127.0.0.1:9/api/v2/spans' },
      )

      expect(code).toBe(0)
      expect(output).toContain('telemetry trouble')
      expect(output).toContain('true')
    },
    PATIENCE_MS,
  )
})
