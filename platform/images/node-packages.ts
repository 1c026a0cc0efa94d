import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { type ContextPart, sha256 } from './context.ts'

type LockEntry = {
  readonly version?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The part of npm's lock file (version 3) that says what is installed where. */
export type Lock = { readonly packages: Readonly<Record<string, LockEntry>> }

/** Lock file that npm writes for what really is in node_modules, from the root of the checkout. */
export const INSTALLED_LOCK = 'node_modules/.package-lock.json'

/** Declarations, source maps and manuals: nothing that runs. */
const NOT_RUN = /(\.d\.[cm]?ts|\.map|\.md|\.markdown)$/

/**
 * Binaries for another run-time than Node, packages of declarations, and what Sentry's SDK brings for those who bundle
 * their programs: its command line and a parser, 20 MB that nothing here imports.
 */
const NOT_FOR_NODE = /(^|\/)node_modules\/(bare-|@types\/|@sentry\/bundler-plugins$)/

/**
 * Folders of node_modules that hold the named packages and all they depend on, found as Node finds them.
 *
 * @throws RangeError when a package is not installed
 */
export function installedClosure(lock: Lock, packages: readonly string[]): readonly string[] {
  const folders = new Set<string>()
  const visit = (folder: string) => {
    if (folders.has(folder) || NOT_FOR_NODE.test(folder)) return
    folders.add(folder)
    const { dependencies, optionalDependencies } = lock.packages[folder] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = resolve(lock, folder, name)
      if (found !== undefined) visit(found)
      // npm leaves out optional packages that are for other platforms; all others must be there.
      else if (optionalDependencies?.[name] === undefined) throw missing(name, folder)
    }
  }
  for (const name of packages) {
    const found = resolve(lock, '', name)
    if (found === undefined) throw missing(name, 'the services')
    visit(found)
  }
  return [...folders].sort()
}

/** Nearest installation of a package as seen from a folder of the lock file: inside it first, then further up. */
function resolve(lock: Lock, from: string, name: string): string | undefined {
  const steps = from.split(/(?:^|\/)node_modules\//).slice(1)
  for (let depth = steps.length; depth >= 0; depth--) {
    const folder = [...steps.slice(0, depth), name].map(step => `node_modules/${step}`).join('/')
    if (lock.packages[folder] !== undefined) return folder
  }
  return undefined
}

function missing(name: string, wantedBy: string): RangeError {
  return new RangeError(`Cannot find package '${name}' among the installed ones: wanted by ${wantedBy}`)
}

/** The folders as parts of a build context. A package nested in another is a folder of its own in `folders`. */
export function packageParts(root: string, lock: Lock, folders: readonly string[]): readonly ContextPart[] {
  return folders.map(folder => ({
    path: folder,
    executable: false,
    identity: identityOf(lock, folder),
    content: async () => ({
      folder: join(root, folder),
      accepts: (path: string) => !NOT_RUN.test(path) && !path.split('/').includes('node_modules'),
    }),
  }))
}

/** The binary of the npm package `node`, which also runs the command line. */
export function nodeBinary(root: string, lock: Lock): ContextPart {
  const folder = 'node_modules/node'
  return {
    path: 'node',
    executable: true,
    identity: identityOf(lock, folder),
    content: async () => {
      const file = join(root, folder, 'bin', 'node')
      if (await isLinuxProgram(file)) return { file }
      throw new UserError(
        'IMAGES_NEED_LINUX',
        `Cannot put Node into an image: '${file}' is no program for Linux`,
        'Build the images on Linux, on the kind of processor that the nodes have.',
      )
    },
  }
}

/** Whether a file begins as ELF says. */
async function isLinuxProgram(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.equals(Buffer.from('\x7fELF', 'latin1'))
  } finally {
    await file.close()
  }
}

function identityOf(lock: Lock, folder: string): string {
  const { version, integrity } = lock.packages[folder] ?? {}
  if (version === undefined) throw missing(folder, 'the services')
  return sha256(JSON.stringify([folder, version, integrity, NOT_RUN.source]))
}
