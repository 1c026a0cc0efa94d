import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execPath, kill } from 'node:process'
import { promisify } from 'node:util'

const runFile = promisify(execFile)

/** Programs of a pretended machine: an engine answers when the file `running` is there, and has one container. */
const PROGRAMS = {
  docker: `[ -e "$ROOM/running" ] || { echo "$SILENCE" >&2; exit 1; }
    case "$*" in
      version*) echo 99.1 ;; ps*) echo box ;; rm*) echo "docker $*" >>"$ROOM/called" ;;
      "images "*" divergence/debian") echo divergence/debian:0a ;;
    esac`,
  dockerd: 'echo "dockerd $*" >>"$ROOM/called"; touch "$ROOM/running"; exec sleep 60',
  systemctl: 'echo "systemctl $*" >>"$ROOM/called"; touch "$ROOM/running"',
  'apt-get': `echo "apt-get $*" >>"$ROOM/called"
    case "$*" in *docker.io*) cp "$ROOM/dockerd" "$ROOM/programs/dockerd" ;; esac`,
  id: 'echo "$USER_ID"',
}
type Program = keyof typeof PROGRAMS

const withSystemd = await access('/run/systemd/system').then(
  () => true,
  () => false,
)

/** How an engine is started here. */
export const STARTED = withSystemd ? 'systemctl start docker' : 'dockerd --ip 127.0.0.1'

/** A machine whose Docker engine, packages and users are pretended; it has no engine running. */
export class PretendedMachine {
  readonly #room: string

  private constructor(room: string) {
    this.#room = room
  }

  static async create(): Promise<PretendedMachine> {
    const room = await mkdtemp(join(tmpdir(), 'divergence-engine-'))
    await mkdir(join(room, 'programs'))
    for (const program of Object.keys(PROGRAMS) as Program[]) await install(program, join(room, 'programs'))
    await install('dockerd', room)
    return new PretendedMachine(room)
  }

  async startEngine(): Promise<void> {
    await writeFile(join(this.#room, 'running'), '')
  }

  /** Writes a file of the state folder. */
  async keep(name: string): Promise<void> {
    const path = join(this.#room, 'state', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '')
  }

  /** Names in the state folder, sorted. */
  async kept(): Promise<readonly string[]> {
    return (await readdir(join(this.#room, 'state'))).sort()
  }

  async remove(program: Program): Promise<void> {
    await rm(join(this.#room, 'programs', program))
  }

  /**
   * Runs a function of a module of this folder in a process of its own that finds only the pretended programs.
   *
   * @param call an expression that may use `folders`, `progress`, `signal` and everything the module exports
   * @returns what the call threw, and the programs that changed the machine, with their arguments
   */
  async run(
    module: string,
    call: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code?: string; readonly hint?: string; readonly called: readonly string[] }> {
    const script = `const module = await import(${JSON.stringify(join(import.meta.dirname, module))})
      const folders = { cache: process.env.ROOM + '/cache', state: process.env.ROOM + '/state' }
      const progress = () => {}
      const { signal } = new AbortController()
      const error = await module.${call}.then(() => undefined, error => error)
      console.log(JSON.stringify({ code: error?.code, hint: error?.hint }))`
    const { stdout } = await runFile(execPath, ['--input-type=module', '--eval', script], {
      env: {
        PATH: `${join(this.#room, 'programs')}:/usr/bin:/bin`,
        ROOM: this.#room,
        USER_ID: '0',
        SILENCE: 'Cannot connect to the Docker daemon',
        ...environment,
      },
    })
    const called = await readFile(join(this.#room, 'called'), 'utf8').catch(() => '')
    return { ...JSON.parse(stdout), called: called.trim().split('\n') }
  }

  async close(): Promise<void> {
    const pid = Number(await readFile(join(this.#room, 'state', 'dockerd.pid'), 'utf8').catch(() => '0'))
    if (pid > 0) kill(pid)
    await rm(this.#room, { recursive: true, force: true })
  }
}

async function install(program: Program, folder: string): Promise<void> {
  await writeFile(join(folder, program), `#!/bin/sh\n${PROGRAMS[program]}\n`)
  await chmod(join(folder, program), 0o755)
}
