import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { CliProcess } from './cli-process.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-process-'))
})
afterEach(() => rm(folder, { recursive: true }))

const ENTRY = JSON.stringify({ atMs: 1, entry: 'phase', phase: 'attack' })

/** A command that wrote this to its journal. */
class Written extends CliProcess {
  static async that(
    journal: string,
    ended: { readonly exitCode: number | null; readonly signalCode: string | null },
  ): Promise<Written> {
    await mkdir(join(folder, 'runs', 'one'), { recursive: true })
    await writeFile(join(folder, 'runs', 'one', 'journal.jsonl'), journal)
    const child = Object.assign(new EventEmitter(), ended) as unknown as ChildProcess
    return new Written({ folder, child })
  }
}

const RUNNING = { exitCode: null, signalCode: null }
const KILLED = { exitCode: null, signalCode: 'SIGKILL' }
const ENDED = { exitCode: 0, signalCode: null }
const CUT = `${ENTRY}\n{"atMs":2,"ent`

describe('CliProcess', () => {
  test.each([
    { title: 'running', ended: RUNNING, isAlive: true },
    { title: 'killed', ended: KILLED, isAlive: false },
    { title: 'ended by itself', ended: ENDED, isAlive: false },
  ])('lives or not when it is $title, and reads what it wrote', async ({ ended, isAlive }) => {
    const one = await Written.that(`${ENTRY}\n`, ended)
    expect(one.isAlive).toBe(isAlive)
    expect(await one.entries()).toEqual([JSON.parse(ENTRY)])
  })

  test.each([
    { title: 'is writing it', ended: RUNNING },
    { title: 'was killed amid it', ended: KILLED },
  ])('leaves out a line that is half-way while it $title', async ({ ended }) => {
    expect(await (await Written.that(CUT, ended)).entries()).toEqual([JSON.parse(ENTRY)])
  })

  test('does not pass over a damaged journal of who ended by himself', async () => {
    await expect((await Written.that(CUT, ENDED)).entries()).rejects.toMatchObject({ code: 'RUN_DAMAGED' })
  })
})
