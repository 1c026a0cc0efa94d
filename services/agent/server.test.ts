import { mkdtemp, stat } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Engine } from './engine.ts'
import { FakeNode, request } from './engine-fixture.ts'
import type { AgentAnswer } from './protocol.ts'
import { listen } from './server.ts'

let server: Server
let path: string
let node: FakeNode
let engine: Engine
/** Holds a snapshot back until it is called. */
let release: () => void

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'agent-')), 'agent.sock')
  node = new FakeNode()
  const { promise, resolve } = Promise.withResolvers<void>()
  release = resolve
  engine = node.started()
  const snapshot = () => promise.then(() => ({ node: ['rule'] }))
  server = await listen(path, { engine, snapshot, log: () => undefined })
})

afterEach(async () => {
  server.close()
  await engine.leave()
})

/** Sends lines, closes its own half, and reads the rest: as a runner whose input ends. */
async function say(...lines: string[]): Promise<readonly AgentAnswer[]> {
  const socket = connect(path)
  socket.end(lines.map(line => `${line}\n`).join(''))
  const answers = await text(socket)
  return answers
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as AgentAnswer)
}

describe('listen()', () => {
  test('opens a socket that only its owner may use', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('takes the place of a socket that a killed agent left', async () => {
    server.close()
    await expect(
      listen(path, { engine, snapshot: async () => ({}), log: () => undefined }).then(again => {
        server = again
      }),
    ).resolves.toBeUndefined()
  })

  test('answers each request by its number, also after the other side closed its half', async () => {
    const fault = JSON.stringify({ seq: 2, op: 'prepare', fault: request() })

    const answers = await say(
      '{"seq":1,"op":"status"}',
      fault,
      '{"seq":3,"op":"begin","id":"none"}',
      'nonsense',
    )

    expect(answers.find(each => each.seq === 1)).toEqual({ seq: 1, ok: true, value: [] })
    expect(answers.find(each => each.seq === 2)).toMatchObject({ ok: true, value: { state: 'prepared' } })
    expect(answers.find(each => each.seq === 3)).toMatchObject({ ok: false, code: 'UNKNOWN_FAULT' })
    expect(answers.find(each => each.seq === -1)).toMatchObject({ ok: false, code: 'NOT_UNDERSTOOD' })
  })

  test('does not let a slow answer hold up the others', async () => {
    const answers = say('{"seq":1,"op":"snapshot"}', '{"seq":2,"op":"status"}')
    setTimeout(release, 50)

    expect((await answers).map(each => each.seq)).toEqual([2, 1])
  })

  test('refuses a line without end', async () => {
    expect(await say('x'.repeat(70_000))).toMatchObject([{ seq: -1, ok: false, code: 'NOT_UNDERSTOOD' }])
  })

  test('lives on when a runner is killed in the middle of a request', async () => {
    const socket = connect(path)
    socket.write('{"seq":1,"op":"snapshot"}\n{"seq":2')
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    release()

    expect(await say('{"seq":3,"op":"status"}')).toEqual([{ seq: 3, ok: true, value: [] }])
  })
})
