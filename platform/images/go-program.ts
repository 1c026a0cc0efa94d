import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { goEnvironment, requireGo } from '../cluster/local/binaries.ts'
import type { LabFolders } from '../cluster/local/folders.ts'
import { underLock } from '../cluster/local/lock.ts'
import { run } from '../cluster/local/shell.ts'
import { type ContextPart, sha256 } from './context.ts'

const MODULE_FILES = ['go.mod', 'go.sum', 'main.go']
const BUILD_FLAGS = ['-mod=readonly', '-trimpath', '-ldflags=-s -w']

/** Programs of images, and the folder of each one's module beside this file. */
const GO_MODULES = {
  k6: 'load',
  launch: 'agent/launch',
  'packet-delay': 'agent/packet-delay',
} as const
export type GoProgramName = keyof typeof GO_MODULES
export const GO_PROGRAMS = Object.keys(GO_MODULES) as readonly GoProgramName[]

/** Where the compiled program is kept, and what stands for its content. */
export async function goExecutable(
  name: GoProgramName,
  folders: LabFolders,
): Promise<{ readonly identity: string; readonly executable: string }> {
  const module = moduleOf(name)
  const texts = await Promise.all(MODULE_FILES.map(file => readFile(join(module, file), 'utf8')))
  const identity = sha256(JSON.stringify([texts, BUILD_FLAGS]))
  return { identity, executable: join(folders.cache, 'bin', `${name}-${identity.slice(0, 12)}`) }
}

function moduleOf(name: GoProgramName): string {
  return join(import.meta.dirname, GO_MODULES[name])
}

/**
 * A static executable that is compiled when an image needs it, and kept in the cache folder by what it is made from.
 * The Go release is not part of that: an executable that is there stays right when Go is upgraded.
 * Making it throws a UserError when Go is missing or too old.
 */
export async function goProgram(name: GoProgramName, folders: LabFolders): Promise<ContextPart> {
  const { identity, executable } = await goExecutable(name, folders)
  return {
    path: name,
    executable: true,
    identity,
    content: async ({ progress, signal }) => {
      const waiting = () => progress(`waiting for another process that compiles ${name}`)
      await underLock(`${executable}.lock`, waiting, signal, async () => {
        if (await stat(executable).catch(() => undefined)) return
        await requireGo(name)
        progress(`compiling ${name} (a minute or two, once on this machine)`)
        const unfinished = `${executable}.unfinished`
        await run('go', ['build', ...BUILD_FLAGS, '-o', unfinished, '.'], {
          folder: moduleOf(name),
          signal,
          environment: goEnvironment(folders),
          hint: 'Go and the module proxy are needed for the first build: see `go version` and `go env GOPROXY`.',
        })
        await rename(unfinished, executable)
      })
      return { file: executable }
    },
  }
}
