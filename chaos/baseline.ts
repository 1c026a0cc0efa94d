import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Snapshot } from './audit.ts'

/** Keeps how the lab was when it was last known to be whole. */
export async function writeBaseline(path: string, snapshot: Snapshot): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, `${JSON.stringify(snapshot, null, 2)}\n`)
  await rename(`${path}.new`, path)
}

/** null when no run or attack has begun on this lab yet. */
export async function readBaseline(path: string): Promise<Snapshot | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Snapshot
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
