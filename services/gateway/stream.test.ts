import { type IncomingMessage, request } from 'node:http'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  type Behaviour,
  FakeRecommender,
  healthy,
  type Scene,
  startScene,
  until,
} from './fake-recommender.ts'

const MIB = 1_048_576

let fake: FakeRecommender
let scene: Scene

async function start(behaviour: Behaviour, env: Readonly<Record<string, string>> = {}): Promise<void> {
  fake = await FakeRecommender.start(behaviour)
  scene = await startScene([fake.authority], env)
}

afterEach(async () => {
  await scene.gateway.drain()
  await fake.stop()
})

/** Sends `pieces` pieces of 64 KiB as fast as they are taken and tells how many were. */
function flood(pieces: number): { readonly behaviour: Behaviour; readonly sent: () => number } {
  let sent = 0
  const piece = Buffer.alloc(65_536, 'x')
  return {
    sent: () => sent,
    behaviour: response => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = () => {
        while (sent < pieces) {
          sent += 1
          if (!response.write(piece)) {
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    },
  }
}

/** The begin of an answer whose body nobody reads yet. */
async function paused(path: string): Promise<IncomingMessage> {
  const incoming = await new Promise<IncomingMessage>(resolve => {
    request(scene.url + path, resolve).end()
  })
  return incoming.pause()
}

describe('gateway with an answer too large to hold', () => {
  test('passes all of it on', async () => {
    const { behaviour } = flood(16 * 20)
    await start(behaviour)
    const answer = await fetch(`${scene.url}/songs`)
    const body = await answer.arrayBuffer()
    expect(body.byteLength).toBe(20 * MIB)
  })

  test('reads no faster than its client: the upstream is held back, memory stays small', async () => {
    const { behaviour, sent } = flood(16 * 64)
    await start(behaviour)
    const incoming = await paused('/songs')
    let last = -1
    let unchanged = 0
    await until(() => {
      unchanged = sent() === last ? unchanged + 1 : 0
      last = sent()
      return unchanged === 20
    }, 'the upstream to be held back')
    // Buffers of three sockets and of the gateway together: far below the 64 MiB on offer.
    expect(last / 16).toBeLessThan(24)

    let bytes = 0
    for await (const chunk of incoming) bytes += chunk.length
    expect(bytes).toBe(64 * MIB)
  })

  test('streams an answer of unknown length that is being made slowly, without a second try', async () => {
    let finish: (() => void) | undefined
    await start(
      response => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('[1,')
        finish = () => response.end('2]')
      },
      // The begin comes in time, also on a machine that stands still for half a second; the rest comes later than that.
      { GW_READ_TRY_MS: '1000', GW_READ_DEADLINE_MS: '1200' },
    )
    const answer = await fetch(`${scene.url}/songs`)
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('[1,')
    await new Promise(resolve => setTimeout(resolve, 1_400))
    finish?.()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('2]')
    expect(fake.asked.length).toBe(1)
  })

  test('breaks the connection when the upstream breaks off: half an answer must not look whole', async () => {
    await start(response => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(Buffer.alloc(200_000, 'x'), () => response.destroy())
    })
    const answer = await fetch(`${scene.url}/songs`)
    expect(answer.status).toBe(200)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    await until(
      async () =>
        (await scene.metric(
          'gateway_request_duration_seconds_count{method="GET",route="/songs",status="aborted"}',
        )) === 1,
      'the abort to be counted',
    )
    fake.behaviour = healthy
    expect((await fetch(`${scene.url}/songs`)).status).toBe(200)
  })

  test('gives up an upstream that falls silent in its answer', async () => {
    await start(
      response => {
        response.writeHead(200, { 'content-length': '1000000' })
        response.write(Buffer.alloc(100_000))
      },
      { GW_BODY_IDLE_MS: '50' },
    )
    const answer = await fetch(`${scene.url}/songs`)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    expect(await scene.metric('gateway_upstream_requests_total{outcome="timeout"}')).toBe(1)
  })

  test('stops the upstream when the client leaves', async () => {
    let closed = false
    const { behaviour } = flood(16 * 1000)
    await start((response, asked) => {
      response.on('close', () => {
        closed = true
      })
      behaviour(response, asked)
    })
    const leaving = new AbortController()
    const answer = await fetch(`${scene.url}/songs`, { signal: leaving.signal })
    expect(answer.status).toBe(200)
    leaving.abort()
    await until(() => closed, 'the upstream to be stopped')
    await until(async () => (await scene.metric('gateway_in_flight_requests')) === 0, 'the request to end')
  })

  test('drops a client that reads nothing', async () => {
    await start(flood(16 * 256).behaviour, { GW_CLIENT_STALL_MS: '50' })
    const incoming = await paused('/songs')
    incoming.on('error', () => {})
    await until(
      async () => (await scene.metric('gateway_in_flight_requests')) === 0,
      'the client to be dropped',
    )
    incoming.destroy()
  })
})
