import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import type { ProcessIdentity } from '../actions/action.ts'

/*
 * The clock of a process is proven from inside: the process is asked over HTTP and tells the time it has read in the
 * header `Date`. That the bytes of its vDSO were changed would only prove that we wrote them.
 */

const HTTP_CLOCK = new URL('../programs/http-clock.ts', import.meta.url).pathname
/** http-clock gives up after 3 s; the rest is for its start on a busy node. */
const LIMIT_MS = 6_000
const LISTENING = '0A'

export type Listener = { readonly address: string; readonly port: number; readonly inode: string }

/**
 * The clock that the container of a process reads, minus the node's, as its own HTTP server tells it; milliseconds, exact
 * to some 30 ms, within about a second.
 *
 * @throws Error when no process of the container answers HTTP with a date
 */
export async function readClockOffsetMs(process: ProcessIdentity): Promise<number> {
  const listeners = listenersOf(process.pid)
  const refusals: string[] = []
  for (const { address, port } of listeners) {
    try {
      const { stdout } = await promisify(execFile)(
        'nsenter',
        [`--net=/proc/${process.pid}/ns/net`, '--', execPath, HTTP_CLOCK, address, String(port)],
        { timeout: LIMIT_MS },
      )
      return Number(stdout)
    } catch (error) {
      const output = (error as { stderr?: string }).stderr || (error as Error).message
      refusals.push(`port ${port}: ${output.match(/(?:Error: |Cannot ).*/)?.[0] ?? output.trim()}`)
    }
  }
  throw new Error(
    `Cannot read the clock of process ${process.pid} from inside: none of its container's processes tells the time over HTTP (${refusals.join('; ') || 'none listens'})`,
  )
}

/** TCP sockets on which a process of this container listens; high ports first, where the ones for operators are. */
function listenersOf(pid: number): readonly Listener[] {
  const sockets = socketsOfContainer(pid)
  return ['tcp', 'tcp6']
    .flatMap(table => listeningSockets(readFileSync(`/proc/${pid}/net/${table}`, 'utf8')))
    .filter(({ inode }) => sockets.has(inode))
    .sort((one, other) => other.port - one.port)
}

/** Rows of /proc/PID/net/tcp or tcp6 that listen. An address that means all of them is replaced by loopback. */
export function listeningSockets(table: string): readonly Listener[] {
  return table
    .split('\n')
    .slice(1)
    .map(row => row.trim().split(/\s+/))
    .filter(fields => fields[3] === LISTENING)
    .map(fields => {
      const [address = '', port = ''] = (fields[1] ?? '').split(':')
      return { address: readableAddress(address), port: Number.parseInt(port, 16), inode: fields[9] ?? '' }
    })
}

/** The kernel prints the 32-bit words of an address as numbers of the machine (little endian). */
function readableAddress(hex: string): string {
  if (/^0+$/.test(hex)) return '127.0.0.1'
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word =>
    (word.match(/../g) ?? []).reverse().map(pair => Number.parseInt(pair, 16)),
  )
  if (bytes.length === 4) return bytes.join('.')
  const mappedIpv4 = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff
  if (mappedIpv4) return bytes.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

function socketsOfContainer(pid: number): ReadonlySet<string> {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const sockets = new Set<string>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      if (readFileSync(`/proc/${entry}/cgroup`, 'utf8') !== groups) continue
      for (const descriptor of readdirSync(`/proc/${entry}/fd`)) {
        const inode = readlinkSync(`/proc/${entry}/fd/${descriptor}`).match(/^socket:\[(\d+)\]$/)?.[1]
        if (inode !== undefined) sockets.add(inode)
      }
    } catch {
      // It ended while we looked, or closed the file: then it does not listen.
    }
  }
  return sockets
}
