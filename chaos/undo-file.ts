import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Action } from './faults/fault.ts'

/** In a run's folder: what has to be undone and is not yet. An empty list means that all is undone. */
export const UNDO_FILE = 'undo.json'

export type UndoRecipe = {
  /** Number of the fault in its experiment, from 0. */
  readonly fault: number
  readonly kind: string
  readonly targets: readonly string[]
  readonly actions: readonly Action[]
}

/** Replaces the file as a whole and returns when it is on the disk: a power cut leaves the old or the new list. */
export async function writeUndoFile(folder: string, recipes: readonly UndoRecipe[]): Promise<void> {
  const path = join(folder, UNDO_FILE)
  await writeDurably(`${path}.new`, `${JSON.stringify(recipes, null, 2)}\n`)
  await rename(`${path}.new`, path)
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
