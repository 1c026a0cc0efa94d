import { readFileSync } from 'node:fs'
import { argv, exit } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * Program: takes memory of the control group that it is in until so much of it is used by all together, and keeps it
 * there while the others take more or less.
 *   node memory-hold.ts FOLDER LEVEL_BYTES SECONDS PID START_TICKS
 * FOLDER is the memory control group (version 1 or 2), PID and START_TICKS the process with which it ends: whoever stays
 * in the group of a dead container keeps it from being removed.
 */

const CHUNK_BYTES = 1 << 20
const PERIOD_MS = 50
/** A period takes at most so much, so that the kernel can make room by dropping its cache of files in between. */
const STEP_CHUNKS = 64

setFlagsFromString('--expose-gc')
/** Memory is given back to the kernel when it is collected, and nothing else would make this program collect. */
const collect = runInNewContext('gc') as () => void

const [folder = '', level = '', seconds = '', pid = '', startTicks = ''] = argv.slice(2)
const levelBytes = Number(level)
const stopAtMs = Date.now() + Number(seconds) * 1000
const held: Buffer[] = []
let ready = false

while (Date.now() < stopAtMs && startOf(pid) === startTicks) {
  let missing = Math.floor((levelBytes - usedBytes(folder)) / CHUNK_BYTES)
  for (let step = 0; missing > 0 && step < STEP_CHUNKS; step++, missing--) {
    // Filled, because a page that was never written to is nobody's memory.
    held.push(Buffer.alloc(CHUNK_BYTES, 0x5a))
  }
  if (missing < 0) {
    held.splice(missing)
    collect()
  }
  if (missing === 0 && !ready) {
    ready = true
    console.log('level reached')
  }
  await sleep(PERIOD_MS)
}
exit(0)

/** What counts against the limit and cannot be had back by dropping files that nobody reads. */
function usedBytes(group: string): number {
  const version2 = read(`${group}/memory.current`)
  const usage = Number(version2 ?? readFileSync(`${group}/memory.usage_in_bytes`, 'utf8'))
  const statistics = readFileSync(`${group}/memory.stat`, 'utf8')
  const name = version2 === null ? 'total_inactive_file' : 'inactive_file'
  return usage - Number(statistics.match(new RegExp(`^${name} (\\d+)$`, 'm'))?.[1] ?? 0)
}

function startOf(process: string): string | undefined {
  const line = read(`/proc/${process}/stat`)
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
