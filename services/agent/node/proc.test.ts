import { describe, expect, test } from '@jest/globals'
import type { NetworkRef } from '../actions/action.ts'
import { Networks } from './networks.ts'
import { Proc, parseStat } from './proc.ts'
import { type FakeProcess, fakeProc } from './proc-fixture.ts'

const UID = '11111111-2222-3333-4444-555555555555'
const OTHER_UID = '99999999-2222-3333-4444-555555555555'
const inPod = (uid: string) => `4:memory:/kubepods/pod${uid}/${'c'.repeat(64)}\n`

async function procOf(...processes: FakeProcess[]): Promise<Proc> {
  return new Proc(await fakeProc(processes))
}

describe('parseStat()', () => {
  test('is not misled by a program that calls itself like the file', () => {
    const fields = Array.from({ length: 30 }, (_, index) => index + 100)

    expect(parseStat(`7 (a) R 1 (b)) S ${fields.join(' ')}`)).toEqual({ state: 'S', startTicks: 118 })
  })

  test('is null for what is gone', () => {
    expect(parseStat(null)).toBeNull()
  })
})

describe('Proc', () => {
  test('tells a process from another one that has its number now', async () => {
    const proc = await procOf({ pid: 7, startTicks: 70 })

    expect(await proc.isAlive({ pid: 7, startTicks: 70 })).toBe(true)
    expect(await proc.isAlive({ pid: 7, startTicks: 71 })).toBe(false)
    expect(await proc.isAlive({ pid: 8, startTicks: 70 })).toBe(false)
  })

  test('counts one that ended and is only waited for as gone', async () => {
    const proc = await procOf({ pid: 7, state: 'Z', startTicks: 70 })

    expect(await proc.isAlive({ pid: 7, startTicks: 70 })).toBe(false)
  })

  test.each([
    [
      'a script',
      { comm: 'patroni', args: ['/usr/bin/python3', '/usr/bin/patroni'], exe: '/usr/bin/python3.11' },
      'patroni',
    ],
    [
      'a program whose thread has another name',
      { comm: 'MainThread', args: ['node', 'main.ts'], exe: '/usr/local/bin/node' },
      'node',
    ],
    [
      'one that writes over its arguments',
      { comm: 'postgres', args: ['postgres: walwriter'], exe: '/usr/lib/postgres' },
      'postgres',
    ],
    ['one whose file was replaced', { comm: 'worker', args: ['other'], exe: '/opt/tool (deleted)' }, 'tool'],
  ])('names %s as a person would', async (_title, process, name) => {
    const proc = await procOf({ pid: 7, ...process })

    expect(await proc.command(7)).toBe(name)
  })

  test('finds what was started for faults by its environment', async () => {
    const proc = await procOf(
      { pid: 7, startTicks: 70, env: ['PATH=/bin', 'DIVERGENCE_FAULT=f1a'] },
      { pid: 8, env: ['NOT_DIVERGENCE_FAULT=f1a'] },
      { pid: 9, env: [] },
    )

    expect(await proc.marked()).toEqual([{ pid: 7, startTicks: 70, faultId: 'f1a' }])
  })
})

describe('Networks.processIn()', () => {
  const ref: NetworkRef = { of: 'pod', podUid: UID, inode: 500 }

  test('finds a process of the pod in the namespace, and another one when that is gone', async () => {
    const networks = new Networks(
      await procOf(
        { pid: 5, netInode: 500, cgroups: inPod(OTHER_UID) },
        { pid: 6, netInode: 501, cgroups: inPod(UID) },
        { pid: 7, netInode: 500, cgroups: inPod(UID) },
      ),
    )

    expect(await networks.processIn(ref)).toBe(7)
    expect(await networks.processIn(ref)).toBe(7)
  })

  test('says that it is gone when its number belongs to another pod now', async () => {
    const networks = new Networks(await procOf({ pid: 5, netInode: 500, cgroups: inPod(OTHER_UID) }))

    expect(await networks.processIn(ref)).toBeNull()
  })

  test('takes the node for the namespace of its first process', async () => {
    expect(await new Networks(await procOf()).processIn({ of: 'node' })).toBe(1)
  })
})
