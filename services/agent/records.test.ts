import { mkdtemp, readdir, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { diskRecords, diskSwitch, type FaultRecord } from './records.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'records-')), 'faults')
})

const record = (id: string, over: boolean): FaultRecord => ({
  status: {
    ...{ id, runId: 'run', kind: 'pause', target: { kind: 'node', node: 'a' }, state: 'active', means: [] },
    ...{ begunAtMs: 1, endedAtMs: null, endedBy: null, proof: null, problem: null },
  },
  end: [{ mark: `${id}a`, command: { do: 'stop' } }],
  over,
})

describe('diskRecords()', () => {
  test('gives back what was written, also to the next agent, each in its last state', async () => {
    const records = await diskRecords(folder)
    await records.write(record('f1', false))
    await records.write(record('f2', false))
    await records.write(record('f1', true))

    const next = await diskRecords(folder)
    const { records: all } = await next.all()

    expect(all.toSorted((a, b) => a.status.id.localeCompare(b.status.id))).toEqual([
      record('f1', true),
      record('f2', false),
    ])
    expect(await next.has('f1')).toBe(true)
    expect(await next.has('f3')).toBe(false)
  })

  test('leaves nothing half-written behind', async () => {
    const records = await diskRecords(folder)
    await Promise.all([records.write(record('f1', false)), records.write(record('f2', false))])

    expect((await readdir(folder)).sort()).toEqual(['f1.json', 'f2.json'])
  })

  test('names what it cannot read and reads the others', async () => {
    const records = await diskRecords(folder)
    await records.write(record('f1', false))
    await writeFile(join(folder, 'f2.json'), '{"status"')
    await writeFile(join(folder, 'f3.json.unfinished'), '{')

    expect(await records.all()).toEqual({ records: [record('f1', false)], unreadable: ['f2'] })
  })

  test('forgets old faults that are over, and never one that has to be undone', async () => {
    const records = await diskRecords(folder)
    await records.write(record('old', true))
    await records.write(record('open', false))
    await records.write(record('new', true))
    for (const id of ['old', 'open']) await utimes(join(folder, `${id}.json`), new Date(0), new Date(0))

    await records.sweep(60_000)

    expect((await readdir(folder)).sort()).toEqual(['new.json', 'open.json'])
  })
})

describe('diskSwitch()', () => {
  test('stays as it was set, for the next agent too', async () => {
    const first = await diskSwitch(folder, 'halt')
    expect(first.isOn()).toBe(false)
    await first.set(true)

    const second = await diskSwitch(folder, 'halt')
    expect(second.isOn()).toBe(true)
    await second.set(false)
    await second.set(false)

    expect((await diskSwitch(folder, 'halt')).isOn()).toBe(false)
  })
})
