import { appendFile, mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { UserError } from '../platform/errors.ts'
import { Journal, packSamples, RUN_FILES, readJournal, readRun, runIdOf, withCalibration } from './journal.ts'
import type { JudgeInput } from './journal-entry.ts'
import type { Verdict } from './judgement/verdict.ts'

const clock = { nowMs: () => 1795241633240 }
const input = { runId: 'r', seed: 7, clockOffsetMs: 0.1 + 0.2 } as JudgeInput
const line = 'experiment,song,read,1795241633240,12.346,200,ok,0,12'

async function finishedRun(): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'journal-')), 'run')
  const journal = await Journal.open(folder, 'name: x\n', clock)
  await journal.append({ entry: 'opened', runId: 'r', experiment: {}, versions: {} })
  await journal.append({ entry: 'judge-input', input })
  await journal.close()
  await writeFile(join(folder, RUN_FILES.growingSamples), `${line}\n${line}\n`)
  await packSamples(folder)
  return folder
}

async function problemOf(folder: string): Promise<UserError> {
  const error = await readRun(folder).then(
    () => null,
    problem => problem,
  )
  expect(error).toBeInstanceOf(UserError)
  return error
}

describe('readRun()', () => {
  test('reads back what was written, numbers to the bit', async () => {
    const { input: stored, samples } = await readRun(await finishedRun())
    expect(stored).toEqual(input)
    expect(stored.clockOffsetMs).toBe(0.1 + 0.2)
    expect(samples).toHaveLength(2)
    expect(samples[0]).toMatchObject({ durationMs: 12.346, sequence: 12 })
  })

  test('reads a run of a time when nobody asked how often the judge errs, and prints its verdict as it was', async () => {
    const recorded = await readRun(await finishedRun())
    expect(recorded).not.toHaveProperty('calibration')
    const verdict = { verdict: 'resilient' } as Verdict
    expect(withCalibration(verdict, recorded)).toBe(verdict)
  })

  test('says that a folder is no run', async () => {
    expect((await problemOf('/nowhere')).code).toBe('RUN_MISSING')
  })

  test('says why a run was not judged', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'journal-')), 'run')
    const journal = await Journal.open(folder, '', clock)
    await journal.append({ entry: 'interrupted', reason: 'Ctrl-C' })
    await journal.close()
    const problem = await problemOf(folder)
    expect(problem.code).toBe('RUN_UNFINISHED')
    expect(problem.message).toContain('interrupted (Ctrl-C)')
  })

  test.each<[string, (folder: string) => Promise<void>, string]>([
    [
      'a journal that is cut off',
      folder => truncate(join(folder, RUN_FILES.journal), 120),
      'line 2 is cut off',
    ],
    [
      'a line that is not JSON',
      folder => appendFile(join(folder, RUN_FILES.journal), 'x\n'),
      'line 3 is not JSON',
    ],
    [
      'a line that is no entry',
      folder => appendFile(join(folder, RUN_FILES.journal), '[]\n'),
      'line 3 is not a journal entry',
    ],
    ['samples that are cut off', folder => truncate(join(folder, RUN_FILES.samples), 30), 'samples.csv.gz'],
    ['samples that are no gzip', folder => writeFile(join(folder, RUN_FILES.samples), 'x'), 'samples.csv.gz'],
    [
      'a damaged sample',
      folder => writeFile(join(folder, RUN_FILES.samples), gzipSync(`${line}\nx\n`)),
      'line 2 is not a sample',
    ],
    [
      'half a sample',
      folder => writeFile(join(folder, RUN_FILES.samples), gzipSync(`${line}\nexp`)),
      'line 2 is not a sample',
    ],
  ])('refuses %s', async (_title, damage, words) => {
    const folder = await finishedRun()
    await damage(folder)
    const problem = await problemOf(folder)
    expect(problem.code).toBe('RUN_DAMAGED')
    expect(problem.message).toContain(words)
  })

  test('says that the samples are missing', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'journal-')), 'run')
    const journal = await Journal.open(folder, '', clock)
    await journal.append({ entry: 'judge-input', input })
    await journal.close()
    expect((await problemOf(folder)).message).toContain('samples.csv.gz')
  })
})

describe('Journal', () => {
  test('keeps the order of the calls, whoever waits for them', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'journal-')), 'run')
    const journal = await Journal.open(folder, '', clock)
    for (let fault = 0; fault < 50; fault++) void journal.append({ entry: 'fault-ended', fault, endedBy: {} })
    await journal.close()
    const entries = await readJournal(folder)
    expect(entries.map(entry => 'fault' in entry && entry.fault)).toEqual(
      Array.from({ length: 50 }, (_, index) => index),
    )
  })

  test('keeps the experiment as it was written', async () => {
    expect(await readFile(join(await finishedRun(), RUN_FILES.experiment), 'utf8')).toBe('name: x\n')
  })

  test('never writes into the journal of another run', async () => {
    const folder = await finishedRun()
    await expect(Journal.open(folder, '', clock)).rejects.toThrow('EEXIST')
  })
})

describe('runIdOf()', () => {
  test('sorts by time', () => {
    expect(runIdOf(Date.UTC(2026, 10, 21, 6, 1, 2, 345), 'zone-outage')).toBe('20261121T060102Z-zone-outage')
  })
})
