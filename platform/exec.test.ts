import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeConfig } from '@kubernetes/client-node'
import { MachineryError } from './errors.ts'
import { execute } from './exec.ts'
import { ExecServer, message, STREAM } from './exec-fixture.ts'

const PLACE = { namespace: 'observability', pod: 'prometheus-1', container: 'prometheus' }
const SUCCESS = { status: 'Success' }

let server: ExecServer
let config: KubeConfig
let heard: string[]

beforeEach(async () => {
  server = new ExecServer()
  config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'lab', server: await server.start(), skipTLSVerify: true }],
    users: [{ name: 'me' }],
    contexts: [{ name: 'lab', cluster: 'lab', user: 'me' }],
    currentContext: 'lab',
  })
  heard = []
})
afterEach(() => server.stop())

const run = (signal = new AbortController().signal) =>
  execute(config, PLACE, ['stat', '/etc/a b'], signal, {
    onOutput: bytes => heard.push(`output ${bytes}`),
    onComplaint: bytes => heard.push(`complaint ${bytes}`),
  })

/** Resolves with the next connection, which has been accepted. */
function accepted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.answer = (_, accept) => {
    accept()
    resolve()
  }
  return promise
}

async function untilNobodyIsConnected(): Promise<void> {
  while (server.connections > 0) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('execute()', () => {
  test('tells what the command writes, and how it ended', async () => {
    server.answer = (socket, accept) => {
      accept()
      socket.write(
        Buffer.concat([
          message(STREAM.output, 'one'),
          message(STREAM.complaint, 'two'),
          message(STREAM.output, 'three'),
          message(STREAM.status, JSON.stringify(SUCCESS)),
        ]),
      )
    }

    expect(await run()).toEqual(SUCCESS)

    expect(heard).toEqual(['output one', 'complaint two', 'output three'])
    expect(server.asked).toEqual([
      expect.stringContaining('/namespaces/observability/pods/prometheus-1/exec?'),
    ])
    expect(new URLSearchParams(server.asked[0]?.split('?')[1]).getAll('command')).toEqual([
      'stat',
      '/etc/a b',
    ])
  })

  test('ends the connection at once when it is aborted, however long the command hangs', async () => {
    const isOpen = accepted()
    const aborting = new AbortController()
    const running = run(aborting.signal)
    await isOpen
    // The other end has answered; this one has to read it first.
    await new Promise(resolve => setTimeout(resolve, 50))

    aborting.abort(new Error('enough'))

    await expect(running).rejects.toThrow('enough')
    await untilNobodyIsConnected()
  })

  test('ends as well a connection that nobody has answered yet', async () => {
    const asked = new Promise<void>(resolve => {
      server.answer = () => resolve()
    })
    const aborting = new AbortController()
    const running = run(aborting.signal)
    await asked

    aborting.abort(new Error('enough'))

    await expect(running).rejects.toThrow('enough')
    await untilNobodyIsConnected()
  })

  test('asks nobody when it is aborted before', async () => {
    await expect(run(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(server.asked).toEqual([])
  })

  test('knows no end of a command whose connection was closed', async () => {
    server.answer = (socket, accept) => {
      accept()
      socket.end(message(STREAM.output, 'half'))
    }

    expect(await run()).toBeUndefined()
    expect(heard).toEqual(['output half'])
  })

  test('says what the API server says when it may not', async () => {
    server.answer = socket => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')

    const failure = run()

    await expect(failure).rejects.toBeInstanceOf(MachineryError)
    await expect(failure).rejects.toThrow(/Cannot run 'stat' in observability\/prometheus-1 .+403/)
  })

  test('leaves no connection behind when the command has ended', async () => {
    const closed = new Promise<void>(resolve => {
      server.answer = (socket, accept) => {
        accept()
        socket.write(message(STREAM.status, JSON.stringify(SUCCESS)))
        void once(socket, 'close').then(() => resolve())
      }
    })

    await run()
    await closed
  })
})
