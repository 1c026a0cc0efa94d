import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from './actions/action.ts'
import { isMissing } from './agent-error.ts'
import type { FaultStatus } from './protocol.ts'

/** A command, and the mark by which it finds what its action started. */
export type EndStep = { readonly mark: string; readonly command: Command }

/** What is known of a fault when all else is lost. */
export type FaultRecord = {
  readonly status: FaultStatus
  readonly end: readonly EndStep[]
  /** Undone. Until then whoever finds it has to do `end`. */
  readonly over: boolean
}

/** Faults on the node's disk: one that began is there, and stays after its end so that it never begins again. */
export type Records = {
  all(): Promise<{ readonly records: readonly FaultRecord[]; readonly unreadable: readonly string[] }>
  has(id: string): Promise<boolean>
  /** On the disk when it returns, and not only on its way there. */
  write(record: FaultRecord): Promise<void>
  /** Forgets what was over before so long, milliseconds. */
  sweep(olderThanMs: number): Promise<void>
}

const SUFFIX = '.json'
const UNFINISHED = '.unfinished'

/** @param folder is made when it is not there */
export async function diskRecords(folder: string): Promise<Records> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pathOf = (id: string) => join(folder, `${id}${SUFFIX}`)
  const read = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8')) as FaultRecord
  const names = async () => (await readdir(folder)).filter(name => name.endsWith(SUFFIX))
  return {
    async all() {
      const records: FaultRecord[] = []
      const unreadable: string[] = []
      for (const name of await names()) {
        try {
          records.push(await read(name))
        } catch {
          unreadable.push(name.slice(0, -SUFFIX.length))
        }
      }
      return { records, unreadable }
    },
    async has(id) {
      return (await stat(pathOf(id)).catch(() => null)) !== null
    },
    async write(record) {
      await replace(folder, pathOf(record.status.id), JSON.stringify(record))
    },
    async sweep(olderThanMs) {
      for (const name of await names()) {
        const { mtimeMs } = await stat(join(folder, name))
        if (Date.now() - mtimeMs < olderThanMs) continue
        const record = await read(name).catch(() => null)
        if (record?.over) await unlink(join(folder, name))
      }
    },
  }
}

/** A switch that is a file: it survives the agent. */
export type DiskSwitch = {
  isOn(): boolean
  set(on: boolean): Promise<void>
}

export async function diskSwitch(folder: string, name: string): Promise<DiskSwitch> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, name)
  let on = (await stat(path).catch(() => null)) !== null
  return {
    isOn: () => on,
    async set(wanted) {
      // Off only when the disk says so, on at once.
      if (wanted) on = true
      if (wanted) await replace(folder, path, '')
      else await removeDurably(folder, path)
      on = wanted
    },
  }
}

/** Either the old content or the new one is there after a loss of power, never a part. */
async function replace(folder: string, path: string, text: string): Promise<void> {
  const unfinished = `${path}${UNFINISHED}`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  await syncFolder(folder)
}

async function removeDurably(folder: string, path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  await syncFolder(folder)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
