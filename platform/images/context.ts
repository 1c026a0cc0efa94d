import { createHash } from 'node:crypto'
import {
  chmod,
  constants,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Progress } from '../cluster/cluster.ts'

/** What slow content is given while it is made. */
export type Work = { readonly progress: Progress; readonly signal: AbortSignal }

/** A file made on the spot, a file to copy, or a folder to copy what `accepts` takes of (paths within the folder). */
export type Content = string | { readonly file: string } | ContentFolder
type ContentFolder = { readonly folder: string; readonly accepts: (path: string) => boolean }

/** One file or folder of a build context. */
export type ContextPart = {
  /** Where it stands in the context, with `/` between folders. */
  readonly path: string
  /** Of a file: whether it may be run. */
  readonly executable: boolean
  /** What stands for its content in the image's hash: a digest, or the versions it is made from. */
  readonly identity: string
  /** Asked for only when the image has to be built. */
  readonly content: (work: Work) => Promise<Content>
}

/** Reads a file of the checkout as it is now. */
export async function fileAt(source: string, path: string): Promise<ContextPart> {
  const [bytes, { mode }] = await Promise.all([readFile(source), stat(source)])
  return {
    path,
    executable: (mode & 0o100) !== 0,
    identity: sha256(bytes),
    content: async () => ({ file: source }),
  }
}

/** A file that stands nowhere else. */
export function textFile(path: string, text: string): ContextPart {
  return { path, executable: false, identity: sha256(text), content: async () => text }
}

/**
 * Puts the parts into a folder of their own for one build and removes it afterwards, whatever happens.
 *
 * @param scratchFolder must exist
 */
export async function withContext<T>(
  scratchFolder: string,
  parts: readonly ContextPart[],
  work: Work,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(scratchFolder, 'context-'))
  try {
    for (const part of parts) await place(folder, part, work)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** No build takes this long: a context that is older was left by a process that was killed. Milliseconds. */
const STALE_MS = 6 * 60 * 60 * 1000

/** @param nowMs time of day, milliseconds since 1970 */
export async function removeStaleContexts(scratchFolder: string, nowMs: number): Promise<void> {
  await mkdir(scratchFolder, { recursive: true })
  for (const name of await readdir(scratchFolder)) {
    const folder = join(scratchFolder, name)
    // Another process may be removing its own just now.
    const about = await stat(folder).catch(() => undefined)
    if (about && nowMs - about.mtimeMs > STALE_MS) await rm(folder, { recursive: true, force: true })
  }
}

async function place(folder: string, part: ContextPart, work: Work): Promise<void> {
  const target = join(folder, part.path)
  await mkdir(dirname(target), { recursive: true })
  const content = await part.content(work)
  if (typeof content !== 'string' && 'folder' in content) return placeFolder(content, target)
  if (typeof content === 'string') await writeFile(target, content)
  else await copyFile(content.file, target, constants.COPYFILE_FICLONE)
  // The umask of a checkout must not decide what the container's user may read.
  await chmod(target, part.executable ? 0o755 : 0o644)
}

async function placeFolder({ folder, accepts }: ContentFolder, target: string): Promise<void> {
  const filter = (source: string) => source === folder || accepts(relative(folder, source))
  await cp(folder, target, { recursive: true, filter, mode: constants.COPYFILE_FICLONE })
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
