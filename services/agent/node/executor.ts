import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { execPath, pid as ownPid } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, NetworkRef, Program } from '../actions/action.ts'
import type { Networks } from './networks.ts'
import { FAULT_MARK, type Proc } from './proc.ts'
import { ProgramError, programEnvironment, runProgram } from './program.ts'

const RUN_LIMIT_MS = 10_000
/** What a program that goes on has to say within this time; after it, it counts as started. */
const START_LIMIT_MS = 500
/** Time to give back what it holds; then it is killed. */
const STOP_POLITELY_MS = 2_000
const STOP_LIMIT_MS = 5_000
const STOP_CHECK_MS = 20

/** Programs of our own that Node runs. */
const NODE_PROGRAMS: Partial<Record<Program, readonly string[]>> = {
  'memory-hold': [execPath, '--expose-gc', new URL('../programs/memory-hold.ts', import.meta.url).pathname],
  'sql-sessions': [execPath, new URL('../programs/sql-sessions.ts', import.meta.url).pathname],
}

/** `gone`: what it was to be done to is not there any more, and nothing with it. */
export type Outcome = 'done' | 'gone'

/** Does commands; the only part of the agent that changes anything outside its own folder. */
export type Executor = {
  /**
   * @param mark what `start` marks its programs with and `stop` finds them by
   * @throws Error when it could not be done
   */
  execute(command: Command, mark: string): Promise<Outcome>
}

export type ExecutorParts = {
  readonly proc: Proc
  readonly networks: Networks
  readonly setClockOfGroup: (folder: string, offsetMs: number) => Promise<void>
}

type StartCommand = Extract<Command, { readonly do: 'start' }>

export class NodeExecutor implements Executor {
  readonly #parts: ExecutorParts

  constructor(parts: ExecutorParts) {
    this.#parts = parts
  }

  async execute(command: Command, mark: string): Promise<Outcome> {
    switch (command.do) {
      case 'run':
        return await this.#run(command)
      case 'start':
        return await this.#start(command, mark)
      case 'stop':
        return await this.#stop(mark)
      case 'write':
        return await write(command.path, command.text, command.mayBeGone ?? false)
      case 'remove':
        // Also when it is not there: `end` may be done more than once.
        await rm(command.path, { recursive: true, force: true })
        return 'done'
      case 'make-folder':
        await mkdir(command.path, { mode: 0o700 })
        return 'done'
      case 'signal':
        return await this.#signal(command)
      case 'set-clock':
        await this.#parts.setClockOfGroup(command.cgroup, command.offsetMs)
        return 'done'
    }
  }

  /** Standard output of a program, for those who only read. @returns null when the namespace is gone */
  async output(
    program: Program,
    args: readonly string[],
    network?: NetworkRef,
    input?: string,
  ): Promise<string | null> {
    const options = { input, limitMs: RUN_LIMIT_MS }
    const [name = program, ...first] = NODE_PROGRAMS[program] ?? [program]
    if (network === undefined) return await runProgram(name, [...first, ...args], options)
    const pid = await this.#parts.networks.processIn(network)
    if (pid === null) return null
    const settings = JSON.stringify({ network: this.#parts.proc.path(pid, 'ns/net') })
    return await runProgram('launch', [settings, name, ...first, ...args], options)
  }

  async #run(command: Extract<Command, { readonly do: 'run' }>): Promise<Outcome> {
    const { program, args, network, input, settledBy = [] } = command
    try {
      return (await this.output(program, args, network, input)) === null ? 'gone' : 'done'
    } catch (error) {
      const isSettled =
        error instanceof ProgramError && settledBy.some(part => error.complaint.includes(part))
      if (isSettled) return 'done'
      // The last process may have left the namespace while it was being entered.
      if (network !== undefined && (await this.#parts.networks.processIn(network)) === null) return 'gone'
      throw error
    }
  }

  async #start(command: StartCommand, mark: string): Promise<Outcome> {
    const { proc, networks } = this.#parts
    const { network, mounts, cgroups, userId, groupId, oomScoreAdjust } = command
    const networkPid = network === undefined ? undefined : await networks.processIn(network)
    if (networkPid === null || (mounts !== undefined && !(await proc.isAlive(mounts)))) return 'gone'
    const settings = {
      parent: ownPid,
      ...(networkPid === undefined ? {} : { network: proc.path(networkPid, 'ns/net') }),
      ...(mounts === undefined ? {} : { mounts: proc.path(mounts.pid, 'ns/mnt') }),
      ...(cgroups === undefined ? {} : { cgroups }),
      ...(userId === undefined ? {} : { userId }),
      ...(groupId === undefined ? {} : { groupId }),
      ...(oomScoreAdjust === undefined ? {} : { oomScoreAdjust }),
    }
    const program = NODE_PROGRAMS[command.program] ?? [command.program]
    const child = spawn('launch', [JSON.stringify(settings), ...program, ...command.args], {
      cwd: '/tmp',
      env: programEnvironment({ ...command.env, [FAULT_MARK]: mark }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await started(child, command)
    return 'done'
  }

  async #stop(mark: string): Promise<Outcome> {
    const { proc } = this.#parts
    const startMs = performance.now()
    const asked = new Set<number>()
    for (;;) {
      const left = (await proc.marked()).filter(each => each.faultId === mark)
      if (left.length === 0) return 'done'
      const waitedMs = performance.now() - startMs
      if (waitedMs > STOP_LIMIT_MS) {
        throw new Error(
          `Cannot stop ${left.map(({ pid }) => pid).join(', ')}: still there after being killed`,
        )
      }
      for (const { pid } of left) {
        if (waitedMs > STOP_POLITELY_MS) kill(pid, 'SIGKILL')
        else if (!asked.has(pid)) kill(pid, 'SIGTERM')
        asked.add(pid)
      }
      await sleep(STOP_CHECK_MS)
    }
  }

  async #signal({ process: target, signal }: Extract<Command, { readonly do: 'signal' }>): Promise<Outcome> {
    if (!(await this.#parts.proc.isAlive(target))) return 'gone'
    return kill(target.pid, `SIG${signal}`) ? 'done' : 'gone'
  }
}

/** Resolves when the program said that it is ready, or has not failed for long enough. */
async function started(child: ChildProcess, { program, readyText }: StartCommand): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ''
  let complaint = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (readyText === undefined) return
    said = (said + text).slice(-1000)
    if (said.includes(readyText)) resolve()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 1000)
  })
  child.on('error', error => reject(new Error(`Cannot start ${program}: ${error.message}`)))
  child.on('exit', (code, signal) => {
    if (code === 0) resolve()
    else
      reject(new Error(`Cannot start ${program}: ${complaint.trim() || `it ended with ${signal ?? code}`}`))
  })
  const timer = setTimeout(resolve, START_LIMIT_MS)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    // It goes on by itself from here, and must not keep an agent that leaves.
    child.unref()
  }
}

/** Files of the kernel are written as they are: none is made, and no link is followed. */
async function write(path: string, text: string, mayBeGone: boolean): Promise<Outcome> {
  try {
    const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
    try {
      await file.write(text)
    } finally {
      await file.close()
    }
    return 'done'
  } catch (error) {
    if (mayBeGone && isGone(error)) return 'gone'
    throw error
  }
}

/** Not there; ENODEV is what the kernel says of a control group that is going. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTDIR'
}

/** @returns false when it is gone */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
