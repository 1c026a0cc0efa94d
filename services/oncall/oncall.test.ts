import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Router } from 'express'
import type { OncallConfig } from './config.ts'
import { parseConfig } from './config.ts'
import type { AlertEvent, EventGroup, LiveState, RunDetail, SessionState } from './contract.ts'
import { startTestServer, type TestServer } from './database-fixture.ts'
import type { Lab } from './lab-reader.ts'
import { type Oncall, startOncall } from './oncall.ts'

const TOKENS = {
  database: 'database-password-1',
  recorder: 'recorder-token-1234',
  runner: 'runner-token-123456',
  console: 'console-token-12345',
  session: 'session-secret-1234',
}
const EVENT_ID = '0af7651916cd43dd8448eb211c80319c'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

let database: TestServer
let prometheus: Server
let oncall: Oncall
let base: string
let lines: string[]
let lab: Lab & { reason: string | null }

beforeAll(async () => {
  database = await startTestServer()
  // The one thing oncall asks by itself is the time.
  prometheus = createServer((request, response) => {
    const isClock = request.url?.endsWith('query=time()')
    const result = isClock ? [0, String(Date.now() / 1000 + 0.25)] : []
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ status: 'success', data: { result, asked: request.url } }))
  }).listen(0, '127.0.0.1')
}, 120_000)
afterAll(async () => {
  prometheus.close()
  prometheus.closeAllConnections()
  await database.stop()
}, 60_000)

function recordingLab(): Lab & { reason: string | null } {
  const itself = {
    reason: null as string | null,
    pods: async () => [],
    nodes: async () => [],
    halted: async () => itself.reason,
    halt: async (reason: string) => {
      itself.reason ??= reason
    },
    release: async () => {
      itself.reason = null
    },
  }
  return itself
}

async function start(
  address: { host: string; port: number; database: string },
  settings: Readonly<Record<string, string>> = {},
): Promise<Oncall> {
  const env = {
    OC_LISTEN_HOST: '127.0.0.1',
    OC_PORT: '0',
    OC_DATABASE_HOST: address.host,
    OC_DATABASE_PORT: String(address.port),
    OC_DATABASE_NAME: address.database,
    OC_EVENT_KEY: 'publickey',
    OC_EVENTS_PER_SECOND: '2',
    OC_PROMETHEUS_URL: `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`,
    ...settings,
  }
  const read = (path: string) => TOKENS[path.split('/').at(-1) as keyof typeof TOKENS]
  const config: OncallConfig = parseConfig(env, read)
  const log = (event: string, fields: object) => void lines.push(JSON.stringify({ event, ...fields }))
  return await startOncall(config, { lab, pages: () => Router(), log })
}

let address: { host: string; port: number; database: string }
beforeEach(async () => {
  lines = []
  lab = recordingLab()
  const { host, port, database: name } = (await database.database()).options
  address = { host: host ?? '', port: port ?? 0, database: name ?? '' }
  oncall = await start(address)
  base = `http://127.0.0.1:${oncall.port}`
  await oncall.ready
})
afterEach(async () => {
  await oncall.drain()
  // Whatever was sent, no secret of ours is in the log.
  for (const secret of Object.values(TOKENS)) expect(lines.join('\n')).not.toContain(secret)
})

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const get = async <T>(path: string): Promise<T> => (await fetch(`${base}${path}`)).json() as Promise<T>
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  return (await response.json()) as { status: number; detail: string; requestId: string }
}

const RECORDER = { authorization: `Bearer ${TOKENS.recorder}` }
const RUNNER = { 'x-divergence-token': TOKENS.runner }
const alerts = (nowMs: number) => [
  {
    labels: { alertname: 'PodNotReady', group: 'experiment', service: 'gateway', severity: 'ticket' },
    annotations: { summary: 's' },
    startsAt: new Date(nowMs).toISOString(),
    endsAt: new Date(nowMs + 240_000).toISOString(),
    generatorURL: 'http://prometheus:9090/graph',
  },
]

function envelope(event: object, type = 'event'): string {
  const item = JSON.stringify(event)
  return `${JSON.stringify({ event_id: EVENT_ID })}\n${JSON.stringify({ type, length: Buffer.byteLength(item) })}\n${item}\n`
}
const EVENT = {
  event_id: EVENT_ID,
  platform: 'node',
  tags: { service: 'gateway', group: 'experiment' },
  exception: { values: [{ type: 'Error', value: 'no database, password=hunter2hunter2' }] },
  request: { headers: { Authorization: 'Bearer abcdefghijkl', Accept: '*/*' }, cookies: 'a=b' },
  contexts: { trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' } },
}
const ENVELOPE = '/api/1/envelope/?sentry_version=7&sentry_key=publickey'

describe('POST /api/v2/alerts', () => {
  test('keeps what Prometheus sends, for those who know the token', async () => {
    const nowMs = Date.now()
    expect((await post('/api/v2/alerts', alerts(nowMs), RECORDER)).status).toBe(200)
    const [event] = await get<AlertEvent[]>('/api/alerts?state=firing')
    expect(event).toMatchObject({ name: 'PodNotReady', service: 'gateway', firedMs: nowMs, notifiedMs: null })

    const notification = {
      status: 'firing',
      receiver: 'person',
      alerts: alerts(nowMs).map(alert => ({ ...alert, status: 'firing' })),
    }
    expect((await post('/api/v2/notifications', notification, RECORDER)).status).toBe(200)
    const [notified] = await get<AlertEvent[]>('/api/alerts')
    expect(notified?.notifiedMs).toBeGreaterThanOrEqual(nowMs)
  })

  test.each([
    { title: 'no token', headers: {} },
    { title: 'another token', headers: { authorization: 'Bearer runner-token-123456' } },
    { title: 'an empty one', headers: { authorization: 'Bearer ' } },
  ])('refuses $title', async ({ headers }) => {
    const response = await post('/api/v2/alerts', alerts(0), headers)
    expect(response.status).toBe(401)
    await problemOf(response)
    expect(await get('/api/alerts')).toEqual([])
  })

  test('says what it does not understand, and keeps nothing of the message', async () => {
    const nowMs = Date.now()
    const response = await post('/api/v2/alerts', [...alerts(nowMs), { labels: {} }], RECORDER)
    expect((await problemOf(response)).detail).toContain("label 'alertname' is missing")
    expect(await get('/api/alerts')).toEqual([])
  })

  test('refuses JSON that is nested without end, and bodies that are too large', async () => {
    const deep = await post('/api/v2/alerts', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, RECORDER)
    expect(deep.status).toBe(400)
    const large = await post('/api/v2/alerts', `["${'x'.repeat(3_000_000)}"]`, RECORDER)
    expect(large.status).toBe(413)
  })

  test('loses nothing that was acknowledged when oncall and its database both end', async () => {
    await post('/api/v2/alerts', alerts(Date.now()), RECORDER)
    await oncall.drain()
    await database.crash()
    oncall = await start(address)
    base = `http://127.0.0.1:${oncall.port}`
    await oncall.ready
    expect(await get('/api/alerts')).toHaveLength(1)
  })
})

describe('POST /api/:project/envelope/', () => {
  test('keeps an event without its secrets, and answers as SDKs expect', async () => {
    const response = await post(ENVELOPE, envelope(EVENT), { 'content-type': 'text/plain' })
    expect([response.status, await response.json()]).toEqual([200, { id: EVENT_ID }])

    const [group] = await get<EventGroup[]>('/api/event-groups?service=gateway')
    expect(group).toMatchObject({ groups: ['experiment'], count: 1, kept: 1, level: 'error' })
    const kept = JSON.stringify(await get(`/api/event-groups/${group?.fingerprint}`))
    expect(kept).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
    expect(kept).not.toMatch(/hunter2|abcdefghijkl|a=b/)
    expect(await get('/api/events?traceId=4bf92f3577b34da6a3ce929d0e0e4736')).toHaveLength(1)
  })

  test('takes compressed envelopes, and stops inflating at the limit', async () => {
    const headers = {
      'content-encoding': 'gzip',
      'x-sentry-auth': 'Sentry sentry_version=7, sentry_key=publickey',
    }
    const send = (body: Buffer) =>
      fetch(`${base}/api/1/envelope/`, { method: 'POST', headers, body: new Uint8Array(body) })
    expect((await send(gzipSync(envelope(EVENT)))).status).toBe(200)
    // Eight kilobytes that hold eight megabytes.
    expect((await send(gzipSync(Buffer.alloc(8_000_000)))).status).toBe(413)
  })

  test.each([
    { title: 'another key', path: '/api/1/envelope/?sentry_key=other', body: envelope(EVENT), status: 403 },
    { title: 'no key', path: '/api/1/envelope/', body: envelope(EVENT), status: 403 },
    {
      title: 'another project',
      path: '/api/2/envelope/?sentry_key=publickey',
      body: envelope(EVENT),
      status: 404,
    },
    { title: 'what is no envelope', path: ENVELOPE, body: 'hello', status: 400 },
    { title: 'an event without an id', path: ENVELOPE, body: envelope({ message: 'm' }), status: 400 },
  ])('refuses $title', async ({ path, body, status }) => {
    const response = await post(path, body, { 'content-type': 'text/plain' })
    expect(response.status).toBe(status)
    await problemOf(response)
    expect(await get('/api/event-groups')).toEqual([])
  })

  test('accepts other items and counts them', async () => {
    expect((await post(ENVELOPE, envelope({}, 'client_report'))).status).toBe(200)
    const metrics = await (await fetch(`${base}/metrics`)).text()
    expect(metrics).toContain('oncall_envelope_items_dropped_total{reason="client_report"} 1')
  })

  test('tells SDKs to be silent when there are too many, and counts what it did not keep', async () => {
    // Two a second, and ten seconds' worth at once.
    const statuses: number[] = []
    let last: Response | undefined
    for (let index = 0; index < 24; index++) {
      const id = index.toString(16).padStart(32, 'a')
      last = await post(ENVELOPE, envelope({ ...EVENT, event_id: id }))
      statuses.push(last.status)
      if (last.status === 429) break
    }
    expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(20)
    expect(last?.status).toBe(429)
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    expect(last?.headers.get('x-sentry-rate-limits')).toMatch(/^\d+:error:organization$/)
    expect(await (await fetch(`${base}/metrics`)).text()).toMatch(
      /oncall_error_events_total\{outcome="limited",group="experiment",service="gateway"\} 1/,
    )
  })
})

describe('POST /api/runs/:runId/entries', () => {
  const RUN = '20261121T103144Z-zone-outage'
  const at = Date.now()
  const entry = (seq: number, fields: object) => ({ seq, entry: { atMs: at + seq, ...fields } })
  const opening = [
    entry(0, {
      entry: 'opened',
      runId: RUN,
      experiment: { name: 'zone-outage', hypothesis: 'h', level: 'zone' },
    }),
    entry(1, { entry: 'phase', phase: 'attack' }),
    entry(2, {
      entry: 'fault-begun',
      fault: 0,
      plan: {
        kind: 'zone-outage',
        targets: ['experiment-c'],
        zone: 'c',
        begin: [],
        end: [{ action: 'power-on' }],
      },
    }),
  ]
  const path = `/api/runs/${RUN}/entries`

  test('mirrors a run, tells of its attack and takes entries that come again for the same', async () => {
    expect(await (await post(path, { entries: opening }, RUNNER)).json()).toEqual({ added: 3 })
    expect(await (await post(path, { entries: opening }, RUNNER)).json()).toEqual({ added: 0 })

    const live = await get<LiveState>('/api/live')
    expect(live.run).toMatchObject({ runId: RUN, state: 'running', phase: 'attack' })
    expect(live.attacks).toEqual([expect.objectContaining({ kind: 'zone-outage', zone: 'c', endMs: null })])
    const labels = `run="${RUN}",kind="zone-outage",group="experiment",service="",zone="c"`
    expect(await (await fetch(`${base}/metrics`)).text()).toContain(`attack_active{${labels}} 1`)

    const verdict = { verdict: 'resilient', aborted: false, reasons: ['r'] }
    await post(
      path,
      {
        entries: [
          entry(3, { entry: 'fault-ended', fault: 0, endedBy: {} }),
          entry(4, { entry: 'verdict', verdict }),
        ],
      },
      RUNNER,
    )
    expect(await get<RunDetail>(`/api/runs/${RUN}`)).toMatchObject({
      state: 'judged',
      verdict: 'resilient',
      reasons: ['r'],
      attacks: [{ beginMs: at + 2, endMs: at + 3 }],
    })
    expect(await (await fetch(`${base}/metrics`)).text()).toContain(`attack_active{${labels}} 0`)
  })

  test('keeps the report and shows it as something that may run nothing', async () => {
    const put = (run: string) =>
      fetch(`${base}/api/runs/${run}/report`, {
        method: 'PUT',
        headers: { ...RUNNER, 'content-type': 'text/html' },
        body: '<h1>report</h1>',
      })
    expect((await put(RUN)).status).toBe(404)
    await post(path, { entries: opening }, RUNNER)
    expect((await put(RUN)).status).toBe(204)
    const shown = await fetch(`${base}/api/runs/${RUN}/report`)
    expect(await shown.text()).toBe('<h1>report</h1>')
    expect(shown.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
  })

  test('refuses who does not know the token, and what is no entry', async () => {
    expect((await post(path, { entries: opening })).status).toBe(401)
    expect((await post(path, { entries: opening }, RECORDER)).status).toBe(401)
    const damaged = [entry(0, { entry: 'fault-begun', fault: 0 })]
    expect((await post(path, { entries: damaged }, RUNNER)).status).toBe(400)
    expect((await post('/api/runs/..%2Fx/entries', { entries: [] }, RUNNER)).status).toBe(400)
    expect(await get('/api/runs')).toEqual([])
  })
})

describe('the console', () => {
  const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''
  const signIn = async () => {
    const response = await post('/api/session', { token: TOKENS.console })
    const state = (await response.json()) as SessionState
    if (!state.signedIn) throw new Error('not signed in')
    return { cookie: cookieOf(response), 'x-csrf-token': state.csrfToken, origin: base }
  }

  test('signs in with the token only, by a cookie that no script reads and no other site sends', async () => {
    expect((await post('/api/session', { token: 'guess' })).status).toBe(401)
    const response = await post('/api/session', { token: TOKENS.console })
    expect(response.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
    const cookie = cookieOf(response)
    const state = await (await fetch(`${base}/api/session`, { headers: { cookie } })).json()
    expect(state).toMatchObject({ signedIn: true, csrfToken: expect.any(String) })
    const forged = await (await fetch(`${base}/api/session`, { headers: { cookie: `${cookie}x` } })).json()
    expect(forged).toEqual({ signedIn: false })
  })

  test('halts and releases for who is signed in, and writes down who it was', async () => {
    const headers = await signIn()
    const halted = await post('/api/halt', { reason: 'enough' }, headers)
    expect(await halted.json()).toEqual({ halt: 'enough' })
    expect(lab.reason).toBe('enough')
    const released = await fetch(`${base}/api/halt`, { method: 'DELETE', headers })
    expect(await released.json()).toEqual({ halt: null })
    expect(lab.reason).toBeNull()
    expect(lines.map(line => JSON.parse(line).event)).toEqual(
      expect.arrayContaining(['sign-in', 'halt', 'release']),
    )
  })

  test('halts for the runner without a session', async () => {
    expect((await post('/api/halt', { reason: 'the runner says so' }, RUNNER)).status).toBe(200)
    expect(lab.reason).toBe('the runner says so')
  })

  test.each([
    { title: 'nobody', change: { cookie: '' }, status: 401 },
    { title: 'another site', change: { origin: 'http://elsewhere.example' }, status: 403 },
    { title: 'a page without an origin', change: { origin: '' }, status: 403 },
    {
      title: 'another site, as the browser tells it',
      change: { 'sec-fetch-site': 'cross-site' },
      status: 403,
    },
    { title: 'a form that does not know the token', change: { 'x-csrf-token': 'x' }, status: 403 },
    { title: 'a wrong runner', change: { 'x-divergence-token': 'x' }, status: 401 },
  ])('does not halt for $title', async ({ change, status }) => {
    const headers = { ...(await signIn()), ...change }
    expect((await post('/api/halt', { reason: 'r' }, headers)).status).toBe(status)
    expect((await fetch(`${base}/api/halt`, { method: 'DELETE', headers })).status).toBe(status)
    expect((await fetch(`${base}/api/session`, { method: 'DELETE', headers })).status).toBe(status)
    expect(lab.reason).toBeNull()
  })

  describe('POST /api/alerts/:instance/:firedMs/actions', () => {
    const act = (event: AlertEvent, body: unknown, headers: Record<string, string>) =>
      post(`/api/alerts/${event.instance}/${event.firedMs}/actions`, body, headers)
    const fired = async () => {
      await post('/api/v2/alerts', alerts(Date.now()), RECORDER)
      const [event] = await get<AlertEvent[]>('/api/alerts')
      if (event === undefined) throw new Error('there is no alert')
      return event
    }

    test('keeps who acknowledged and what the runner noted, and writes both down', async () => {
      const event = await fired()
      const first = await act(event, { action: 'acknowledged' }, await signIn())
      const acknowledged = {
        atMs: expect.any(Number),
        actor: expect.stringMatching(/^console [\w-]{8}$/),
        action: 'acknowledged',
        note: null,
      }
      expect([first.status, await first.json()]).toEqual([200, [acknowledged]])

      const second = await act(event, { action: 'noted', note: '  seen <b>  ' }, RUNNER)
      const noted = { atMs: expect.any(Number), actor: 'runner', action: 'noted', note: 'seen <b>' }
      expect([second.status, await second.json()]).toEqual([200, [acknowledged, noted]])
      expect((await get<AlertEvent[]>('/api/alerts'))[0]?.actions).toEqual([acknowledged, noted])
      const audited = lines.map(line => JSON.parse(line)).filter(({ instance }) => instance !== undefined)
      const fields = { instance: event.instance, fired: new Date(event.firedMs).toISOString() }
      expect(audited).toEqual([
        { event: 'alert acknowledged', actor: expect.stringMatching(/^console /), ...fields },
        { event: 'alert noted', actor: 'runner', ...fields },
      ])
    })

    test.each([
      { title: 'nobody', change: { cookie: '' }, status: 401 },
      { title: 'a form that does not know the token', change: { 'x-csrf-token': 'x' }, status: 403 },
      { title: 'another site', change: { origin: 'http://elsewhere.example' }, status: 403 },
      { title: 'a wrong runner', change: { 'x-divergence-token': 'x' }, status: 401 },
    ])('is not for $title', async ({ change, status }) => {
      const event = await fired()
      const response = await act(event, { action: 'acknowledged' }, { ...(await signIn()), ...change })
      expect(response.status).toBe(status)
      await problemOf(response)
      expect((await get<AlertEvent[]>('/api/alerts'))[0]?.actions).toEqual([])
    })

    test.each([
      { title: 'another instant', change: { firedMs: 1 }, status: 404 },
      { title: 'another instance', change: { instance: 'f'.repeat(32) }, status: 404 },
      { title: 'what is no instant', change: { firedMs: Number.NaN }, status: 400 },
      { title: 'what is no instance', change: { instance: "'; --" }, status: 400 },
      { title: 'another kind of action', body: { action: 'resolved' }, status: 400 },
      { title: 'a note without a text', body: { action: 'noted', note: ' ' }, status: 400 },
      { title: 'a note that is too long', body: { action: 'noted', note: 'x'.repeat(501) }, status: 400 },
      { title: 'another actor', body: { action: 'acknowledged', actor: 'me' }, status: 400 },
      { title: 'a body that is too large', body: { action: 'noted', note: 'x'.repeat(9_000) }, status: 413 },
    ])('refuses $title', async ({ change = {}, body = { action: 'acknowledged' }, status }) => {
      const event = await fired()
      const response = await act({ ...event, ...change }, body, RUNNER)
      expect(response.status).toBe(status)
      await problemOf(response)
      expect((await get<AlertEvent[]>('/api/alerts'))[0]?.actions).toEqual([])
    })

    test('refuses a flood, and a flood of strangers takes nothing from those who may act', async () => {
      const event = await fired()
      const flood = (headers: Record<string, string>) =>
        Promise.all(Array.from({ length: 100 }, () => act(event, { action: 'acknowledged' }, headers)))
      expect(new Set((await flood({})).map(({ status }) => status))).toEqual(new Set([401]))
      expect((await act(event, { action: 'acknowledged' }, RUNNER)).status).toBe(200)
      const statuses = (await flood(RUNNER)).map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([200, 429]))
    })
  })

  test('passes questions on to Prometheus, within limits', async () => {
    const range = (parameters: string) => fetch(`${base}/api/prometheus/query_range?query=up&${parameters}`)
    expect((await range('start=0&end=3600&step=15')).status).toBe(200)
    expect((await range('start=0&end=3600&step=1')).status).toBe(400)
    expect((await range('start=3600&end=0&step=15')).status).toBe(400)
    expect((await range('start=0&end=9999999&step=9999')).status).toBe(400)
    expect((await fetch(`${base}/api/prometheus/query?query=${'x'.repeat(9_000)}`)).status).toBe(400)
    expect((await fetch(`${base}/api/prometheus/query?query=up&other=1`)).status).toBe(400)
    expect((await fetch(`${base}/api/prometheus/series?match[]=up`)).status).toBe(404)
    const exemplars = (parameters: string) => fetch(`${base}/api/prometheus/query_exemplars?${parameters}`)
    const passedOn = await exemplars('query=up&start=0&end=3600')
    expect([passedOn.status, await passedOn.json()]).toEqual([
      200,
      { status: 'success', data: { result: [], asked: '/api/v1/query_exemplars' } },
    ])
    expect((await exemplars('query=up&start=3600&end=0')).status).toBe(400)
    expect((await exemplars('query=up&start=0&end=9999999')).status).toBe(400)
    expect((await exemplars('query=up&start=0&end=3600&step=15')).status).toBe(400)
    expect((await exemplars(`query=${'x'.repeat(9_000)}&start=0&end=3600`)).status).toBe(400)
  })

  test('has no dashboard outside its folder', async () => {
    expect((await fetch(`${base}/api/dashboards/..%2F..%2Fpackage`)).status).toBe(404)
  })
})

describe('oncall', () => {
  test('is ready when its database is, and says so of itself', async () => {
    expect((await fetch(`${base}/readyz`)).status).toBe(200)
    await fetch(`${base}/api/nothing`)
    await fetch(`${base}/api/runs/none`)
    const metrics = await (await fetch(`${base}/metrics`)).text()
    expect(metrics).toMatch(
      /oncall_request_duration_seconds_count\{method="GET",route="unmatched",status="404"\} 1/,
    )
    expect(metrics).toMatch(
      /oncall_request_duration_seconds_count\{method="GET",route="\/api\/runs\/:runId",status="404"\} 1/,
    )
  })

  test('asks for the indicators of its policy, and says when it gets none', async () => {
    const policy = { slos: [{ id: 'a', service: 'gateway', objective: 0.99, events: 'a', bad: 'b' }] }
    const folder = await mkdtemp(join(tmpdir(), 'oncall-policy-'))
    const path = join(folder, 'policy.json')
    await writeFile(path, JSON.stringify({ ...policy, rules: [], panels: {} }))
    await oncall.drain()
    oncall = await start(address, { OC_POLICY_FILE: path })
    await rm(folder, { recursive: true })

    // This Prometheus answers every question with no kind of result.
    const failed = () => lines.filter(line => line.includes('indicators cannot be taken'))
    const untilMs = Date.now() + 20_000
    while (failed().length === 0 && Date.now() < untilMs) await new Promise(done => setTimeout(done, 50))
    expect(failed()).toEqual([expect.stringContaining('resultType')])
  })

  test('does not start with a policy that it cannot read', async () => {
    await expect(start(address, { OC_POLICY_FILE: '/nowhere/policy.json' })).rejects.toThrow(
      "Cannot read the policy '/nowhere/policy.json'",
    )
  })

  test('measures how far the clock of Prometheus is from its own', async () => {
    const offset = async () =>
      Number(/^oncall_clock_offset_seconds (\S+)/m.exec(await (await fetch(`${base}/metrics`)).text())?.[1])
    const untilMs = Date.now() + 20_000
    while (!((await offset()) > 0) && Date.now() < untilMs) await new Promise(done => setTimeout(done, 50))
    expect(await offset()).toBeGreaterThan(0.1)
    expect(await offset()).toBeLessThan(0.4)
  })
})
