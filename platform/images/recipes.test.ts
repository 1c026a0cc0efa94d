import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { IMAGES } from '../topology.ts'
import type { ContextPart } from './context.ts'
import { BASE, contentHashes, type Recipe, recipeNamed } from './recipe.ts'
import { allRecipes } from './recipes.ts'

const root = join(import.meta.dirname, '../..')
const work = { progress: () => undefined, signal: new AbortController().signal }

describe('allRecipes()', () => {
  let recipes: readonly Recipe[]
  const pathsOf = (name: string) => recipeNamed(recipes, name).parts.map(part => part.path)
  beforeAll(async () => {
    recipes = await allRecipes(root, { cache: '/nowhere', state: '/nowhere' })
  })

  test('makes every image of the topology, each on known parents', () => {
    const hashes = contentHashes(recipes, 'base:1')
    expect([...hashes.keys()]).toEqual(expect.arrayContaining([...IMAGES]))
    expect(new Set(recipes.map(({ name }) => name)).size).toBe(recipes.length)
  })

  test('names the parents as the Dockerfiles do', async () => {
    for (const { name, dockerfile, parents } of recipes) {
      const text = await textOf(dockerfile)
      const declared = [...text.matchAll(/^ARG (\w+)$/gm)].map(match => match[1])
      const used = [...text.matchAll(/^FROM \$(\w+)/gm)].map(match => match[1])
      expect({ name, declared: declared.sort(), used: [...new Set(used)].sort() }).toEqual({
        name,
        declared: Object.keys(parents).sort(),
        used: Object.keys(parents).sort(),
      })
    }
  })

  test('gives each Dockerfile what it copies', async () => {
    for (const { name, dockerfile, parts, fetches } of recipes) {
      const text = await textOf(dockerfile)
      const there = [...parts.map(part => part.path), ...(fetches ? ['machine/environment'] : [])]
      const copies = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
      for (const source of copies.flatMap(match => match[1]?.split(' ') ?? [])) {
        const found = there.some(path => path === source || (source.endsWith('/') && path.startsWith(source)))
        expect({ name, source, found }).toEqual({ name, source, found: true })
      }
    }
  })

  test('ends every published image but the agent as a numbered user that is not root', async () => {
    for (const image of IMAGES.filter(name => name !== 'agent')) {
      expect((await textOf(recipeNamed(recipes, image).dockerfile)).trimEnd()).toMatch(/\nUSER 10001:10001$/)
    }
  })

  test('ships what the programs import and no tests', () => {
    expect(pathsOf('services')).toEqual(
      expect.arrayContaining([
        'app/services/gateway/main.ts',
        'app/instrumentation/register.ts',
        'app/instrumentation/traces.ts',
        'app/platform/topology.ts',
        'app/package.json',
      ]),
    )
    expect(pathsOf('services-packages')).toEqual(
      expect.arrayContaining(['node', 'node_modules/prom-client', 'node_modules/@sentry/node']),
    )
    for (const unused of ['node_modules/typescript', 'node_modules/sentry', 'node_modules/oxc-parser']) {
      expect(pathsOf('services-packages')).not.toContain(unused)
    }
    expect(pathsOf('recommender')).toEqual(
      expect.arrayContaining([
        'app/instrumentation/signals.json',
        'app/services/pipeline/pipeline/__init__.py',
      ]),
    )
    expect(pathsOf('load')).toEqual(
      expect.arrayContaining(['app/load/script.ts', 'app/platform/topology.ts']),
    )
    expect(
      recipes
        .flatMap(({ name }) => pathsOf(name))
        .filter(path => /[._]test\.|conftest|__pycache__/.test(path)),
    ).toEqual([])
  })

  test('does not restart the database for a migration', () => {
    expect(pathsOf('database')).toEqual(expect.arrayContaining(['database/entry.sh', 'database/patroni.yml']))
    expect(pathsOf('database').filter(path => path.endsWith('.sql'))).toEqual([])
    expect(pathsOf('recommender').filter(path => path.endsWith('.sql'))).not.toEqual([])
  })

  test('starts everything from the one base', () => {
    const onBase = recipes.filter(({ parents }) => Object.values(parents).includes(BASE))
    expect(onBase.map(({ name }) => name)).toEqual(['foundation'])
  })
})

async function textOf(part: ContextPart): Promise<string> {
  const content = await part.content(work)
  if (typeof content === 'string') return content
  if ('folder' in content) throw new Error(`Cannot read '${part.path}': it is a folder`)
  return readFile(content.file, 'utf8')
}
