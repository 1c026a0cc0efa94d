import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startTestServer, type TestServer } from './database-fixture.ts'

/** Starting a process that loads everything takes its time on a busy machine, milliseconds. */
const PATIENCE_MS = 120_000

const urlOf = (path: string) => new URL(path, import.meta.url)

/** oncall as main.ts starts it, without a cluster; it asks itself, tells what it was answered, and ends. */
const PROGRAM = `
  const { Router } = await import('express')
  const { telemetry } = await import('./instrumentation/telemetry.ts')
  const { parseConfig } = await import('./services/oncall/config.ts')
  const { startOncall } = await import('./services/oncall/oncall.ts')
  const lab = { pods: async () => [], nodes: async () => [], halted: async () => null }
  const config = parseConfig(process.env, () => 'a-secret-of-some-length')
  const oncall = await startOncall(config, { lab, pages: () => Router(), log: () => undefined })
  await oncall.ready
  const ask = async (path, options) => {
    const answer = await fetch('http://127.0.0.1:' + oncall.port + path, options)
    return { status: answer.status, text: await answer.text() }
  }
  const statuses = []
  for (const path of ['/healthz', '/readyz', '/metrics', '/api/runs/none']) statuses.push((await ask(path)).status)
  const body = '{}\\n{"type":"session"}\\n{}\\n'
  statuses.push((await ask('/api/1/envelope/?sentry_key=publickey', { method: 'POST', body })).status)
  const { text } = await ask('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } })
  console.log(JSON.stringify({ statuses, examples: text.split('\\n').filter(line => line.includes('trace_id')) }))
  await oncall.drain()
  await telemetry().shutdown()
  process.exit(0)`

type Span = {
  readonly traceId: string
  readonly id: string
  readonly parentId?: string
  readonly kind: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

let database: TestServer
let sink: Server
let spans: Span[]
let output = ''
let code: unknown

beforeAll(async () => {
  database = await startTestServer()
  spans = []
  sink = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      spans.push(...(JSON.parse(body) as Span[]))
      response.writeHead(202).end()
    })
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const { host, port, database: name } = (await database.database()).options
  const kept = Object.entries(process.env).filter(([key]) => !/^(OTEL_|SENTRY_|NODE_|TRACES_)/.test(key))
  const program = ['--import', urlOf('../../instrumentation/register.ts').href, '--input-type=module']
  const child = spawn(process.execPath, [...program, '-e', PROGRAM], {
    cwd: urlOf('../../'),
    env: {
      ...Object.fromEntries(kept),
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/api/v2/spans`,
      OTEL_SERVICE_NAME: 'oncall',
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,express,pg',
      OC_LISTEN_HOST: '127.0.0.1',
      OC_PORT: '0',
      OC_DATABASE_HOST: host ?? '',
      OC_DATABASE_PORT: String(port),
      OC_DATABASE_NAME: name ?? '',
      OC_EVENT_KEY: 'publickey',
      OC_PROMETHEUS_URL: 'http://127.0.0.1:9',
    },
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const exited = await once(child, 'close')
  code = exited[0]
}, PATIENCE_MS)
afterAll(async () => {
  sink.close()
  sink.closeAllConnections()
  await database.stop()
}, 60_000)

describe('oncall behind register.ts', () => {
  const told = () =>
    JSON.parse(output) as { readonly statuses: readonly number[]; readonly examples: readonly string[] }
  const requests = () => spans.filter(({ kind }) => kind === 'SERVER')

  test('tells of a request by its route, but not of probes, scrapes and error events', () => {
    expect([code, told().statuses]).toEqual([0, [200, 200, 200, 404, 200]])
    expect(requests()).toMatchObject([
      {
        name: 'GET /api/runs/:runId',
        tags: { 'service.name': 'oncall', 'http.response.status_code': '404' },
      },
    ])
  })

  test('tells of the queries of that request, and of none that nobody asked for', () => {
    const [request] = requests()
    const queries = spans.filter(({ name }) => name.startsWith('pg.query:SELECT'))

    expect(queries[0]?.tags['db.query.text']).toMatch(/FROM runs r WHERE run_id = \$1$/)
    expect(spans.filter(span => span !== request).map(({ parentId }) => parentId)).toEqual(
      spans.filter(span => span !== request).map(() => request?.id),
    )
  })

  test('gives the trace as the example of its bucket', () => {
    expect(told().examples).toEqual([
      expect.stringMatching(`route="/api/runs/:runId".* # {trace_id="${requests()[0]?.traceId}"}`),
    ])
  })
})
