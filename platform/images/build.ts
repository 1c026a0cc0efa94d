import { homedir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import type { ImageReferences, Progress } from '../cluster/cluster.ts'
import { ensureBaseImage } from '../cluster/local/base-image.ts'
import { buildImage, LAB_LABEL } from '../cluster/local/docker.ts'
import type { LabFolders } from '../cluster/local/folders.ts'
import { run as runCommand } from '../cluster/local/shell.ts'
import { IMAGES, type ImageName } from '../topology.ts'
import { type ContextPart, removeStaleContexts, withContext } from './context.ts'
import { machineParts, machineSettings } from './machine.ts'
import { type AskStatus, askStatus, push } from './push.ts'
import { BASE, contentHashes, type Recipe, recipeNamed } from './recipe.ts'
import { allRecipes } from './recipes.ts'
import { Slots } from './slots.ts'

export type RunCommand = typeof runCommand

/** What the builder uses of the world outside; a test passes its own. */
export type ImageTools = {
  readonly run: RunCommand
  readonly ask: AskStatus
  readonly base: (progress: Progress, signal: AbortSignal, folders: LabFolders) => Promise<string>
  readonly recipes: (root: string, folders: LabFolders) => Promise<readonly Recipe[]>
  /** Added to the context of recipes that fetch. */
  readonly machine: () => Promise<readonly ContextPart[]>
}

export type ImageOptions = {
  /** Folder of the checkout. */
  readonly root: string
  readonly folders: LabFolders
  /** Address to push to (`host:port/path`, no scheme), once it can be pushed to. Without it images are only built. */
  readonly registry?: Promise<string>
}

export type BuiltImages = {
  /** Tags in the local Docker engine, by image name. */
  readonly local: ImageReferences
  /** References as they were pushed; empty without a registry. */
  readonly pushed: ImageReferences
}

/** These take long, so they go first; the others fit beside them. */
const LONG_BUILDS: readonly ImageName[] = ['ingest', 'load', 'database']
const ORDER = [...LONG_BUILDS, ...IMAGES.filter(name => !LONG_BUILDS.includes(name))]

/** Builds at a time. They wait for the network as much as they compute, so a few more than a small machine's cores. */
export const BUILDS_AT_A_TIME = 3
/** Uploads compress, which keeps a core busy. */
const UPLOADS_AT_A_TIME = 2

const TOOLS: ImageTools = {
  run: runCommand,
  ask: askStatus,
  base: ensureBaseImage,
  recipes: allRecipes,
  machine: async () => machineParts(await machineSettings(env, homedir())),
}

/**
 * Sees to it that all images exist, named by their content: builds what this Docker engine lacks and uploads what the
 * registry lacks.
 *
 * @param progress gets lines that begin with the image's name
 * @throws MachineryError when a build or an upload fails; the others are stopped first
 */
export async function ensureImages(
  { root, folders, registry }: ImageOptions,
  progress: Progress,
  signal: AbortSignal,
  tools: ImageTools = TOOLS,
): Promise<BuiltImages> {
  const base = await tools.base(message => progress(`base: ${message}`), signal, folders)
  const recipes = await tools.recipes(root, folders)
  const hashes = contentHashes(recipes, base)
  const tagOf = (name: string) => (name === BASE ? base : `divergence/${name}:${hashes.get(name)}`)
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const scratchFolder = join(folders.cache, 'contexts')
  const builder = new Builder({ recipes, tagOf, scratchFolder, tools, progress, signal: stop, failure })
  await builder.begin()
  const uploads = new Slots(UPLOADS_AT_A_TIME)
  const work = ORDER.map(async (name, rank) => {
    const tag = tagOf(name)
    await builder.ensure(name, rank)
    if (registry === undefined) return { name, tag, reference: undefined }
    const reference = `${await unlessAborted(registry, stop)}/${name}:${hashes.get(name)}`
    const say = (message: string) => progress(`${name}: ${message}`)
    await uploads.use(rank, () => push({ tag, reference }, tools, say, stop))
    return { name, tag, reference }
  })
  // The others stop before the error goes on: nothing of ours runs any more when the caller hears of it.
  for (const each of work) each.catch(error => failure.abort(error))
  await Promise.allSettled(work)
  const done = await Promise.all(work)
  return {
    local: Object.fromEntries(done.map(({ name, tag }) => [name, tag])),
    pushed: Object.fromEntries(done.flatMap(({ name, reference }) => (reference ? [[name, reference]] : []))),
  }
}

/** What the promise gives, unless the signal is aborted first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([promise, aborted])
}

type Surroundings = {
  readonly recipes: readonly Recipe[]
  readonly tagOf: (name: string) => string
  /** Build contexts are put together in here. */
  readonly scratchFolder: string
  readonly tools: ImageTools
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Aborts `signal`. */
  readonly failure: AbortController
}

/** Builds recipes after their parents, each at most once. */
class Builder {
  readonly #around: Surroundings
  readonly #slots = new Slots(BUILDS_AT_A_TIME)
  readonly #builds = new Map<string, Promise<void>>()
  #present: ReadonlySet<string> = new Set()

  constructor(surroundings: Surroundings) {
    this.#around = surroundings
  }

  /** Learns which images there are. */
  async begin(): Promise<void> {
    await removeStaleContexts(this.#around.scratchFolder, Date.now())
    const args = ['image', 'ls', '--filter', `label=${LAB_LABEL}`, '--format', '{{.Repository}}:{{.Tag}}']
    const listing = await this.#around.tools.run('docker', args, { signal: this.#around.signal })
    this.#present = new Set(listing.split('\n'))
  }

  /** @param rank lower is built first; what it stands on has the same */
  ensure(name: string, rank: number): Promise<void> {
    const known = this.#builds.get(name)
    if (known) return known
    const needed = name !== BASE && !this.#present.has(this.#around.tagOf(name))
    const build = needed ? this.#build(recipeNamed(this.#around.recipes, name), rank) : Promise.resolve()
    this.#builds.set(name, build)
    return build
  }

  async #build(recipe: Recipe, rank: number): Promise<void> {
    await Promise.all(Object.values(recipe.parents).map(parent => this.ensure(parent, rank)))
    await this.#slots.use(rank, async () => {
      this.#around.signal.throwIfAborted()
      try {
        await this.#buildNow(recipe, message => this.#around.progress(`${recipe.name}: ${message}`))
      } catch (error) {
        // Before the slot is free: nothing more begins.
        this.#around.failure.abort(error)
        throw error
      }
    })
  }

  async #buildNow(recipe: Recipe, progress: Progress): Promise<void> {
    const beganMs = performance.now()
    const machine = recipe.fetches ? await this.#around.tools.machine() : []
    const parts = [recipe.dockerfile, ...recipe.parts, ...machine]
    const { tagOf, scratchFolder, signal, tools } = this.#around
    const parents = Object.entries(recipe.parents).map(([argument, parent]) => [argument, tagOf(parent)])
    const request = { tag: tagOf(recipe.name), buildArguments: Object.fromEntries(parents) }
    await withContext(scratchFolder, parts, { progress, signal }, folder =>
      buildImage({ ...request, folder }, progress, signal, tools.run),
    )
    progress(`built in ${((performance.now() - beganMs) / 1000).toFixed(0)} s`)
  }
}
