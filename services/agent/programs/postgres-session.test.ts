import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openSession, quoted, quotedName, splitMessages } from './postgres-session.ts'

describe('splitMessages()', () => {
  test('keeps what is not whole for later', () => {
    const bytes = Buffer.concat([say('Z', 'I'), say('D', 'abc').subarray(0, 6)])
    const { messages, rest } = splitMessages(bytes)
    expect(messages.map(({ kind, body }) => [kind, body.toString()])).toEqual([['Z', 'I']])
    expect(rest).toHaveLength(6)
    expect(splitMessages(Buffer.alloc(0)).messages).toEqual([])
  })
})

describe('quoting', () => {
  test('doubles what would end a literal or a name', () => {
    expect(quoted("a'b")).toBe("'a''b'")
    expect(quotedName('a"b')).toBe('"a""b"')
  })
})

describe('openSession()', () => {
  let folder: string
  let server: Server
  let heard: Buffer[]
  let answers: Buffer[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postgres-'))
    heard = []
    server = createServer((socket: Socket) => {
      socket.on('data', bytes => {
        heard.push(bytes)
        const answer = answers.shift()
        if (answer !== undefined) socket.write(answer)
      })
    })
    await new Promise<void>(resolve => server.listen(join(folder, 's'), resolve))
  })

  afterEach(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  const open = () =>
    openSession({
      socketPath: join(folder, 's'),
      user: 'postgres',
      database: 'divergence',
      settings: { application_name: 'x' },
    })
  const WELCOME = Buffer.concat([say('R', '\0\0\0\0'), say('S', 'a\0b\0'), say('Z', 'I')])

  test('says who it is and reads the first column', async () => {
    answers = [WELCOME, Buffer.concat([row('42'), row('7'), say('C', 'SELECT 2\0'), say('Z', 'I')])]
    const session = await open()
    expect(await session.ask('SELECT 1')).toEqual(['42', '7'])
    expect(heard[0]?.subarray(8).toString()).toBe(
      'user\0postgres\0database\0divergence\0application_name\0x\0\0',
    )
    expect(heard[0]?.readInt32BE(0)).toBe(heard[0]?.length)
    expect(heard[0]?.readInt32BE(4)).toBe(196_608)
    expect(heard[1]).toEqual(say('Q', 'SELECT 1\0'))
    session.end()
    await session.ended
  })

  test('says what Postgres says, and can be asked again', async () => {
    const problem = say('E', 'SERROR\0C42P01\0Mrelation "x" does not exist\0\0')
    answers = [WELCOME, Buffer.concat([problem, say('Z', 'I')]), Buffer.concat([row('1'), say('Z', 'I')])]
    const session = await open()
    await expect(session.ask('LOCK x')).rejects.toThrow('Postgres says: relation "x" does not exist')
    expect(await session.ask('SELECT 1')).toEqual(['1'])
    session.end()
    await session.ended
  })

  test('refuses a server that wants a password', async () => {
    answers = [say('R', '\0\0\0\x0a')]
    await expect(open()).rejects.toThrow('wants a password')
  })
})

function say(kind: string, body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1')
  const head = Buffer.alloc(5)
  head.write(kind, 0, 'latin1')
  head.writeInt32BE(4 + bytes.length, 1)
  return Buffer.concat([head, bytes])
}

function row(text: string): Buffer {
  const length = String.fromCharCode(0, 0, 0, text.length)
  return say('D', `\0\x01${length}${text}`)
}
