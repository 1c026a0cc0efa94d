import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What a page can show in place of a link: the runbooks as they stand beside the code. */
export type Runbooks = {
  readonly names: readonly string[]
  /** Text of a runbook, Markdown; null: there is none of that name. */
  readonly text: (name: string) => string | null
}

const FOLDER = new URL('../../../docs/runbooks/', import.meta.url)

/** Reads all of them once: they change with the code, and come with it. */
export function loadRunbooks(): Runbooks {
  const files = readdirSync(fileURLToPath(FOLDER)).filter(name => /^[A-Za-z0-9]+\.md$/.test(name))
  const texts = new Map(files.map(file => [file.slice(0, -3), readFileSync(new URL(file, FOLDER), 'utf8')]))
  return {
    names: [...texts.keys()].filter(name => name !== 'README').sort(),
    text: name => texts.get(name) ?? null,
  }
}

/** The console's own page, under whatever address it is reached, and the file in a repository. */
const ADDRESSES = [
  /^https?:\/\/[^/]+\/runbooks\/([A-Za-z0-9]+)$/,
  /(?:^|\/)docs\/runbooks\/([A-Za-z0-9]+)\.md$/,
]

/** Name of the runbook that an alert's `runbook_url` leads to; null: it is not one of ours. */
export function runbookName(address: string | undefined): string | null {
  return ADDRESSES.map(each => each.exec(address ?? '')?.[1]).find(name => name !== undefined) ?? null
}
