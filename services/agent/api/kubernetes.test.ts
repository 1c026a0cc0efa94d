import { createServer, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type EventStreams, kubernetesOver } from './kubernetes.ts'

let server: Server

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function serve(answer: (response: ServerResponse) => void): Promise<EventStreams> {
  server = createServer((_question, response) => answer(response))
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = server.address() as AddressInfo
  return kubernetesOver(
    (options, onResponse) => request({ host: '127.0.0.1', port, ...options }, onResponse),
    async () => 'token',
  )
}

async function all(events: AsyncIterable<unknown>, told: unknown[] = []): Promise<unknown[]> {
  for await (const event of events) told.push(event)
  return told
}

const never = new AbortController().signal

describe('kubernetesOver().events()', () => {
  test('tells each line, however it was cut on its way', async () => {
    const bytes = Buffer.from('{"a":"é"}\n{"b":2}\n{"c":3}\n')
    const streams = await serve(response => {
      // Within the two bytes of the accent.
      response.write(bytes.subarray(0, 7))
      setTimeout(() => response.end(bytes.subarray(7)), 50)
    })

    expect(await all(streams.events('/x', never))).toEqual([{ a: 'é' }, { b: 2 }, { c: 3 }])
  })

  test('says why it was refused', async () => {
    const streams = await serve(response => response.writeHead(403).end('{"message":"not for you"}'))

    await expect(all(streams.events('/x', never))).rejects.toThrow('the API server said 403, not for you')
  })

  test('does not wait for a stream that does not begin', async () => {
    const streams = await serve(() => undefined)

    await expect(all(streams.events('/x', never))).rejects.toThrow('it did not begin within 3 s')
  })

  test('waits for what a stream that has begun says later', async () => {
    const streams = await serve(response => {
      response.flushHeaders()
      setTimeout(() => response.end('{"late":true}\n'), 3_500)
    })

    expect(await all(streams.events('/x', never))).toEqual([{ late: true }])
  })

  test('is broken off in the middle', async () => {
    const streams = await serve(response => response.write('{"a":1}\n'))
    const stop = new AbortController()
    const told: unknown[] = []
    const over = all(streams.events('/x', stop.signal), told)
    setTimeout(() => stop.abort(), 300)

    await expect(over).rejects.toThrow('aborted')
    expect(told).toEqual([{ a: 1 }])
  })

  test('does not take a connection that broke for an end', async () => {
    const streams = await serve(response => {
      response.write('{"a":1}\n')
      setTimeout(() => response.destroy(), 100)
    })

    await expect(all(streams.events('/x', never))).rejects.toThrow('aborted')
  })
})
