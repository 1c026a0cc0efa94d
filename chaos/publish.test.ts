import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { AbortEvidence } from './abort-rule.ts'
import type { JournalEntry } from './journal-entry.ts'
import { quickClock } from './lab/recording.ts'
import {
  MirrorRefused,
  type NumberedEntry,
  Publisher,
  publishRun,
  type RunMessage,
  type RunMirror,
} from './publish.ts'

const RUN = '20261121T103144Z-zone-outage'
const phase = (atMs: number): JournalEntry => ({ atMs, entry: 'phase', phase: 'attack' })

/** A mirror that keeps what it is sent, and fails as it is told. */
class RecordedMirror implements RunMirror {
  readonly kept = new Map<number, JournalEntry>()
  readonly messages: { readonly seqs: readonly number[]; readonly closed: boolean }[] = []
  readonly evidence: (AbortEvidence | undefined)[] = []
  readonly reports: string[] = []
  fail: (entries: readonly NumberedEntry[]) => Error | null = () => null
  hangs = false
  before: () => void = () => undefined

  async send(runId: string, { entries, closed, abort }: RunMessage, signal: AbortSignal) {
    expect(runId).toBe(RUN)
    this.before()
    if (this.hangs) {
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      )
    }
    const error = this.fail(entries)
    if (error !== null) throw error
    this.messages.push({ seqs: entries.map(({ seq }) => seq), closed })
    this.evidence.push(abort)
    for (const { seq, entry } of entries) this.kept.set(seq, entry)
  }

  async report(_runId: string, html: string) {
    this.reports.push(html)
  }
}

let folder: string
let report: string
let mirror: RecordedMirror
let told: string[]
let publisher: Publisher

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'))
  report = join(folder, 'report.html')
  mirror = new RecordedMirror()
  told = []
})
afterEach(() => rm(folder, { recursive: true }))

const publish = (speed = 100): Publisher =>
  new Publisher(RUN, { mirror, clock: quickClock(speed), progress: message => void told.push(message) })
const settled = async (condition: () => boolean) => {
  for (let waited = 0; waited < 4_000 && !condition(); waited += 5) {
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(condition()).toBe(true)
}

describe('Publisher', () => {
  test('mirrors every entry under its number in the journal, then the report', async () => {
    publisher = publish()
    for (let index = 0; index < 250; index++) publisher.tell(phase(index))
    await writeFile(report, '<h1>r</h1>')

    await publisher.close(report)

    expect([...mirror.kept.entries()]).toEqual(
      Array.from({ length: 250 }, (_, index) => [index, phase(index)]),
    )
    expect(mirror.messages.map(({ closed }) => closed)).toEqual([
      ...mirror.messages.slice(1).map(() => false),
      true,
    ])
    expect(mirror.reports).toEqual(['<h1>r</h1>'])
    expect(told).toEqual([])
  })

  test('closes a run that has no report', async () => {
    publisher = publish()
    publisher.tell(phase(0))
    await publisher.close(report)
    expect(mirror.messages.at(-1)?.closed).toBe(true)
    expect([mirror.reports, told]).toEqual([[], []])
  })

  test('sends a sign of life while nothing happens', async () => {
    publisher = publish()
    publisher.tell(phase(0))
    await settled(() => mirror.messages.length >= 4)
    expect(mirror.messages.slice(1).every(({ seqs, closed }) => seqs.length === 0 && !closed)).toBe(true)
    await publisher.close(report)
  })

  test('tells what the abort rule sees, the newest once', async () => {
    const seen = (eValue: number): AbortEvidence => ({ atMs: 0, eValue, limit: 100, detail: '' })
    publisher = publish()
    publisher.tell(phase(0))
    await settled(() => mirror.messages.length >= 1)
    let failures = 1
    mirror.fail = () => (failures-- > 0 ? new Error('away') : null)
    publisher.show(seen(1))
    publisher.show(seen(2))
    await settled(() => mirror.evidence.some(evidence => evidence !== undefined))
    await settled(() => mirror.evidence.at(-1) === undefined)
    publisher.show(seen(3))
    await publisher.close(report)
    expect(mirror.evidence.filter(evidence => evidence !== undefined)).toEqual([seen(2), seen(3)])
  })

  test('tells at once what is seen while it tells', async () => {
    const seen = (eValue: number): AbortEvidence => ({ atMs: 0, eValue, limit: 100, detail: '' })
    publisher = publish(1)
    mirror.before = () => {
      mirror.before = () => undefined
      publisher.show(seen(2))
    }
    publisher.show(seen(1))
    publisher.tell(phase(0))
    await settled(() => mirror.evidence.length >= 2)
    expect(mirror.evidence).toEqual([seen(1), seen(2)])
    await publisher.close(report)
  })

  test('sends again what did not arrive, and warns once', async () => {
    let failures = 3
    mirror.fail = () => (failures-- > 0 ? new Error('connect ECONNREFUSED') : null)
    publisher = publish()
    publisher.tell(phase(0))
    publisher.tell(phase(1))

    await settled(() => mirror.kept.size === 2)
    await publisher.close(report)

    expect(told).toEqual([
      'warning: the run is not shown in the console, only kept here: connect ECONNREFUSED',
    ])
  })

  test('goes on after a batch that the mirror refuses', async () => {
    mirror.fail = entries =>
      entries.some(({ seq }) => seq === 0) ? new MirrorRefused('not understood') : null
    publisher = publish()
    publisher.tell(phase(0))
    await settled(() => told.length === 1)
    publisher.tell(phase(1))
    await publisher.close(report)
    expect([...mirror.kept.keys()]).toEqual([1])
  })

  test('never keeps the run waiting for a mirror that does not answer', async () => {
    mirror.hangs = true
    publisher = publish()
    const startedMs = performance.now()
    for (let index = 0; index < 20_000; index++) publisher.tell(phase(index))
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    mirror.hangs = false
    mirror.fail = () => new Error('away')
    await publisher.close(report)
    // It stopped keeping at a limit, and what was told is one warning.
    expect(told).toEqual([expect.stringContaining('warning: the run is not shown in the console')])
  })
})

describe('publishRun()', () => {
  test('does nothing where there is no mirror', async () => {
    const nothing = publishRun(RUN, { clock: quickClock(1), progress: () => undefined })
    nothing.tell(phase(0))
    await nothing.close(join(folder, 'nowhere'))
    expect(told).toEqual([])
  })
})
