import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { STYLE } from './style.ts'

/** One file as a browser gets it. */
export type Asset = { readonly type: string; readonly body: Buffer; readonly gzip: Buffer }

export type Assets = {
  /** Address of a page's script or style: `client/live.mts`, `console.css`. It changes whenever any content does. */
  readonly href: (name: string) => string
  readonly find: (path: string) => Asset | null
  /** Part of the address that stands for the content of all assets. */
  readonly hash: string
}

const SCRIPT = 'text/javascript; charset=utf-8'
const CLIENT = new URL('./client/', import.meta.url)
/** Where the console stands below the root, which is the folder that scripts' places are told from. */
const CONSOLE = 'services/oncall/web'

/** Packages a script may import: what stands for them in a browser is one module without imports. */
const PACKAGES: Readonly<Record<string, string>> = { echarts: 'echarts/dist/echarts.esm.min.mjs' }

/** Static imports and re-exports; what is only a type is gone once types are stripped. */
const IMPORT = /((?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s*)?)'([^']+)'/g

/**
 * Reads the scripts of `client/` and all they import, takes the types away, and gives each an address of its own. What a
 * browser gets is what stands in the files: there is no build whose product could be older than its source.
 *
 * @throws RangeError when a script imports a package that is not meant for browsers
 */
export function loadAssets(): Assets {
  const root = fileURLToPath(CLIENT)
  const sources = new Map<string, string>()
  const packages = new Set<string>()
  const entries = readdirSync(root).filter(name => name.endsWith('.mts'))
  const queue = entries.map(name => join(root, name))
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (sources.has(file)) continue
    const code = stripTypeScriptTypes(readFileSync(file, 'utf8'))
    sources.set(file, code)
    for (const specifier of importsOf(code)) {
      if (specifier.startsWith('.')) queue.push(join(dirname(file), specifier))
      else packages.add(specifier)
    }
  }
  const files = new Map<string, Asset>([['console.css', assetOf('text/css; charset=utf-8', STYLE)]])
  for (const name of packages) files.set(`packages/${name}.mjs`, assetOf(SCRIPT, packageFile(name)))
  // Scripts keep their places to each other.
  const base = join(root, ...CONSOLE.split('/').map(() => '..'), '..')
  for (const [file, code] of sources) {
    const path = relative(base, file).split(sep).join('/')
    if (path.startsWith('../'))
      throw new RangeError(`Cannot serve ${path}: scripts of pages stand below ${base}`)
    const rewritten = code.replace(IMPORT, (whole, start: string, specifier: string) =>
      specifier.startsWith('.')
        ? whole
        : `${start}'${posix.relative(posix.dirname(`/${path}`), `/packages/${specifier}.mjs`)}'`,
    )
    files.set(path, assetOf(SCRIPT, rewritten))
  }
  const digest = createHash('sha256')
  for (const [path, { body }] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    digest.update(path).update('\0').update(body).update('\0')
  }
  const hash = digest.digest('hex').slice(0, 12)
  return {
    hash,
    find: path => files.get(path) ?? null,
    href: name => {
      const path = files.has(name) ? name : `${CONSOLE}/${name}`
      if (!files.has(path)) throw new RangeError(`Cannot link '${name}': there is no such asset`)
      return `/assets/${hash}/${path}`
    },
  }
}

/** Specifiers of what a script imports. */
export function importsOf(code: string): string[] {
  return [...code.matchAll(IMPORT)].map(match => match[2] ?? '')
}

function packageFile(name: string): string {
  const file = PACKAGES[name]
  if (file === undefined) throw new RangeError(`Cannot serve package '${name}': it is not meant for pages`)
  return readFileSync(createRequire(import.meta.url).resolve(file), 'utf8')
}

function assetOf(type: string, text: string): Asset {
  const body = Buffer.from(text)
  return { type, body, gzip: gzipSync(body, { level: 9 }) }
}
