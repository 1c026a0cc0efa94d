import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from '@jest/globals'

/** The way of the data: a folder may import from itself and from what stands before it; only `cli.ts` sees all. */
const ORDER = ['platform', 'instrumentation', 'services', 'load', 'chaos', 'alerts', 'dashboards', 'bench']

const folderOf = (file: string) => file.split('/')[0] ?? ''
const sources = ORDER.flatMap(folder => globSync(`${folder}/**/*.ts`, { exclude: ['**/node_modules'] }))

/** Relative imports of `source`, a file's text, as paths from the repository's root. */
function importsOf(file: string, source: string): string[] {
  const specifiers = [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(
    match => match[1] ?? '',
  )
  return specifiers.map(specifier => normalize(join(dirname(file), specifier)))
}

describe('architecture', () => {
  test('importsOf() sees static, type-only, side-effect and dynamic imports', () => {
    const source =
      "import { a } from './a.ts'\nimport type { B } from '../b.ts'\nimport './c.ts'\nawait import('./d.ts')\n"
    expect(importsOf('chaos/run.ts', source)).toEqual(['chaos/a.ts', 'b.ts', 'chaos/c.ts', 'chaos/d.ts'])
  })

  test('a folder imports only from folders before it in the way of the data', () => {
    expect(sources.length).toBeGreaterThan(10)
    const backward = sources.flatMap(file =>
      importsOf(file, readFileSync(file, 'utf8'))
        .filter(
          target =>
            ORDER.indexOf(folderOf(target)) > ORDER.indexOf(folderOf(file)) ||
            !ORDER.includes(folderOf(target)),
        )
        .map(target => `${file} -> ${target}`),
    )
    expect(backward).toEqual([])
  })

  test('only cli.ts and programs that run by themselves touch process', () => {
    const programs =
      /^(.*-program|instrumentation\/register|services\/[^/]+\/main|services\/[^/]+\/config|bench\/.*)\.ts$/
    const touching = sources.filter(
      file =>
        !/\.test\.ts$/.test(file) &&
        !programs.test(file) &&
        /\bprocess\.(argv|exit|exitCode|on)\b/.test(readFileSync(file, 'utf8')),
    )
    expect(touching).toEqual([])
  })
})
