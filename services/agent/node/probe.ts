import { readFile, statfs } from 'node:fs/promises'
import type { Probe, ProcessIdentity } from '../actions/action.ts'
import type { NodeExecutor } from './executor.ts'
import type { Proc } from './proc.ts'

/** How actions read their targets on a real node. */
export function nodeProbe(
  proc: Proc,
  executor: NodeExecutor,
  readClockOffsetMs: (process: ProcessIdentity) => Promise<number>,
): Probe {
  return {
    async run(program, args, network) {
      const output = await executor.output(program, args, network)
      if (output === null) throw new Error(`Cannot read with ${program}: the network namespace is gone`)
      return output
    },
    async readFile(path) {
      try {
        return await readFile(path, 'utf8')
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTDIR') return null
        throw error
      }
    },
    async freeBytes(path) {
      const { bavail, bsize } = await statfs(path)
      return bavail * bsize
    },
    isAlive: process => proc.isAlive(process),
    async started(faultId) {
      return (await proc.marked()).filter(each => each.faultId === faultId)
    },
    clockOffsetMs: readClockOffsetMs,
  }
}
