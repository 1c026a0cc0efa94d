import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { UserError } from '../platform/errors.ts'
import type { JournalEntry, JudgeInput } from './journal-entry.ts'
import type { Calibration } from './judgement/calibration.ts'
import type { Verdict } from './judgement/verdict.ts'
import type { Clock } from './lab/roles.ts'
import { DamagedSamples, type LoadRecord, SampleParser } from './measurement/samples.ts'

/** What a run leaves in its folder `runs/<id>/`; `undo.json` stands in undo-file.ts. */
export const RUN_FILES = {
  journal: 'journal.jsonl',
  experiment: 'experiment.yaml',
  samples: 'samples.csv.gz',
  /** While the load runs; packed into `samples` afterwards. */
  growingSamples: 'samples.csv',
  verdict: 'verdict.json',
  html: 'report.html',
  markdown: 'report.md',
} as const

/** Entries that must survive a power cut: they say what has to be undone, and what the verdict rests on. */
const DURABLE: readonly JournalEntry['entry'][] = [
  'opened',
  'undo-recipe',
  'fault-begun',
  'fault-ended',
  'undo-failed',
  'judge-input',
  'verdict',
]

type Unstamped<Entry> = Entry extends JournalEntry ? Omit<Entry, 'atMs'> : never

/** The append-only record of one run. Entries are written in the order of the calls. */
export class Journal {
  readonly folder: string
  readonly #file: FileHandle
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #listener: (entry: JournalEntry) => void
  #last: Promise<void> = Promise.resolve()
  #failure: unknown = null

  private constructor(
    folder: string,
    file: FileHandle,
    clock: Pick<Clock, 'nowMs'>,
    listener: (entry: JournalEntry) => void,
  ) {
    this.folder = folder
    this.#file = file
    this.#clock = clock
    this.#listener = listener
  }

  /**
   * Makes the run's folder, with the experiment in it as it was written.
   *
   * @param listener told every entry in the order of the lines; it must not throw
   */
  static async open(
    folder: string,
    experimentText: string,
    clock: Pick<Clock, 'nowMs'>,
    listener: (entry: JournalEntry) => void = () => undefined,
  ): Promise<Journal> {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, RUN_FILES.experiment), experimentText)
    return new Journal(folder, await open(join(folder, RUN_FILES.journal), 'ax'), clock, listener)
  }

  /** For callers that cannot wait: when it fails, the next `append` throws its error. */
  note(entry: Unstamped<JournalEntry>): void {
    this.#write(entry).catch(error => {
      this.#failure ??= error
    })
  }

  /** Resolves once the entry is in the file, for what matters: on the disk. */
  async append(entry: Unstamped<JournalEntry>): Promise<void> {
    await this.#write(entry)
    if (this.#failure !== null) throw this.#failure
  }

  #write(entry: Unstamped<JournalEntry>): Promise<void> {
    const stamped = { atMs: this.#clock.nowMs(), ...entry } as JournalEntry
    const line = `${JSON.stringify(stamped)}\n`
    this.#listener(stamped)
    const previous = this.#last
    this.#last = (async () => {
      await previous.catch(() => undefined)
      await this.#file.appendFile(line)
      if (DURABLE.includes(entry.entry)) await this.#file.sync()
    })()
    return this.#last
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    await this.#file.close()
  }
}

/** `20261121T060102Z-zone-outage`: sorts by time, valid in a Kubernetes label and in a file name. */
export function runIdOf(nowMs: number, experimentName: string): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '')
  return `${stamp}-${experimentName}`
}

/** Packs the samples that grew during the run. */
export async function packSamples(folder: string): Promise<void> {
  const growing = join(folder, RUN_FILES.growingSamples)
  await pipeline(createReadStream(growing), createGzip(), createWriteStream(join(folder, RUN_FILES.samples)))
  await rm(growing)
}

/** What stands in a run's folder about it. */
export type RecordedRun = {
  readonly input: JudgeInput
  readonly samples: readonly LoadRecord[]
  /** null: it was not known. Absent: the run is of a time when nobody asked. */
  readonly calibration?: Calibration | null
}

/** A verdict with how often its judge errs beside it: what `verdict.json` holds, and what judging again prints. */
export function withCalibration(
  verdict: Verdict,
  { calibration }: Pick<RecordedRun, 'calibration'>,
): Verdict & Pick<RecordedRun, 'calibration'> {
  return calibration === undefined ? verdict : { ...verdict, calibration }
}

/**
 * Reads what the judge needs from a run's folder, and what is printed beside its verdict.
 *
 * @throws UserError RUN_MISSING, RUN_UNFINISHED, RUN_DAMAGED naming the file and the line
 */
export async function readRun(folder: string): Promise<RecordedRun> {
  const entries = await readJournal(folder)
  const judged = entries.findLast(entry => entry.entry === 'judge-input')
  if (judged === undefined) throw unfinished(folder, entries)
  const known = entries.find(entry => entry.entry === 'calibration')
  return {
    input: judged.input,
    samples: await readSamples(folder),
    ...(known === undefined ? {} : { calibration: known.calibration }),
  }
}

/**
 * @param isOver whether nobody writes any more: else a last line that is half-way is left out
 * @throws UserError RUN_MISSING, RUN_DAMAGED
 */
export async function readJournal(folder: string, isOver = true): Promise<readonly JournalEntry[]> {
  const path = join(folder, RUN_FILES.journal)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    throw new UserError(
      'RUN_MISSING',
      `Cannot read the run ${folder}: it has no ${RUN_FILES.journal}`,
      'Give the folder of a run, such as runs/20261121T060102Z-zone-outage.',
      { cause: error },
    )
  })
  const lines = text.split('\n')
  // Without its line end the last entry was cut off while it was written.
  const isCut = lines.pop() !== ''
  const entries = lines.map((line, index) => parseEntry(path, line, index + 1))
  if (isCut && isOver) throw damaged(path, `line ${lines.length + 1} is cut off`)
  return entries
}

function parseEntry(path: string, line: string, lineNumber: number): JournalEntry {
  try {
    const entry = JSON.parse(line) as JournalEntry
    if (typeof entry?.entry === 'string' && typeof entry.atMs === 'number') return entry
  } catch (error) {
    throw damaged(path, `line ${lineNumber} is not JSON`, error)
  }
  throw damaged(path, `line ${lineNumber} is not a journal entry`)
}

async function readSamples(folder: string): Promise<readonly LoadRecord[]> {
  const path = join(folder, RUN_FILES.samples)
  const parser = new SampleParser()
  const samples: LoadRecord[] = []
  try {
    await pipeline(createReadStream(path), createGunzip(), async chunks => {
      for await (const chunk of chunks)
        for (const sample of parser.push(chunk as Uint8Array)) samples.push(sample)
    })
    parser.end()
  } catch (error) {
    throw damaged(path, error instanceof DamagedSamples ? error.message : (error as Error).message, error)
  }
  return samples
}

function unfinished(folder: string, entries: readonly JournalEntry[]): UserError {
  const end = entries.findLast(entry => entry.entry === 'interrupted' || entry.entry === 'failed')
  const why =
    end !== undefined && 'reason' in end
      ? `it was ${end.entry} (${end.reason})`
      : 'it ended before it was judged'
  return new UserError(
    'RUN_UNFINISHED',
    `Cannot judge the run ${basename(folder)}: ${why}`,
    'Only a run that came to its end has a verdict; run the experiment again.',
  )
}

function damaged(path: string, why: string, cause?: unknown): UserError {
  return new UserError(
    'RUN_DAMAGED',
    `Cannot read ${path}: ${why}`,
    'The file was changed or cut off after the run; a verdict from what is left would be another one.',
    cause === undefined ? undefined : { cause },
  )
}
