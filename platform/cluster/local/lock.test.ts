import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type LockHolder, underLock } from './lock.ts'

const signal = new AbortController().signal
const nobody = () => undefined
// Processes are started: seconds on a busy machine.
jest.setTimeout(60_000)

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'divergence-lock-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('underLock()', () => {
  test('lets one do its work at a time, and names nobody where this process has the lock itself', async () => {
    const path = join(folder, 'one-at-a-time')
    const events: string[] = []
    const holders: (LockHolder | undefined)[] = []
    const inside = Promise.withResolvers<void>()
    const work = (name: string, ms: number) => async () => {
      events.push(`${name} begins`)
      inside.resolve()
      await sleep(ms)
      events.push(`${name} ends`)
    }

    const first = underLock(path, nobody, signal, work('first', 400))
    await inside.promise
    await underLock(path, holder => holders.push(holder), signal, work('second', 0))
    await first

    expect(events).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
    expect(holders).toEqual([])
  })

  test('is free again when the work fails', async () => {
    const path = join(folder, 'failing')
    const failing = () => Promise.reject(new Error('the work failed'))

    await expect(underLock(path, nobody, signal, failing)).rejects.toThrow('the work failed')
    expect(await underLock(path, nobody, signal, async () => 'free')).toBe('free')
  })

  /** Takes the lock in a process of its own. */
  async function heldElsewhere(path: string): Promise<ChildProcess> {
    const script = `import { underLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
      await underLock(${JSON.stringify(path)}, () => {}, new AbortController().signal, async () => {
        console.log('held'); await new Promise(resolve => setTimeout(resolve, 60_000)) })`
    const holder = spawn(execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    return holder
  }

  test('tells who has the lock, and is free again when that one is killed', async () => {
    const path = join(folder, 'told')
    const holder = await heldElsewhere(path)
    const told: (number | undefined)[] = []
    const waiting = (each: LockHolder | undefined) => {
      told.push(each?.pid)
      holder.kill('SIGKILL')
    }

    expect(await underLock(path, waiting, signal, async () => 'free')).toBe('free')
    expect(told).toEqual([holder.pid])
  })

  test('does not name a dead holder', async () => {
    const path = join(folder, 'killed')
    const holder = await heldElsewhere(path)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const told: unknown[] = []

    expect(
      await underLock(
        path,
        each => told.push(each),
        signal,
        async () => 'free',
      ),
    ).toBe('free')
    expect(told.filter(each => each !== undefined)).toEqual([])
  })

  test.each([
    { title: 'half a name', text: '{"pid": 1' },
    // A living process of the same number, but not the one that wrote its name.
    { title: 'the name of a dead one', text: JSON.stringify({ pid: 1, started: 'long ago', since: 'then' }) },
  ])('waits without a name when the lock has $title', async ({ title, text }) => {
    const path = join(folder, title)
    const inside = Promise.withResolvers<void>()
    const first = underLock(path, nobody, signal, async () => {
      await writeFile(path, text)
      inside.resolve()
      await sleep(300)
    })
    await inside.promise

    const told: unknown[] = []
    await underLock(
      path,
      holder => told.push(holder),
      signal,
      async () => undefined,
    )
    await first

    expect(told).toEqual([undefined])
  })

  test('stops waiting when it is told to', async () => {
    const path = join(folder, 'aborted')
    const stop = new AbortController()
    const holder = await heldElsewhere(path)

    const second = underLock(
      path,
      () => stop.abort(new Error('no more')),
      stop.signal,
      async () => 'got it',
    )

    await expect(second).rejects.toThrow('no more')
    holder.kill('SIGKILL')
  })
})
