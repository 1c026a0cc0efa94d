import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { kill } from 'node:process'
import type { ProcessIdentity } from '../actions/action.ts'
import { clockPatches, type Mapping, ownVdso, patched, vdsoFunctions, vdsoMapping } from './vdso.ts'

/** For all threads of a process to stand still. One that is in the kernel (a slow disk) needs its time. */
const STAND_STILL_LIMIT_MS = 250
/** One that cannot be changed now is left to whoever tries again; the agent has other faults to look after. */
const GIVE_UP_MS = 1_000
const PAUSE_MS = 0.25
/** Threads are seldom inside the vDSO: some 50 ns of each reading. */
const RETRY_MS = 2

/** The target cannot be written to now; it was left as it was. */
class Retry extends Error {}

/**
 * Changes the clock of every process of a control group, also of those that come into being meanwhile as copies of one
 * that was changed. A new program (exec) starts with the kernel's own clock.
 *
 * @param folder of the control group; when it is gone, so are its processes
 * @param offsetMs what the processes read minus the node's clock, milliseconds, integer; 0 gives the kernel's own back
 * @throws Error naming each process that could not be changed; the others were
 */
export async function setClockOfGroup(folder: string, offsetMs: number): Promise<void> {
  const failures: string[] = []
  // A copy of a process may be made between the list and the write; what was found changed already is cheap to pass.
  for (let round = 0; round < 3; round++) {
    failures.length = 0
    let changed = 0
    for (const pid of processesOf(folder)) {
      const process = identityOf(pid)
      if (process === null) continue
      try {
        if (await setClock(process, offsetMs)) changed++
      } catch (error) {
        if (identityOf(pid)?.startTicks === process.startTicks) {
          failures.push(`process ${pid}: ${(error as Error).message}`)
        }
      }
    }
    if (changed === 0 && failures.length === 0) return
  }
  if (failures.length > 0) {
    throw new Error(`Cannot set the clock of all processes of ${folder}: ${failures.join('; ')}`)
  }
}

/**
 * Changes the clock of one process while it stands still, some 1 ms.
 *
 * @returns whether anything was to be done; a process that is gone needs nothing
 * @throws Error when its vDSO is not this kernel's, or it cannot be stopped at a place where it may be written to
 */
export async function setClock(process: ProcessIdentity, offsetMs: number): Promise<boolean> {
  const mapping = vdsoMapping(process.pid)
  if (mapping === null || identityOf(process.pid)?.startTicks !== process.startTicks) return false
  const own = ownVdso()
  const wanted = offsetMs === 0 ? own : patched(own, clockPatches(own, offsetMs))
  const memory = openSync(`/proc/${process.pid}/mem`, 'r+')
  try {
    // From here on the file is this process' memory, whoever gets its number.
    if (identityOf(process.pid)?.startTicks !== process.startTicks) return false
    const present = readAll(memory, mapping)
    requireSameKernel(own, present)
    if (present.equals(wanted)) {
      // An agent that died in the middle of an earlier change left it standing.
      if (offsetMs === 0 && stateOf(process.pid) === 'T') go(process.pid)
      return false
    }
    const giveUpAtMs = performance.now() + GIVE_UP_MS
    for (;;) {
      try {
        whileStopped(process.pid, mapping, () => {
          writeSync(memory, wanted, 0, wanted.length, mapping.start)
          if (!readAll(memory, mapping).equals(wanted))
            throw new Error('its vDSO does not keep what is written')
        })
        return true
      } catch (error) {
        if (!(error instanceof Retry) || performance.now() > giveUpAtMs) throw error
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
  } finally {
    closeSync(memory)
  }
}

/** How many bytes of a process' vDSO are not the kernel's own; 0 also when the process is gone. */
export function changedVdsoBytes(pid: number): number {
  const mapping = vdsoMapping(pid)
  if (mapping === null) return 0
  const own = ownVdso()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    const present = readAll(memory, mapping)
    let changed = Math.abs(present.length - own.length)
    for (let index = 0; index < Math.min(own.length, present.length); index++) {
      if (own[index] !== present[index]) changed++
    }
    return changed
  } finally {
    closeSync(memory)
  }
}

/** The identity of a living process; null: there is none (any more). */
export function identityOf(pid: number): ProcessIdentity | null {
  const fields = statFields(`/proc/${pid}/stat`)
  if (fields === null || fields[0] === 'Z' || fields[0] === 'X') return null
  return { pid, startTicks: Number(fields[19]) }
}

/** Not asynchronous on purpose: nothing else of the agent may run, wait or fail while a process of the target stands. */
function whileStopped(pid: number, mapping: Mapping, change: () => void): void {
  kill(pid, 'SIGSTOP')
  try {
    const deadlineMs = performance.now() + STAND_STILL_LIMIT_MS
    while (!threadsOf(pid).every(thread => standsStill(pid, thread))) {
      if (performance.now() > deadlineMs) {
        throw new Retry(`it does not stand still within ${STAND_STILL_LIMIT_MS} ms`)
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
    for (const thread of threadsOf(pid)) {
      const place = instructionOf(pid, thread)
      if (place >= mapping.start && place < mapping.end) {
        throw new Retry('one of its threads is always reading the clock')
      }
    }
    change()
  } finally {
    go(pid)
  }
}

function go(pid: number): void {
  try {
    kill(pid, 'SIGCONT')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function threadsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`)
}

function standsStill(pid: number, thread: string): boolean {
  const state = statFields(`/proc/${pid}/task/${thread}/stat`)?.[0]
  return state === undefined || ['T', 't', 'Z', 'X'].includes(state)
}

/** Where a thread that stands still goes on. */
function instructionOf(pid: number, thread: string): number {
  let line: string
  try {
    line = readFileSync(`/proc/${pid}/task/${thread}/syscall`, 'utf8')
  } catch (error) {
    // It ended before it stood still.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0
    throw error
  }
  const place = Number(line.trim().split(' ').at(-1))
  if (Number.isNaN(place)) throw new Retry(`thread ${thread} is running`)
  return place
}

/** What is never changed (headers, tables of names) must be the same, else addresses mean something else there. */
function requireSameKernel(own: Buffer, present: Buffer): void {
  const firstFunction = Math.min(
    ...[...vdsoFunctions(own).values()].filter(place => place.bytes > 0).map(place => place.offset),
  )
  if (own.length !== present.length || own.compare(present, 0, firstFunction, 0, firstFunction) !== 0) {
    throw new Error("its vDSO is not the agent's (a 32-bit program?)")
  }
}

function readAll(memory: number, mapping: Mapping): Buffer {
  const bytes = Buffer.alloc(mapping.end - mapping.start)
  if (readSync(memory, bytes, 0, bytes.length, mapping.start) !== bytes.length) {
    throw new Error('its vDSO cannot be read whole')
  }
  return bytes
}

function processesOf(folder: string): readonly number[] {
  try {
    return readFileSync(`${folder}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number)
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

function stateOf(pid: number): string | undefined {
  return statFields(`/proc/${pid}/stat`)?.[0]
}

/** Of /proc/PID/stat, from the third on: a program's name may have spaces and brackets in it. */
function statFields(path: string): readonly string[] | null {
  try {
    const line = readFileSync(path, 'utf8')
    return line.slice(line.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
