import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { goEnvironment } from '../cluster/local/binaries.ts'
import type { LabFolders } from '../cluster/local/folders.ts'
import { underLock } from '../cluster/local/lock.ts'
import { run } from '../cluster/local/shell.ts'
import { type ContextPart, sha256 } from './context.ts'

const MODULE_FILES = ['go.mod', 'go.sum', 'main.go']
const BUILD_FLAGS = ['-mod=readonly', '-trimpath', '-ldflags=-s -w']

/**
 * A static executable that is compiled when an image needs it, and kept in the cache folder by what it is made from.
 * The Go release is not part of that: an executable that is there stays right when Go is upgraded.
 *
 * @param module folder of the Go module
 * @param path where it stands in the build context; its last part is the program's name
 */
export async function goProgram(module: string, path: string, folders: LabFolders): Promise<ContextPart> {
  const texts = await Promise.all(MODULE_FILES.map(name => readFile(join(module, name), 'utf8')))
  const identity = sha256(JSON.stringify([texts, BUILD_FLAGS]))
  const executable = join(folders.cache, 'bin', `${path}-${identity.slice(0, 12)}`)
  return {
    path,
    executable: true,
    identity,
    content: async ({ progress, signal }) => {
      const waiting = () => progress(`waiting for another process that compiles ${path}`)
      await underLock(`${executable}.lock`, waiting, signal, async () => {
        if (await stat(executable).catch(() => undefined)) return
        progress(`compiling ${path} (a minute or two, once on this machine)`)
        const unfinished = `${executable}.unfinished`
        await run('go', ['build', ...BUILD_FLAGS, '-o', unfinished, '.'], {
          folder: module,
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
