import { spawn } from 'node:child_process'
import { mkdtemp, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { NodeExecutor } from './executor.ts'
import { Networks } from './networks.ts'
import { FAULT_MARK, Proc } from './proc.ts'

const proc = new Proc()
const clocks: string[] = []
const executor = new NodeExecutor({
  proc,
  networks: new Networks(proc),
  setClockOfGroup: async (folder, offsetMs) => void clocks.push(`${folder} ${offsetMs}`),
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'executor-'))
})

const GONE = { of: 'pod', podUid: '11111111-2222-3333-4444-555555555555', inode: 1 } as const

/** A program that waits, marked as a fault's. */
async function waiting(mark: string, program = 'process.on("SIGTERM", () => process.exit())') {
  const child = spawn(execPath, ['-e', `${program}; console.log("up"); setInterval(() => {}, 1000)`], {
    env: { [FAULT_MARK]: mark },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise(resolve => child.stdout.once('data', resolve))
  const ended = new Promise<string | null>(resolve => child.once('exit', (_code, signal) => resolve(signal)))
  return { pid: child.pid ?? 0, ended }
}

describe('NodeExecutor.execute()', () => {
  test('writes into files that are there, makes none, and follows no link', async () => {
    const path = join(folder, 'freezer.state')
    await writeFile(path, 'THAWED')
    await symlink(path, join(folder, 'link'))

    expect(await executor.execute({ do: 'write', path, text: 'FROZEN' }, 'f1a')).toBe('done')

    expect(await readFile(path, 'utf8')).toBe('FROZEN')
    await expect(
      executor.execute({ do: 'write', path: join(folder, 'new'), text: 'x' }, 'f1a'),
    ).rejects.toThrow('ENOENT')
    await expect(
      executor.execute({ do: 'write', path: join(folder, 'link'), text: 'x' }, 'f1a'),
    ).rejects.toThrow('ELOOP')
  })

  test('has nothing to do where a file may be gone and is', async () => {
    const command = { do: 'write', path: join(folder, 'gone/file'), text: 'x', mayBeGone: true } as const

    expect(await executor.execute(command, 'f1a')).toBe('gone')
  })

  test('makes and removes folders with all in them, twice without harm', async () => {
    const path = join(folder, 'work')
    await executor.execute({ do: 'make-folder', path }, 'f1a')
    await writeFile(join(path, 'x'), '')

    await executor.execute({ do: 'remove', path }, 'f1a')
    await executor.execute({ do: 'remove', path }, 'f1a')

    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  test('runs a program, and tells what it said when it fails', async () => {
    const file = join(folder, 'x')
    expect(
      await executor.execute({ do: 'run', program: 'fallocate', args: ['-l', '4096', file] }, 'f1a'),
    ).toBe('done')
    expect((await stat(file)).size).toBe(4096)

    const failing = { do: 'run', program: 'fallocate', args: ['-l', '1', '/nowhere/x'] } as const
    await expect(executor.execute(failing, 'f1a')).rejects.toThrow('No such file or directory')
    expect(await executor.execute({ ...failing, settledBy: ['No such file'] }, 'f1a')).toBe('done')
  })

  test('has nothing to do in a network that is gone', async () => {
    const command = { do: 'run', program: 'nft', args: ['list', 'tables'], network: GONE } as const

    expect(await executor.execute(command, 'f1a')).toBe('gone')
  })

  test('stops what one fault started, politely, and nothing else', async () => {
    const [own, other] = await Promise.all([waiting('f1a'), waiting('f1b')])

    await executor.execute({ do: 'stop' }, 'f1a')

    expect(await own.ended).toBeNull()
    expect(await proc.identity(other.pid)).not.toBeNull()
    await executor.execute({ do: 'stop' }, 'f1b')
  })

  test('kills what does not stop when asked', async () => {
    const stubborn = await waiting('f2a', 'process.on("SIGTERM", () => {})')

    await executor.execute({ do: 'stop' }, 'f2a')

    expect(await stubborn.ended).toBe('SIGKILL')
  })

  test('signals a process, and never another one that has its number now', async () => {
    const { pid, ended } = await waiting('f3a')
    const identity = await proc.identity(pid)
    if (identity === null) throw new Error('it did not start')
    const stale = { ...identity, startTicks: identity.startTicks - 1 }

    expect(await executor.execute({ do: 'signal', process: stale, signal: 'KILL' }, 'f3a')).toBe('gone')
    expect(await proc.isAlive(identity)).toBe(true)
    expect(await executor.execute({ do: 'signal', process: identity, signal: 'KILL' }, 'f3a')).toBe('done')

    expect(await ended).toBe('SIGKILL')
  })

  test('sets the clock of a control group', async () => {
    await executor.execute({ do: 'set-clock', cgroup: '/cgroup/x', offsetMs: 5000 }, 'f1a')

    expect(clocks).toEqual(['/cgroup/x 5000'])
  })
})
