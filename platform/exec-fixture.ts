import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What the first byte of a message says: whose the rest is. */
export const STREAM = { output: 1, complaint: 2, status: 3 } as const

const PROTOCOL = 'v5.channel.k8s.io'
/** Of RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** First byte of a message that is complete and binary. */
const BINARY = 0x82
/** A length that is told in one byte. */
const LONGEST = 125

/** An API server that runs commands as it is told to, by real connections. */
export class ExecServer {
  /** Paths that were asked for. */
  readonly asked: string[] = []
  /** What it does with who asks; without it he waits for an answer for ever. */
  answer: ((socket: Duplex, accept: () => void) => void) | null = null
  readonly #server: Server = createServer()
  readonly #sockets = new Set<Socket>()

  /** @returns its address, without a slash at the end */
  async start(): Promise<string> {
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      // Who goes without a word is what is looked for here.
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('upgrade', ({ url = '', headers }, socket) => {
      this.asked.push(url)
      // Only who reads notices that the other end has gone.
      socket.resume().on('end', () => socket.end())
      this.answer?.(socket, () => socket.write(accepting(headers['sec-websocket-key'] ?? '')))
    })
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(closed => this.#server.close(closed))
  }
}

function accepting(key: string): string {
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    '\r\n',
  ].join('\r\n')
}

/** One message as a server sends it. @throws RangeError when it is longer than 124 bytes */
export function message(stream: number, text: string): Buffer {
  const content = Buffer.from(text)
  if (content.length >= LONGEST) throw new RangeError(`Cannot send ${content.length} bytes as one message`)
  return Buffer.concat([Buffer.from([BINARY, content.length + 1, stream]), content])
}
