import { createHash } from 'node:crypto'
import type { ContextPart } from './context.ts'

/** How one image, published or in between, is made. */
export type Recipe = {
  readonly name: string
  /** What the `ARG`s before `FROM` stand for: build argument -> name of another recipe, or `BASE`. */
  readonly parents: Readonly<Record<string, string>>
  readonly dockerfile: ContextPart
  readonly parts: readonly ContextPart[]
  /**
   * Its Dockerfile fetches from language registries, in a stage of its own, and finds in `machine/` how this machine
   * reaches them (`machine.ts`). Not part of the hash: it leaves no trace in the image.
   */
  readonly fetches?: boolean
}

/** Name of the base image in `Recipe.parents`. */
export const BASE = 'base'

/** Hexadecimal digits of SHA-256 that name an image: 64 bits. */
const HASH_DIGITS = 16

/**
 * Names the image a recipe makes by everything that goes into it, so that equal sources have equal names everywhere.
 * Times and owners of files do not count.
 *
 * @param identityOf hash of a parent recipe, or the reference of the base image
 */
export function contentHash(recipe: Recipe, identityOf: (parent: string) => string): string {
  const facts = [
    ...Object.entries(recipe.parents).map(([argument, parent]) => ['parent', argument, identityOf(parent)]),
    ['dockerfile', recipe.dockerfile.identity],
    ...recipe.parts.map(part => ['part', part.path, part.executable ? 'executable' : '', part.identity]),
  ]
  const lines = facts.map(fact => JSON.stringify(fact)).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, HASH_DIGITS)
}

/**
 * Hash of every recipe, by name.
 *
 * @param baseReference reference of the base image, which stands for its content
 */
export function contentHashes(
  recipes: readonly Recipe[],
  baseReference: string,
): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  const hashOf = (name: string): string => {
    const known = name === BASE ? baseReference : hashes.get(name)
    if (known !== undefined) return known
    const hash = contentHash(recipeNamed(recipes, name), hashOf)
    hashes.set(name, hash)
    return hash
  }
  for (const { name } of recipes) hashOf(name)
  return hashes
}

/** @throws RangeError when there is none */
export function recipeNamed(recipes: readonly Recipe[], name: string): Recipe {
  const recipe = recipes.find(each => each.name === name)
  if (recipe) return recipe
  throw new RangeError(
    `Cannot find the recipe of image '${name}': known are ${recipes.map(each => each.name).join(', ')}`,
  )
}
