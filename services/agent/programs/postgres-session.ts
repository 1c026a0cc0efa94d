import { createConnection, type Socket } from 'node:net'

/*
 * One session of Postgres over its own socket, as much of the protocol (version 3) as questions without parameters need.
 * The agent has no client of Postgres: one process of ours can hold a hundred sessions, a hundred processes of a client
 * would be a load of their own, and sessions end with the process that holds them.
 */

const PROTOCOL_VERSION = 0x30000
const HEADER_BYTES = 5

export type SessionOptions = {
  readonly socketPath: string
  readonly user: string
  readonly database: string
  readonly settings: Readonly<Record<string, string>>
}

export type Session = {
  /** First column of the rows of the last statement. @throws Error what Postgres says */
  ask(sql: string): Promise<readonly string[]>
  /** Settles when the session has ended, from whatever side. */
  readonly ended: Promise<void>
  end(): void
}

/** Opens a session of a user whom the server knows by the process (`peer`). @throws Error what Postgres says */
export async function openSession(options: SessionOptions): Promise<Session> {
  const socket = createConnection(options.socketPath)
  const messages = readMessages(socket)
  socket.write(startupMessage({ user: options.user, database: options.database, ...options.settings }))
  try {
    await untilReady(messages)
  } catch (error) {
    socket.destroy()
    throw error
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    ask(sql) {
      const answer = last.then(() => {
        socket.write(message('Q', `${sql}\0`))
        return untilReady(messages)
      })
      last = answer.catch(() => undefined)
      return answer
    },
    ended: new Promise(resolve => socket.once('close', () => resolve())),
    end: () => socket.end(message('X', '')),
  }
}

export type Message = { readonly kind: string; readonly body: Buffer }

/** A literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** An identifier of SQL. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Messages that are whole, and the bytes of the next one. */
export function splitMessages(bytes: Buffer): { messages: readonly Message[]; rest: Buffer } {
  const messages: Message[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push({
      kind: String.fromCharCode(bytes[at] ?? 0),
      body: bytes.subarray(at + HEADER_BYTES, end),
    })
    at = end
  }
  return { messages, rest: bytes.subarray(at) }
}

/** Reads until the server waits for the next question. */
async function untilReady(messages: AsyncIterator<Message>): Promise<readonly string[]> {
  const rows: string[] = []
  let problem: Error | null = null
  for (;;) {
    const { value, done } = await messages.next()
    if (done) throw problem ?? new Error('Postgres closed the session')
    const { kind, body } = value
    if (kind === 'D') rows.push(firstColumn(body))
    else if (kind === 'E') problem = new Error(`Postgres says: ${errorText(body)}`)
    else if (kind === 'R' && body.readInt32BE(0) !== 0) {
      throw new Error('Postgres wants a password: this user is not known by its process')
    } else if (kind === 'Z') {
      if (problem !== null) throw problem
      return rows
    }
  }
}

async function* readMessages(socket: Socket): AsyncGenerator<Message, void> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const bytes of socket) {
    const split = splitMessages(Buffer.concat([rest, bytes as Buffer]))
    rest = split.rest
    yield* split.messages
  }
}

function firstColumn(body: Buffer): string {
  const bytes = body.readInt32BE(2)
  return bytes < 0 ? '' : body.toString('utf8', 6, 6 + bytes)
}

/** Fields of an error: a letter, a text, a zero byte. M is what people read. */
function errorText(body: Buffer): string {
  return (
    body
      .toString('utf8')
      .split('\0')
      .find(field => field.startsWith('M'))
      ?.slice(1) ?? 'an error'
  )
}

function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(parameters)
    .flat()
    .map(part => `${part}\0`)
    .join('')
  const body = Buffer.from(`${text}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  head.writeInt32BE(PROTOCOL_VERSION, 4)
  return Buffer.concat([head, body])
}

function message(kind: string, text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(HEADER_BYTES)
  head.write(kind, 0, 'latin1')
  head.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}
