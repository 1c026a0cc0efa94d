import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Router } from 'express'
import { parseConfig } from './config.ts'
import { startTestServer, type TestServer } from './database-fixture.ts'
import type { Lab } from './lab-reader.ts'
import { type Oncall, startOncall } from './oncall.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

const RIGHT = 'publickey'
/** More than anybody may send at once. */
const MANY = 400

let database: TestServer
let oncall: Oncall
let agent: Agent

const unusedLab: Lab = {
  pods: async () => [],
  nodes: async () => [],
  halted: async () => null,
  halt: async () => undefined,
  release: async () => undefined,
}

beforeAll(async () => {
  database = await startTestServer()
}, 120_000)
afterAll(() => database.stop(), 60_000)
beforeEach(async () => {
  agent = new Agent({ keepAlive: true })
  const { host, port, database: name } = (await database.database()).options
  const env = {
    OC_LISTEN_HOST: '127.0.0.1',
    OC_PORT: '0',
    OC_DATABASE_HOST: host ?? '',
    OC_DATABASE_PORT: String(port),
    OC_DATABASE_NAME: name ?? '',
    OC_EVENT_KEY: RIGHT,
    OC_EVENTS_PER_SECOND: '1',
    OC_PROMETHEUS_URL: 'http://127.0.0.1:9',
  }
  const config = parseConfig(env, () => 'a-secret-of-some-length')
  oncall = await startOncall(config, { lab: unusedLab, pages: () => Router(), log: () => undefined })
  await oncall.ready
})
afterEach(async () => {
  agent.destroy()
  await oncall.drain()
})

type Sent = { readonly body?: string; readonly key?: string; readonly from?: string }

/** Opens a request from an address of this machine, and leaves its end to the caller. */
function open(
  { key = RIGHT, from = '127.0.0.1' }: Sent,
  headers: Record<string, string> = {},
): ClientRequest {
  return request({
    ...{ host: '127.0.0.1', port: oncall.port, localAddress: from, agent, method: 'POST' },
    path: `/api/1/envelope/?sentry_key=${key}`,
    headers,
  })
}

async function post(sent: Sent): Promise<IncomingMessage> {
  const opened = open(sent)
  opened.end(sent.body)
  const [response] = (await once(opened, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response
}

/** Sends one after the other until there are too many. @returns what was answered before, and the refusal */
async function untilTooMany(sent: (index: number) => Sent) {
  const before = new Set<number | undefined>()
  for (let index = 0; index < MANY; index++) {
    const response = await post(sent(index))
    if (response.statusCode === 429) return { before: [...before], count: index, headers: response.headers }
    before.add(response.statusCode)
  }
  throw new Error(`${MANY} were answered with ${[...before]}`)
}

function envelope(type: string, item: object = {}): string {
  const text = JSON.stringify(item)
  return `{}\n${JSON.stringify({ type, length: Buffer.byteLength(text) })}\n${text}\n`
}
let events = 0
const event = (group: string, service: string) =>
  envelope('event', { event_id: (events++).toString(16).padStart(32, 'a'), tags: { group, service } })

describe('limits of requests', () => {
  test.each([
    { title: 'who does not know the key', sent: { key: 'guess', body: envelope('session') }, status: 403 },
    { title: 'what is no envelope', sent: { body: 'hello' }, status: 400 },
    { title: 'items that are not kept', sent: { body: envelope('session') }, status: 200 },
  ])('stop $title, in words of SDKs, and nobody else', async ({ sent, status }) => {
    const { before, headers } = await untilTooMany(() => ({ ...sent, from: '127.0.0.2' }))

    expect(before).toEqual([status])
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(headers['x-sentry-rate-limits']).toMatch(/^\d+::organization$/)
    expect((await post({ body: event('control', 'gateway') })).statusCode).toBe(200)
  })

  test('hold for all together, so that many addresses send no more than a few', async () => {
    const statuses = new Set<number | undefined>()
    for (let last = 2; last < 40 && !statuses.has(429); last++) {
      const each = Array.from({ length: 50 }, () => post({ key: 'guess', from: `127.0.0.${last}` }))
      for (const { statusCode } of await Promise.all(each)) statuses.add(statusCode)
    }

    expect([...statuses]).toEqual([403, 429])
  })

  test('refuse before anything of the body has been sent', async () => {
    const statusOf = async (sent: Sent) => {
      const opened = open(sent, { 'content-length': '100000' })
      opened.flushHeaders()
      const [response] = (await once(opened, 'response')) as [IncomingMessage]
      opened.on('error', () => undefined).destroy()
      return response.statusCode
    }

    expect(await statusOf({ key: 'guess' })).toBe(403)
    await untilTooMany(() => ({ body: 'hello' }))
    expect(await statusOf({})).toBe(429)
  })
})

describe('limits of events', () => {
  test('are those of one service of one group: a noisy one takes from no other', async () => {
    const { before, count, headers } = await untilTooMany(() => ({ body: event('experiment', 'gateway') }))

    expect(before).toEqual([200])
    // One a second, and ten seconds' worth at once.
    expect(count).toBeGreaterThanOrEqual(10)
    expect(count).toBeLessThan(60)
    expect(headers['x-sentry-rate-limits']).toMatch(/^\d+:error:organization$/)
    for (const [group, service] of [
      ['experiment', 'recommender'],
      ['control', 'gateway'],
    ] as const) {
      expect((await post({ body: event(group, service) })).statusCode).toBe(200)
    }
  })

  test('are not made larger by names that nobody knows', async () => {
    const { before, count } = await untilTooMany(index => ({ body: event('experiment', `service-${index}`) }))

    expect(before).toEqual([200])
    expect(count).toBeLessThan(60)
  })
})
