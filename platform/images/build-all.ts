/**
 * Builds all images with nothing but a Docker engine, and pushes them where `--registry` says.
 *
 *   node platform/images/build-all.ts [--registry 127.0.0.1:35000]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { labFolders } from '../cluster/local/folders.ts'
import { ensureImages } from './build.ts'

const { values } = parseArgs({ options: { registry: { type: 'string' } } })
const beganMs = performance.now()
const progress = (message: string) =>
  console.error(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(7)}s  ${message}`)
const root = join(import.meta.dirname, '../..')
const registry = values.registry === undefined ? {} : { registry: Promise.resolve(values.registry) }
const built = await ensureImages(
  { root, folders: labFolders(), ...registry },
  progress,
  new AbortController().signal,
)
console.log(JSON.stringify(built, null, 2))
