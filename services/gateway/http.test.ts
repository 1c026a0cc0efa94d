import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { FakeRecommender, healthy, type Scene, startScene } from './fake-recommender.ts'

const HASH = '0123456789abcdef0123456789abcdef'
const JSON_TYPE = { 'content-type': 'application/json' }

let fake: FakeRecommender
let scene: Scene

beforeAll(async () => {
  fake = await FakeRecommender.start(healthy)
  scene = await startScene([fake.authority])
})
beforeEach(() => {
  fake.behaviour = healthy
  fake.asked.length = 0
})
afterAll(async () => {
  await scene.gateway.drain()
  await fake.stop()
})

/** Sends bytes as they are and reads all that comes back until the gateway closes. */
function raw(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(scene.gateway.port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

describe('gateway routes', () => {
  test.each([
    '/songs',
    '/songs?instruments=0,33&match=all&limit=50',
    `/songs/${HASH}`,
    `/songs/${HASH}/similar?cursor=abc`,
    '/instruments',
  ])('pass %s on as it is', async path => {
    const answer = await fetch(scene.url + path)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('{"ok":true}')
    expect(fake.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${path}`])
  })

  test('pass a HEAD on and answer without a body', async () => {
    const answer = await fetch(`${scene.url}/songs`, { method: 'HEAD' })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    expect(fake.asked[0]?.method).toBe('HEAD')
  })

  test('pass a play on with its key, its type and its body', async () => {
    fake.behaviour = response => {
      response.writeHead(201, { location: '/plays/7', ...JSON_TYPE }).end('{}')
    }
    const answer = await fetch(`${scene.url}/plays`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'idempotency-key': 'k1', cookie: 'a=b' },
      body: '{"hash":"x"}',
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([201, '/plays/7'])
    const [asked] = fake.asked
    expect([asked?.method, asked?.url, asked?.body]).toEqual(['POST', '/plays', '{"hash":"x"}'])
    expect(asked?.headers).toMatchObject({ 'idempotency-key': 'k1', ...JSON_TYPE })
    expect(asked?.headers.cookie).toBeUndefined()
  })

  test('pass a 4xx of the recommender on unchanged', async () => {
    fake.behaviour = response => {
      response.writeHead(422, { 'content-type': 'application/problem+json' }).end('{"detail":"bad cursor"}')
    }
    const answer = await fetch(`${scene.url}/songs?cursor=%21`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
    expect(await answer.text()).toBe('{"detail":"bad cursor"}')
    expect(fake.asked.length).toBe(1)
  })

  test.each([204, 304])('pass a %d on', async status => {
    fake.behaviour = response => {
      response.writeHead(status, { etag: '"1"' }).end()
    }
    const answer = await fetch(`${scene.url}/songs`)
    expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([status, '"1"', ''])
  })

  test('answer / themselves', async () => {
    const answer = await fetch(`${scene.url}/`)
    expect(await answer.json()).toEqual({
      service: 'gateway',
      routes: [
        'GET /songs',
        'GET /songs/{hash}',
        'GET /songs/{hash}/similar',
        'GET /instruments',
        'POST /plays',
      ],
    })
    expect(fake.asked.length).toBe(0)
  })

  test('accept a request id, pass it on and give it back; else make one', async () => {
    const answer = await fetch(`${scene.url}/songs`, { headers: { 'x-request-id': 'mine-1' } })
    expect(answer.headers.get('x-request-id')).toBe('mine-1')
    const other = await fetch(`${scene.url}/songs`)
    expect(fake.asked.map(({ headers }) => headers['x-request-id'])).toEqual([
      'mine-1',
      other.headers.get('x-request-id'),
    ])
  })
})

describe('gateway with bad input', () => {
  const post = (body: string, headers: Record<string, string> = JSON_TYPE) => ({
    method: 'POST',
    body,
    headers,
  })

  test.each([
    { title: 'a short hash', path: '/songs/abc', init: {}, status: 400 },
    { title: 'a hash that is not hexadecimal', path: `/songs/${HASH.slice(1)}g`, init: {}, status: 400 },
    { title: 'a hash in capitals', path: `/songs/${HASH.toUpperCase()}`, init: {}, status: 400 },
    { title: 'a hash with a path in it', path: '/songs/..%2f..%2fetc/similar', init: {}, status: 400 },
    { title: 'broken percent-encoding', path: '/songs/%E0%A4%A', init: {}, status: 400 },
    { title: 'an unknown path', path: '/metrics', init: {}, status: 404 },
    { title: 'a path in capitals', path: '/Songs', init: {}, status: 404 },
    { title: 'a slash too many', path: '/songs/', init: {}, status: 404 },
    { title: 'the wrong method', path: '/songs', init: { method: 'DELETE' }, status: 405 },
    { title: 'a GET of plays', path: '/plays', init: {}, status: 405 },
    { title: 'a POST of the index', path: '/', init: post('{}'), status: 405 },
    { title: 'an OPTIONS', path: '/instruments', init: { method: 'OPTIONS' }, status: 405 },
    { title: 'a form', path: '/plays', init: post('a=b', { 'content-type': 'text/plain' }), status: 415 },
    { title: 'no content type', path: '/plays', init: { method: 'POST' }, status: 415 },
    {
      title: 'a compressed body',
      path: '/plays',
      init: post('x', { ...JSON_TYPE, 'content-encoding': 'gzip' }),
      status: 415,
    },
    { title: 'a body over the limit', path: '/plays', init: post('x'.repeat(16_385)), status: 413 },
  ])('answers $status to $title', async ({ path, init, status }) => {
    const answer = await fetch(scene.url + path, init)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({
      type: 'about:blank',
      status,
      requestId: answer.headers.get('x-request-id'),
    })
    expect(fake.asked.length).toBe(0)
  })

  test('takes a body of exactly the limit', async () => {
    const answer = await fetch(`${scene.url}/plays`, post('x'.repeat(16_384)))
    expect(answer.status).toBe(200)
    expect(fake.asked[0]?.body.length).toBe(16_384)
  })

  test('answers 413 to a body that grows over the limit without saying so', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const text = await raw(
      `POST /plays HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('breaks off a client that goes on sending after its refusal', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const endless = raw(
      `POST /plays HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}`,
    )
    expect(await endless.catch((error: Error & { code: string }) => `HTTP/1.1 413 ${error.code}`)).toMatch(
      /^HTTP\/1\.1 413 /,
    )
  })

  test('names the allowed methods with a 405', async () => {
    const answer = await fetch(`${scene.url}/plays`, { method: 'PUT' })
    expect(answer.headers.get('allow')).toBe('POST')
  })

  test('answers 400 to a query with bytes that are not percent-encoded', async () => {
    const text = await raw(
      Buffer.from('GET /songs?x=\xe4 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 'latin1'),
    )
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(fake.asked.length).toBe(0)
  })

  test.each([
    { title: 'no HTTP at all', bytes: '\x16\x03\x01\x02\x00\r\n\r\n', status: 400 },
    {
      title: 'headers over 8 KiB',
      bytes: `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9000)}\r\n\r\n`,
      status: 431,
    },
    {
      title: 'two lengths',
      bytes: 'POST /plays HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      status: 400,
    },
    {
      title: 'a length and chunks, the way requests are smuggled',
      bytes:
        'POST /plays HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      status: 400,
    },
  ])('answers a problem with $status to $title', async ({ bytes, status }) => {
    const text = await raw(bytes)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ status })
    expect(fake.asked.length).toBe(0)
  })
})

describe('gateway metrics', () => {
  test('count by matched pattern, and everything else as unmatched', async () => {
    const made = await startScene([fake.authority])
    for (const path of [`/songs/${HASH}`, `/songs/${HASH.replace('0', 'f')}`, '/nope/1', '/nope/2']) {
      await fetch(made.url + path)
    }
    await fetch(`${made.url}/nope/3`, { method: 'PROPFIND' })
    const count = 'gateway_request_duration_seconds_count'
    expect(await made.metric(`${count}{method="GET",route="/songs/:hash",status="200"}`)).toBe(2)
    expect(await made.metric(`${count}{method="GET",route="unmatched",status="404"}`)).toBe(2)
    expect(await made.metric(`${count}{method="other",route="unmatched",status="404"}`)).toBe(1)
    expect(await made.metric(count)).toBe(5)
    expect(await made.metric('gateway_in_flight_requests')).toBe(0)
    await made.gateway.drain()
  })

  test('give the amplification: tries that were sent over requests', async () => {
    const made = await startScene([fake.authority])
    for (let request = 0; request < 5; request++) await fetch(`${made.url}/songs`)
    expect(await made.metric('gateway_upstream_requests_total{outcome="ok"}')).toBe(5)
    expect(await made.metric('gateway_upstream_requests_total')).toBe(5)
    await made.gateway.drain()
  })

  test('stand on a port of their own', async () => {
    const answer = await fetch(`http://127.0.0.1:${scene.gateway.metricsPort}/`)
    expect(answer.status).toBe(404)
  })
})
