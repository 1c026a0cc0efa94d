import { unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { AgentError, isMissing, messageOf } from './agent-error.ts'
import type { Engine } from './engine.ts'
import type { Log } from './log.ts'
import type { AgentAnswer, AgentRequest, NodeSnapshot } from './protocol.ts'
import { parseRequest } from './request.ts'

/** The longest request is far below it, characters. */
const LONGEST_LINE = 64 * 1024
const MOST_CONNECTIONS = 16
/** Requests of one connection that are worked on at a time; more of them wait unread. */
const MOST_AT_A_TIME = 16

type Value = Extract<AgentAnswer, { readonly ok: true }>['value']

export type Answering = {
  readonly engine: Engine
  readonly snapshot: () => Promise<NodeSnapshot>
  readonly log: Log
}

/** Answers one request. */
export async function answer({ engine, snapshot }: Answering, request: AgentRequest): Promise<Value> {
  switch (request.op) {
    case 'hello':
      return engine.hello()
    case 'prepare':
      return await engine.prepare(request.fault)
    case 'begin':
      return await engine.begin(request.id)
    case 'heartbeat':
      return engine.heartbeat(request.runId)
    case 'status':
      return engine.status()
    case 'end':
      return await engine.end(request.id)
    case 'snapshot':
      return await snapshot()
    case 'halt':
      return await engine.halt()
    case 'release':
      return await engine.release()
  }
}

/** Listens on a socket in the file system that nobody but root may open. */
export async function listen(path: string, answering: Answering): Promise<Server> {
  await unlink(path).catch(error => {
    if (!isMissing(error)) throw error
  })
  // What is written before the other end has read all must still arrive: each side closes by itself.
  const server = createServer({ allowHalfOpen: true }, socket => serve(socket, answering))
  server.maxConnections = MOST_CONNECTIONS
  const previous = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(previous)
  }
  return server
}

function serve(socket: Socket, answering: Answering): void {
  let rest = ''
  let going = 0
  let ended = false
  const closeWhenDone = () => {
    if (ended && going === 0) socket.end()
  }
  const handle = async (line: string) => {
    going++
    if (going >= MOST_AT_A_TIME) socket.pause()
    const text = `${JSON.stringify(await answerLine(answering, line))}\n`
    going--
    if (!socket.destroyed) socket.write(text)
    if (socket.isPaused() && going < MOST_AT_A_TIME) socket.resume()
    closeWhenDone()
  }
  socket.setEncoding('utf8')
  socket.on('data', (text: Buffer | string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') void handle(line)
    if (rest.length > LONGEST_LINE) {
      const error = new AgentError(
        'NOT_UNDERSTOOD',
        `Cannot understand the request: a line has ${LONGEST_LINE} characters at most`,
      )
      socket.end(`${JSON.stringify(failure(-1, error))}\n`)
      rest = ''
    }
  })
  socket.on('end', () => {
    ended = true
    closeWhenDone()
  })
  // The runner was killed or its network is gone: its lease says what becomes of its faults.
  socket.on('error', () => socket.destroy())
}

async function answerLine(answering: Answering, line: string): Promise<AgentAnswer> {
  const parsed = parseRequest(line)
  if (!parsed.ok) return failure(parsed.seq, parsed.error)
  const { request } = parsed
  try {
    return { seq: request.seq, ok: true, value: await answer(answering, request) }
  } catch (error) {
    answering.log('refused', { op: request.op, why: messageOf(error) })
    return failure(request.seq, error)
  }
}

function failure(seq: number, error: unknown): AgentAnswer {
  const code = error instanceof AgentError ? error.code : 'FAILED'
  return { seq, ok: false, code, message: messageOf(error) }
}
