import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ProcessIdentity } from '../actions/action.ts'

/** In the environment of everything that an agent starts, with the fault's id. */
export const FAULT_MARK = 'DIVERGENCE_FAULT'

/** Enough to know a program by. */
const LINE_LENGTH = 300

export type ProcessStatus = {
  readonly userId: number
  readonly groupId: number
  /** The pid in every namespace that it is in, the outermost first. */
  readonly pids: readonly number[]
}

/** What the kernel tells of processes, as the node numbers them. What is gone is null, never an error. */
export class Proc {
  readonly root: string

  /** @param root where it is mounted; a test has a folder of files */
  constructor(root = '/proc') {
    this.root = root
  }

  path(pid: number, ...parts: string[]): string {
    return [this.root, pid, ...parts].join('/')
  }

  async pids(): Promise<readonly number[]> {
    const names = await readdir(this.root)
    return names.filter(name => /^\d+$/.test(name)).map(Number)
  }

  /** null also for one that has ended and is only waited for by its parent. */
  async identity(pid: number): Promise<ProcessIdentity | null> {
    const stat = parseStat(await this.#text(pid, 'stat'))
    return stat === null || stat.state === 'Z' || stat.state === 'X'
      ? null
      : { pid, startTicks: stat.startTicks }
  }

  /** One letter, as `ps` shows it: `S` sleeps, `T` is stopped. */
  async state(pid: number): Promise<string | null> {
    return parseStat(await this.#text(pid, 'stat'))?.state ?? null
  }

  async isAlive({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
    return (await this.identity(pid))?.startTicks === startTicks
  }

  /** Lines of /proc/PID/cgroup; empty when it is gone. */
  async cgroups(pid: number): Promise<string> {
    return (await this.#text(pid, 'cgroup')) ?? ''
  }

  async status(pid: number): Promise<ProcessStatus | null> {
    const text = await this.#text(pid, 'status')
    return text === null ? null : parseStatus(text)
  }

  /** Inode of a namespace of the process. */
  async namespace(pid: number, kind: 'net' | 'pid' | 'mnt'): Promise<number | null> {
    const link = await readlink(this.path(pid, 'ns', kind)).catch(() => '')
    const inode = /\[(\d+)\]$/.exec(link)?.[1]
    return inode === undefined ? null : Number(inode)
  }

  /**
   * The program's name as a person knows it: what its first thread is called where the command line agrees (`patroni`,
   * which is a script), else the file that runs (`node`, whose thread calls itself otherwise).
   */
  async command(pid: number): Promise<string> {
    const [thread, line, file] = await Promise.all([
      this.#text(pid, 'comm'),
      this.#text(pid, 'cmdline'),
      readlink(this.path(pid, 'exe')).catch(() => ''),
    ])
    const name = (thread ?? '').trim()
    const inLine = (line ?? '').split('\0').some(part => basename(part).startsWith(name))
    return name !== '' && (inLine || file === '') ? name : basename(file.replace(/ \(deleted\)$/, ''))
  }

  /** Program and arguments, with a space between them; the name of the thread where it has none. */
  async commandLine(pid: number): Promise<string> {
    const line = (await this.#text(pid, 'cmdline')) ?? ''
    return line.replace(/\0+$/, '').replaceAll('\0', ' ').slice(0, LINE_LENGTH) || (await this.command(pid))
  }

  /** The id of the fault for which it was started. */
  async faultId(pid: number): Promise<string | null> {
    const text = await this.#text(pid, 'environ')
    const entry = (text ?? '').split('\0').find(each => each.startsWith(`${FAULT_MARK}=`))
    return entry === undefined ? null : entry.slice(FAULT_MARK.length + 1)
  }

  /** Everything that runs and bears the mark of a fault. */
  async marked(): Promise<readonly (ProcessIdentity & { readonly faultId: string })[]> {
    const all = await Promise.all(
      (await this.pids()).map(async pid => {
        const faultId = await this.faultId(pid)
        const identity = faultId === null ? null : await this.identity(pid)
        return faultId === null || identity === null ? [] : [{ ...identity, faultId }]
      }),
    )
    return all.flat()
  }

  async #text(pid: number, file: string): Promise<string | null> {
    return await readFile(this.path(pid, file), 'latin1').catch(() => null)
  }
}

/** Fields of /proc/PID/stat. A program may call itself anything: what follows the last parenthesis counts. */
export function parseStat(
  text: string | null,
): { readonly state: string; readonly startTicks: number } | null {
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], Number(fields[19])]
  return state === undefined || !Number.isInteger(startTicks) ? null : { state, startTicks }
}

function parseStatus(text: string): ProcessStatus {
  const numbers = (name: string) =>
    (new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '').split(/\s+/).map(Number)
  const [, userId = 0] = numbers('Uid')
  const [, groupId = 0] = numbers('Gid')
  return { userId, groupId, pids: numbers('NSpid') }
}
