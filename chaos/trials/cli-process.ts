import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../platform/errors.ts'
import { readJournal } from '../journal.ts'
import type { JournalEntry } from '../journal-entry.ts'
import { CLI } from './trial-lab.ts'

/** What the files of a command are called. */
export type CliFiles = {
  /** Of the temporary folder it runs in, to which a random part is added. */
  readonly folderPrefix: string
  readonly input: string
  readonly log: string
}

/** A command with a journal, in a process of its own, that can be killed. */
export class CliProcess {
  readonly folder: string
  readonly child: ChildProcess
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>

  protected constructor({ folder, child }: Spawned) {
    this.folder = folder
    this.child = child
    this.exited = once(child, 'exit').then(([code]) => code as number | null)
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /**
   * What it has written down so far, without a last line that is half-way, as who was killed may leave it.
   *
   * @throws UserError when its journal is damaged, or missing although it has ended by itself
   */
  async entries(): Promise<readonly JournalEntry[]> {
    const hasEnded = this.child.exitCode !== null
    const runs = await readdir(join(this.folder, 'runs')).catch(() => [])
    if (runs[0] === undefined) return []
    return await readJournal(join(this.folder, 'runs', runs[0]), hasEnded).catch(failure => {
      if (failure instanceof UserError && failure.code === 'RUN_MISSING' && !hasEnded) return []
      throw failure
    })
  }
}

type Spawned = { readonly folder: string; readonly child: ChildProcess }

/** Starts `divergence run` or `inject` with a file of this text; what it says goes to a log beside the file. */
export async function spawnCli(command: 'run' | 'inject', text: string, files: CliFiles): Promise<Spawned> {
  const folder = await mkdtemp(join(tmpdir(), files.folderPrefix))
  const file = join(folder, files.input)
  await writeFile(file, text)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, command, file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(join(folder, files.log))
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  return { folder, child }
}
