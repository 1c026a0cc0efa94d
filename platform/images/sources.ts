import { glob, readFile, stat } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'

/** What a set of programs needs to run. */
export type SourceClosure = {
  /** Paths from the root of the checkout, sorted. */
  readonly files: readonly string[]
  /** npm packages that some file imports, sorted. Node's own modules and k6's are not among them. */
  readonly packages: readonly string[]
}

/** Imports and re-exports that are still there once types are stripped; `import type` is not. */
const STATIC_IMPORT = /^\s*(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm
const DYNAMIC_IMPORT = /\bimport\(\s*'([^']+)'/g
/** A file that a program reads beside itself. */
const ASSET = /\bnew URL\(\s*'(\.{1,2}\/[^']+)',\s*import\.meta\.url\s*\)/g

/**
 * Follows imports from the entries through the checkout.
 *
 * @param root folder of the checkout
 * @param entries paths from `root`
 * @throws Error when an imported file does not exist
 */
export async function sourceClosure(root: string, entries: readonly string[]): Promise<SourceClosure> {
  const files = new Set<string>()
  const packages = new Set<string>()
  const queue = [...entries]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue
    files.add(path)
    if (!/\.[cm]?[jt]s$/.test(path)) continue
    const { relatives, bare, assets } = importsOf(await readFile(join(root, path), 'utf8'))
    for (const each of bare) packages.add(each)
    const folder = dirname(path)
    queue.push(...relatives.map(each => normalize(join(folder, each))))
    for (const asset of assets) queue.push(...(await filesUnder(root, normalize(join(folder, asset)))))
  }
  return { files: [...files].sort(), packages: [...packages].sort() }
}

/** What a source imports: files beside it, npm packages, and files it reads by `new URL(..., import.meta.url)`. */
export function importsOf(source: string) {
  const found = (pattern: RegExp) => [...source.matchAll(pattern)].map(match => match[1] ?? '')
  const specifiers = [...found(STATIC_IMPORT), ...found(DYNAMIC_IMPORT)]
  return {
    relatives: specifiers.filter(each => each.startsWith('.')),
    bare: specifiers.filter(each => !/^(\.|node:|k6(\/|$))/.test(each)).map(packageOf),
    assets: found(ASSET),
  }
}

/** A file itself, or all files of a folder. */
async function filesUnder(root: string, path: string): Promise<string[]> {
  const full = join(root, path)
  if (!(await stat(full)).isDirectory()) return [path]
  const files: string[] = []
  for await (const entry of glob('**/*', { cwd: full, withFileTypes: true })) {
    if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)))
  }
  return files
}

/** `@scope/name` or `name` of an import that may go deeper into the package. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
