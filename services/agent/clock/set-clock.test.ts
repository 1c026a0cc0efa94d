import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, kill } from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { changedVdsoBytes, identityOf, setClock, setClockOfGroup } from './set-clock.ts'

/** Says the time when it is asked. */
const PROGRAM = "process.stdin.on('data', () => console.log(Date.now()))"

let child: ChildProcess
let pid: number

beforeEach(async () => {
  child = spawn(execPath, ['-e', `${PROGRAM}; console.log(Date.now())`])
  pid = child.pid ?? 0
  await nextLine()
})

afterEach(() => {
  child.kill('SIGKILL')
})

describe('setClock()', () => {
  test.each([3_600_000, -5_250, 1_000, -86_400_000])('makes a process read %s ms more', async offsetMs => {
    expect(await setClock(identity(), offsetMs)).toBe(true)
    expect(Math.abs((await offsetInside()) - offsetMs)).toBeLessThan(150)
    expect(changedVdsoBytes(pid)).toBeGreaterThan(0)

    expect(await setClock(identity(), 0)).toBe(true)
    expect(Math.abs(await offsetInside())).toBeLessThan(150)
    expect(changedVdsoBytes(pid)).toBe(0)
  })

  test('leaves alone what reads so already, and whoever has the number of a process that is gone', async () => {
    expect(await setClock(identity(), 0)).toBe(false)
    await setClock(identity(), 5_000)
    expect(await setClock(identity(), 5_000)).toBe(false)
    expect(await setClock({ pid, startTicks: 1 }, 0)).toBe(false)
    expect(changedVdsoBytes(pid)).toBeGreaterThan(0)
  })

  test('makes a process go on that an agent left standing', async () => {
    kill(pid, 'SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 50))
    await setClock(identity(), 0)
    expect(Math.abs(await offsetInside())).toBeLessThan(150)
  })
})

describe('setClockOfGroup()', () => {
  test('changes every process of a folder and leaves out those that are gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'group-'))
    try {
      // No process has this number: it is above the largest that Linux gives.
      writeFileSync(join(folder, 'cgroup.procs'), `${pid}\n${2 ** 22 + 1}\n`)
      await setClockOfGroup(folder, 60_000)
      expect(Math.abs((await offsetInside()) - 60_000)).toBeLessThan(150)
      await setClockOfGroup(folder, 0)
      expect(changedVdsoBytes(pid)).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('has nothing to do in a folder that is gone', async () => {
    await expect(setClockOfGroup('/nowhere', 0)).resolves.toBeUndefined()
  })
})

describe('identityOf()', () => {
  test('knows a living process by its start, and no other', () => {
    expect(identityOf(pid)?.startTicks).toBeGreaterThan(0)
    expect(identityOf(2 ** 22 + 1)).toBeNull()
  })
})

function identity() {
  const found = identityOf(pid)
  if (found === null) throw new Error('the child is gone')
  return found
}

async function offsetInside(): Promise<number> {
  const askedAtMs = Date.now()
  child.stdin?.write('time?\n')
  const inside = Number(await nextLine())
  return inside - (askedAtMs + Date.now()) / 2
}

function nextLine(): Promise<string> {
  return new Promise(resolve => child.stdout?.once('data', bytes => resolve(String(bytes).trim())))
}
