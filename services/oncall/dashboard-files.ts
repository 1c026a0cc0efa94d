import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { DashboardEntry } from './contract.ts'

/** Uids as Grafana allows them, so none of them is a way out of the folder. */
const UID = /^[A-Za-z0-9_-]{1,64}$/
const EXTENSION = '.json'

const head = z.object({ title: z.string(), tags: z.array(z.string()).default([]) })

/** The generated dashboards, one file `<uid>.json` each. */
export class DashboardFiles {
  readonly #folder: string | null

  /** @param folder null: there are none */
  constructor(folder: string | null) {
    this.#folder = folder
  }

  /** By title. */
  async list(): Promise<readonly DashboardEntry[]> {
    if (this.#folder === null) return []
    const names = await readdir(this.#folder)
    const uids = names
      .filter(name => name.endsWith(EXTENSION))
      .map(name => name.slice(0, -EXTENSION.length))
      .filter(uid => UID.test(uid))
    const entries = await Promise.all(
      uids.map(async uid => {
        const { title, tags } = head.parse(JSON.parse((await this.#read(uid)) ?? 'null'))
        return { uid, title, tags }
      }),
    )
    return entries.sort((one, other) => (one.title < other.title ? -1 : 1))
  }

  /** JSON as Grafana takes it; null: there is no such dashboard. */
  async json(uid: string): Promise<string | null> {
    return UID.test(uid) ? await this.#read(uid) : null
  }

  async #read(uid: string): Promise<string | null> {
    if (this.#folder === null) return null
    return await readFile(join(this.#folder, `${uid}${EXTENSION}`), 'utf8').catch(error => {
      if (error.code === 'ENOENT') return null
      throw error
    })
  }
}
