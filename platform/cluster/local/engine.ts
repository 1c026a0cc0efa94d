import { spawn } from 'node:child_process'
import { access, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MachineryError, UserError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import type { LabFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { run, tryRun } from './shell.ts'

/** Longest wait for a Docker engine that we started, milliseconds. */
const START_LIMIT_MS = 60_000

export type EngineAnswer =
  | { readonly kind: 'answers'; readonly version: string }
  | { readonly kind: 'forbidden' | 'silent' | 'no client'; readonly detail: string }

/** Asks the Docker engine for its version. */
export async function askEngine(signal?: AbortSignal): Promise<EngineAnswer> {
  try {
    const options = { timeoutMs: 10_000, ...(signal === undefined ? {} : { signal }) }
    const version = await run('docker', ['version', '--format', '{{.Server.Version}}'], options)
    return { kind: 'answers', version }
  } catch (error) {
    if (!(error instanceof MachineryError)) throw error
    const detail = error.message.split('\n').at(-1) ?? error.message
    if (error.message.includes('ENOENT')) return { kind: 'no client', detail: 'no docker command' }
    return { kind: /permission denied/i.test(error.message) ? 'forbidden' : 'silent', detail }
  }
}

/**
 * Sees to it that a Docker engine answers: starts it when it is installed, installs it on Debian and Ubuntu when
 * this process may.
 *
 * @throws UserError when only the user can do that
 */
export async function ensureEngine(
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if ((await askEngine(signal)).kind === 'answers') return
  const waiting = () => progress('waiting for another process that starts the Docker engine')
  await underLock(join(folders.state, 'engine.lock'), waiting, signal, async () => {
    const answer = await askEngine(signal)
    if (answer.kind === 'answers') return
    if (answer.kind === 'forbidden') throw forbidden(answer.detail)
    if (!(await isRoot())) throw engineMissing('this user is not root')
    if (!(await hasCommand('dockerd')) || answer.kind === 'no client') await install(progress, signal)
    await start(folders, progress, signal)
  })
}

/** Installs Debian or Ubuntu packages when this process may. */
export async function installPackages(
  packages: readonly string[],
  otherwise: UserError,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if (!(await isRoot()) || !(await hasCommand('apt-get'))) throw otherwise
  const options = { signal, environment: { DEBIAN_FRONTEND: 'noninteractive' }, hint: otherwise.hint }
  progress(`installing ${packages.join(', ')} with apt-get`)
  // Another apt-get may run on this machine: wait for it instead of failing on its lock.
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-qq']
  await run('apt-get', [...wait, 'update'], options)
  await run('apt-get', [...wait, 'install', '-y', '--no-install-recommends', ...packages], options)
}

export async function hasCommand(name: string): Promise<boolean> {
  return (await tryRun('sh', ['-c', 'command -v "$0"', name])) !== undefined
}

async function isRoot(): Promise<boolean> {
  return (await run('id', ['-u'])) === '0'
}

async function install(progress: Progress, signal: AbortSignal): Promise<void> {
  const otherwise = engineMissing('no Docker engine is installed')
  await installPackages(['docker.io', 'iptables', 'ca-certificates'], otherwise, progress, signal)
  // From Debian 13 on the client is a package of its own.
  if (!(await hasCommand('docker'))) await installPackages(['docker-cli'], otherwise, progress, signal)
}

async function start(folders: LabFolders, progress: Progress, signal: AbortSignal): Promise<void> {
  if (await exists('/run/systemd/system')) {
    progress('starting the Docker engine (systemctl start docker)')
    await run('systemctl', ['start', 'docker'], { signal, hint: 'See: journalctl -u docker' })
    return waitForEngine(() => undefined, 'journalctl -u docker', signal)
  }
  await mkdir(folders.state, { recursive: true })
  const logPath = join(folders.state, 'dockerd.log')
  progress(`starting the Docker engine (dockerd, log in ${logPath})`)
  const log = await open(logPath, 'a')
  // `--ip`: a published port without an address is for this machine only, also for ports that are not ours.
  const engine = spawn('dockerd', ['--ip', '127.0.0.1'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  engine.on('error', () => undefined)
  engine.unref()
  await writeFile(join(folders.state, 'dockerd.pid'), `${engine.pid}\n`)
  await log.close()
  await waitForEngine(() => engine.exitCode ?? undefined, logPath, signal)
}

async function waitForEngine(
  exitCode: () => number | undefined,
  logPath: string,
  signal: AbortSignal,
): Promise<void> {
  const giveUpAt = Date.now() + START_LIMIT_MS
  while ((await askEngine(signal)).kind !== 'answers') {
    const code = exitCode()
    if (code !== undefined || Date.now() > giveUpAt) {
      const log = await readFile(logPath, 'utf8').catch(() => '')
      const why = code === undefined ? `silent for ${START_LIMIT_MS / 1000} s` : `exit code ${code}`
      throw new MachineryError(
        `Cannot start the Docker engine: ${why}\n${log.trim().split('\n').slice(-5).join('\n')}`,
        `Read ${logPath}, start the engine by hand, then try again.`,
      )
    }
    await sleep(200, undefined, { signal })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function forbidden(detail: string): UserError {
  return new UserError(
    'DOCKER_FORBIDDEN',
    `Cannot reach the Docker engine: this user may not (${detail})`,
    'Run: sudo usermod -aG docker "$USER", log in again, then try again.',
  )
}

function engineMissing(why: string): UserError {
  return new UserError(
    'NO_DOCKER',
    `Cannot use Docker: no engine answers, and ${why}`,
    'Start it (sudo systemctl start docker), or install it: on Debian and Ubuntu sudo apt-get install docker.io, elsewhere see https://docs.docker.com/engine/install/.',
  )
}
