import { createHash } from 'node:crypto'
import {
  chmod,
  constants,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
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

/** Puts the parts into a folder of their own for one build and removes it afterwards, whatever happens. */
export async function withContext<T>(
  scratchFolder: string,
  parts: readonly ContextPart[],
  work: Work,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(scratchFolder, { recursive: true })
  const folder = await mkdtemp(join(scratchFolder, 'context-'))
  try {
    for (const part of parts) await place(folder, part, work)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
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
