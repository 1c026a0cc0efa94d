import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { IMAGES } from '../topology.ts'
import { BUILDS_AT_A_TIME, ensureImages, type ImageTools } from './build.ts'
import { textFile } from './context.ts'
import { BASE, contentHashes, type Recipe } from './recipe.ts'

const recipe = (name: string, parents: Recipe['parents'], over: Partial<Recipe> = {}): Recipe => ({
  name,
  parents,
  dockerfile: textFile('Dockerfile', `# ${name}\n`),
  parts: [textFile('content', name)],
  ...over,
})

/** Every image on one layer of its own, all on the foundation. */
const RECIPES: readonly Recipe[] = [
  recipe('foundation', { BASE }),
  ...IMAGES.flatMap(name => [
    recipe(`${name}-packages`, { FOUNDATION: 'foundation' }, { fetches: name === 'recommender' }),
    recipe(name, { PACKAGES: `${name}-packages` }),
  ]),
]
const HASHES = contentHashes(RECIPES, 'base:1')
const tagOf = (name: string) => `divergence/${name}:${HASHES.get(name)}`

/** Records what was done to Docker and to the registry; `fails` names the image whose build fails. */
class FakeDocker {
  readonly built: string[] = []
  readonly contexts = new Map<string, readonly string[]>()
  readonly pushed: string[] = []
  readonly asked: string[] = []
  present: readonly string[] = []
  inRegistry: readonly string[] = []
  fails: string | undefined
  readonly aborted: string[] = []
  readonly #othersRun = Promise.withResolvers<void>()

  readonly tools: ImageTools = {
    run: async (_, args, { signal } = {}) => {
      const [verb, ...rest] = args
      if (verb === 'image' && rest[0] === 'ls') return this.present.join('\n')
      if (verb === 'push') this.pushed.push(rest.at(-1) ?? '')
      if (verb !== 'build') return ''
      const tag = rest.find(each => each.startsWith('--tag='))?.slice('--tag='.length) ?? ''
      const folder = rest.at(-1) ?? ''
      this.contexts.set(tag, await readdir(folder, { recursive: true }))
      expect(await readFile(join(folder, 'Dockerfile'), 'utf8')).toMatch(/^# /)
      if (this.fails !== undefined && tag !== tagOf('foundation')) {
        if (this.contexts.size === BUILDS_AT_A_TIME + 1) this.#othersRun.resolve()
        if (tag === this.fails) {
          await this.#othersRun.promise
          throw new Error(`cannot build ${tag}`)
        }
        if (!signal?.aborted) await new Promise(resolve => signal?.addEventListener('abort', resolve))
        this.aborted.push(tag)
        throw signal?.reason
      }
      this.built.push(tag)
      return ''
    },
    ask: async url => {
      this.asked.push(url)
      return this.inRegistry.includes(url) ? 200 : 404
    },
    base: async () => 'base:1',
    recipes: async () => RECIPES,
    machine: async () => [textFile('machine/environment', '')],
  }
}

describe('ensureImages()', () => {
  let cache: string
  let docker: FakeDocker
  const said: string[] = []
  const ensure = (registry?: string, signal = new AbortController().signal) =>
    ensureImages(
      {
        root: '/nowhere',
        folders: { cache, state: cache },
        ...(registry === undefined ? {} : { registry: Promise.resolve(registry) }),
      },
      message => said.push(message),
      signal,
      docker.tools,
    )

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'images-'))
    docker = new FakeDocker()
    said.length = 0
  })
  afterEach(() => rm(cache, { recursive: true }))

  test('builds every image once, after what it stands on', async () => {
    const { local, pushed } = await ensure()
    expect(docker.built.toSorted()).toEqual(RECIPES.map(({ name }) => tagOf(name)).toSorted())
    for (const { name, parents } of RECIPES) {
      for (const parent of Object.values(parents).filter(each => each !== BASE)) {
        expect(docker.built.indexOf(tagOf(parent))).toBeLessThan(docker.built.indexOf(tagOf(name)))
      }
    }
    expect(local).toEqual(Object.fromEntries(IMAGES.map(name => [name, tagOf(name)])))
    expect(pushed).toEqual({})
  })

  test('builds only what is missing, and asks nothing of what a present image stands on', async () => {
    docker.present = IMAGES.filter(name => name !== 'edge').map(tagOf)
    await ensure()
    expect(docker.built).toEqual(['foundation', 'edge-packages', 'edge'].map(tagOf))
  })

  test('builds nothing when all are there', async () => {
    docker.present = IMAGES.map(tagOf)
    await ensure()
    expect(docker.built).toEqual([])
    expect(said).toEqual([])
  })

  test('tells how the machine reaches registries only to a build that fetches', async () => {
    await ensure()
    const told = [...docker.contexts].filter(([, files]) => files.includes('machine')).map(([tag]) => tag)
    expect(told).toEqual([tagOf('recommender-packages')])
  })

  test('uploads what the registry lacks, by its content', async () => {
    docker.inRegistry = [`http://127.0.0.1:35000/v2/edge/manifests/${HASHES.get('edge')}`]
    const { pushed } = await ensure('127.0.0.1:35000')
    const expected = IMAGES.map(name => [name, `127.0.0.1:35000/${name}:${HASHES.get(name)}`])
    expect(pushed).toEqual(Object.fromEntries(expected))
    expect(docker.pushed.toSorted()).toEqual(
      expected
        .filter(([name]) => name !== 'edge')
        .map(([, reference]) => reference)
        .toSorted(),
    )
  })

  test('stops the other builds before it tells that one failed', async () => {
    docker.fails = tagOf('ingest-packages')
    await expect(ensure()).rejects.toThrow(`cannot build ${docker.fails}`)
    expect(docker.aborted.toSorted()).toEqual(['database-packages', 'load-packages'].map(tagOf))
    expect(docker.built).toEqual([tagOf('foundation')])
    expect(docker.contexts.size).toBe(1 + BUILDS_AT_A_TIME)
    expect(await readdir(join(cache, 'contexts'))).toEqual([])
  })

  test('does not wait for the registry when a build fails', async () => {
    docker.fails = tagOf('ingest-packages')
    docker.present = IMAGES.filter(name => name === 'edge').map(tagOf)
    const never = new Promise<string>(() => undefined)
    const options = { root: '/nowhere', folders: { cache, state: cache }, registry: never }
    const signal = new AbortController().signal
    await expect(ensureImages(options, () => undefined, signal, docker.tools)).rejects.toThrow('cannot build')
  })

  test('stops when it is told to', async () => {
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await expect(ensure(undefined, stop.signal)).rejects.toThrow('enough')
    expect(docker.built).toEqual([])
  })
})
