import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import type { LabFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { run, tryRun } from './shell.ts'

const KUBERNETES_VERSION = 'v1.34.4'

/** The oldest Go that fetches by itself the one a module asks for. */
const OLDEST_GO_MINOR = 21

/** Programs that are compiled here; each is a Go module in `binaries/`. */
export type ProgramName = 'kube' | 'pause'

/** Without these Kubernetes does not know its own version. */
const KUBERNETES_VARIABLES = {
  gitVersion: KUBERNETES_VERSION,
  gitMajor: '1',
  gitMinor: '34',
  gitTreeState: 'clean',
} as const

const LINKER_FLAGS: Readonly<Record<ProgramName, readonly string[]>> = {
  kube: Object.entries(KUBERNETES_VARIABLES).flatMap(([name, value]) => [
    '-X',
    `k8s.io/component-base/version.${name}=${value}`,
  ]),
  pause: [],
}

/** Names a program by everything that goes into it: its module's files and how it is linked. */
export async function programHash(name: ProgramName, modules: string = moduleFolder()): Promise<string> {
  const folder = join(modules, name)
  const hash = createHash('sha256').update(LINKER_FLAGS[name].join(' '))
  for (const file of (await readdir(folder)).sort()) {
    hash.update(`\0${file}\0`).update(await readFile(join(folder, file)))
  }
  return hash.digest('hex').slice(0, 12)
}

/** Where a compiled program is kept. */
export async function programPath(name: ProgramName, folders: LabFolders): Promise<string> {
  return join(folders.cache, 'bin', `${name}-${await programHash(name)}`)
}

/**
 * Compiles a program unless it is in the cache folder already.
 *
 * @returns path of the static executable
 * @throws UserError when Go is missing or too old
 */
export async function ensureProgram(
  name: ProgramName,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const path = await programPath(name, folders)
  if (await exists(path)) return path
  const waiting = () => progress(`waiting for another process that compiles ${name}`)
  await underLock(`${path}.lock`, waiting, signal, async () => {
    if (await exists(path)) return
    await requireGo(name === 'kube' ? 'Kubernetes' : name)
    progress(name === 'kube' ? 'compiling Kubernetes (minutes, once on this machine)' : `compiling ${name}`)
    await mkdir(join(folders.cache, 'bin'), { recursive: true })
    const unfinished = `${path}.unfinished`
    await run(
      'go',
      [
        'build',
        '-mod=readonly',
        '-trimpath',
        `-ldflags=-s -w ${LINKER_FLAGS[name].join(' ')}`,
        '-o',
        unfinished,
        '.',
      ],
      {
        folder: join(moduleFolder(), name),
        signal,
        environment: goEnvironment(folders),
        hint: 'The module proxy must be reachable for the first build: try `go env GOPROXY`, and GOTOOLCHAIN=auto when the Go release is refused.',
      },
    )
    await rename(unfinished, path)
  })
  return path
}

/** Go's own caches go where ours are, so that `down --all` can remove them without touching the user's. */
export function goEnvironment(folders: LabFolders): Record<string, string> {
  return {
    CGO_ENABLED: '0',
    GOCACHE: join(folders.cache, 'go', 'build'),
    GOMODCACHE: join(folders.cache, 'go', 'mod'),
    // Module files that can be written can also be removed.
    GOFLAGS: '-modcacherw -buildvcs=false',
    GOOS: 'linux',
  }
}

/** @returns for example `go1.26.8`, or undefined where Go is not installed */
export async function goVersion(): Promise<string | undefined> {
  return tryRun('go', ['env', 'GOVERSION'])
}

/** @param version as `go env GOVERSION` says it, for example `go1.26.8` */
export function goIsNewEnough(version: string): boolean {
  const [, major = '0', minor = '0'] = /^go(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 1 || Number(minor) >= OLDEST_GO_MINOR
}

/**
 * @param program what is to be compiled
 * @throws UserError when Go is missing or too old
 */
export async function requireGo(program: string): Promise<void> {
  const version = await goVersion()
  if (version && goIsNewEnough(version)) return
  throw new UserError(
    'NO_GO',
    `Cannot compile ${program}: Go 1.${OLDEST_GO_MINOR} or later is needed, ${version ? `this machine has ${version}` : 'and there is no go command'}`,
    'Install it: on Debian 13 or Ubuntu 24.04 and later sudo apt-get install golang-go, elsewhere from https://go.dev/dl/.',
  )
}

function moduleFolder(): string {
  return join(import.meta.dirname, 'binaries')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
