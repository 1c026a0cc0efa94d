import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Progress } from '../cluster.ts'
import { BASE_REPOSITORY } from './base-image.ts'
import { OUR_CONTAINERS } from './containers.ts'
import { docker, LAB_LABEL } from './docker.ts'
import { askEngine, ensureEngine, hasCommand } from './engine.ts'
import type { LabFolders } from './folders.ts'
import { NETWORK, STORE_VOLUME } from './plan.ts'
import { tryRun } from './shell.ts'

/**
 * What the local cluster keeps in the state folder. Beside it are the engine's log, locks that somebody may wait for, and
 * what is known of labs on other clusters.
 */
const OURS_IN_STATE = ['kubeconfig', 'machines', 'pki', 'pki.unfinished']

/** What the nodes wrote; the registry, the unpacked images and corpora beside it are caches. */
const NODE_DATA = ['/store/nodes', '/store/control-plane']

/**
 * Removes what `up` made; with `caches` also what it keeps for a quicker next start.
 *
 * @throws UserError when the engine does not answer and only the user can start it: its containers would stay
 */
export async function takeDown(
  { caches }: { readonly caches: boolean },
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if (await hasEngine(signal)) {
    await ensureEngine(folders, progress, signal)
    await removeFromEngine(caches, progress)
  } else progress('no Docker engine is installed: no containers to remove')
  for (const name of OURS_IN_STATE) await rm(join(folders.state, name), { recursive: true, force: true })
  if (!caches) return
  progress(`removing ${folders.cache}`)
  await rm(folders.cache, { recursive: true, force: true })
}

/** Whether there is an engine, running or not: one that is stopped keeps its containers and volumes. */
async function hasEngine(signal: AbortSignal): Promise<boolean> {
  const { kind } = await askEngine(signal)
  return kind === 'silent' ? await hasCommand('dockerd') : kind !== 'no client'
}

async function removeFromEngine(caches: boolean, progress: Progress): Promise<void> {
  const labelled = `--filter=label=${LAB_LABEL}`
  const containers = lines(await docker(['ps', '--all', '--quiet', ...OUR_CONTAINERS]))
  if (containers.length > 0) {
    progress(`removing ${containers.length} containers`)
    await docker(['rm', '--force', '--volumes', ...containers])
  }
  const networks = lines(
    await docker(['network', 'ls', '--quiet', labelled, `--filter=name=${NETWORK.name}`]),
  )
  if (networks.length > 0) await docker(['network', 'rm', ...networks])
  const volumes = lines(await docker(['volume', 'ls', '--quiet', labelled]))
  if (volumes.includes(STORE_VOLUME)) await emptyStore(caches, progress)
  if (!caches) return
  const images = lines(await docker(['images', '--all', '--quiet', '--no-trunc', labelled]))
  const bases = lines(await docker(['images', '--format', '{{.Repository}}:{{.Tag}}', BASE_REPOSITORY]))
  if (images.length + bases.length === 0) return
  progress('removing images')
  // One may be the parent of another, which then goes with it.
  if (images.length > 0) await tryRun('docker', ['rmi', '--force', ...new Set(images)])
  // By name: what has other names as well was there before the lab. The one that was made here is gone already.
  for (const base of bases) await tryRun('docker', ['rmi', base])
}

async function emptyStore(caches: boolean, progress: Progress): Promise<void> {
  // Only a container can write to a volume; without an image there is none, and nothing that is worth keeping.
  const image = lines(await docker(['images', '--quiet', 'divergence/node-foundation'])).at(0)
  if (caches || image === undefined) {
    progress('removing the store')
    await docker(['volume', 'rm', STORE_VOLUME])
    return
  }
  progress('removing the data of the nodes')
  const run = ['run', '--rm', `--label=${LAB_LABEL}`, '--network=none', `--volume=${STORE_VOLUME}:/store`]
  await docker([...run, '--entrypoint=rm', image, '-rf', ...NODE_DATA])
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}
