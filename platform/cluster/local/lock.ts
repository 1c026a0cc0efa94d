import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pid } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { MachineryError } from '../../errors.ts'

/** Who holds a lock; written into its file for people, the lock itself is the kernel's. */
export type LockHolder = {
  readonly pid: number
  /** Start of that process, in the kernel's ticks since boot: a later process of the same number differs. */
  readonly started: string
  /** ISO 8601. */
  readonly since: string
}

const HELD = 'held'

/** What a holder needs to write its name, milliseconds. */
const NAMING_MS = 100

/**
 * Does `work` while no other process does work under the same lock file; the second waits and says so.
 *
 * The lock is flock(2), held by a child whose only tie to life is a pipe from this process: however this process
 * ends, the kernel closes the pipe, the child ends and the lock is free. So a lock is never stale.
 *
 * @param waiting called once when another process holds the lock, with which (unknown when it has not yet written it);
 *   what this process does under it already, it has told of itself
 */
export async function underLock<T>(
  path: string,
  waiting: (holder: LockHolder | undefined) => void,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const release = (await take(path, ['--nonblock'], signal)) ?? (await waitFor(path, waiting, signal))
  try {
    const holder: LockHolder = {
      pid,
      started: (await startOf(pid)) ?? '',
      since: new Date().toISOString(),
    }
    await writeFile(path, `${JSON.stringify(holder)}\n`)
    return await work()
  } finally {
    await release()
  }
}

async function waitFor(
  path: string,
  waiting: (holder: LockHolder | undefined) => void,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  await sleep(NAMING_MS, undefined, { signal })
  const holder = await holderOf(path)
  if (holder?.pid !== pid) waiting(holder)
  const release = await take(path, [], signal)
  if (release) return release
  throw new MachineryError(`Cannot lock '${path}': flock gave up`, 'Is the folder on a local file system?')
}

/** @returns how to let go, or undefined when somebody else has it and `options` say not to wait */
async function take(
  path: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<(() => Promise<void>) | undefined> {
  signal.throwIfAborted()
  // A session of its own: Ctrl-C reaches the whole group of a terminal, and the lock must outlast the undoing.
  const child = execa('flock', [...options, path, 'sh', '-c', `echo ${HELD}; exec cat`], {
    stdin: 'pipe',
    reject: false,
    detached: true,
  })
  const stopWaiting = () => child.kill()
  signal.addEventListener('abort', stopWaiting, { once: true })
  const held = await Promise.race([once(child.stdout, 'data').then(() => true), child.then(() => false)])
  signal.removeEventListener('abort', stopWaiting)
  if (held) {
    return async () => {
      child.stdin.end()
      await child
    }
  }
  signal.throwIfAborted()
  const { exitCode, originalMessage } = await child
  if (exitCode === 1 && options.length > 0) return undefined
  throw new MachineryError(
    `Cannot lock '${path}': ${originalMessage ?? `flock ended with exit code ${exitCode}`}`,
    'flock is part of util-linux: install that package, and see that the folder can be written.',
  )
}

/** @returns undefined when the name in the file is not that of a living process: the lock was only just taken */
async function holderOf(path: string): Promise<LockHolder | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as LockHolder
    return (await startOf(holder.pid)) === holder.started ? holder : undefined
  } catch {
    // Empty or half-written. The name is a courtesy, the lock is not in the text.
    return undefined
  }
}

async function startOf(process: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${process}/stat`, 'utf8').catch(() => undefined)
  // The second field is the program's name in brackets and may hold anything; the start is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
