import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Progress } from '../cluster.ts'
import { docker, LAB_LABEL } from './docker.ts'
import type { LabFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { NETWORK, REGISTRY, STORE_VOLUME } from './plan.ts'
import { tryRun } from './shell.ts'

const CONTAINER = 'divergence-unpack'

/** Pulled by every node that runs pods, whatever is deployed. */
const SYSTEM_IMAGES = /^[^/]+\/(kube|pause):/

/**
 * Which images the template shall hold: `wanted` and, of the other kind, what it holds already. Images of the cluster
 * itself and of what is deployed on it are published at different times, each without knowing of the other.
 */
export function templateReferences(held: readonly string[], wanted: readonly string[]): readonly string[] {
  const isSystem = (reference: string) => SYSTEM_IMAGES.test(reference)
  const kinds = new Set(wanted.map(isSystem))
  const kept = held.filter(reference => !kinds.has(isSystem(reference)))
  return [...new Set([...kept, ...wanted])].sort()
}

/**
 * Pulls and unpacks images once for all nodes: a node that is new starts with hard links to the result. Nodes that
 * run already pull for themselves.
 *
 * @param wanted references as the nodes pull them
 */
export async function ensureTemplate(
  wanted: readonly string[],
  foundation: string,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if (wanted.length === 0) return
  const waiting = () => progress('waiting for another process that unpacks images')
  await underLock(join(folders.state, 'template.lock'), waiting, signal, async () => {
    const held = await heldReferences(signal)
    const references = templateReferences(held, wanted)
    if (references.every(reference => held.includes(reference)) && references.length === held.length) return
    const missing = references.filter(reference => !held.includes(reference))
    progress(`unpacking ${missing.length} images for all nodes`)
    const hash = createHash('sha256').update(references.join('\n')).digest('hex').slice(0, 12)
    await tryRun('docker', ['rm', '--force', CONTAINER], { signal })
    await docker(
      [
        ...['run', '--rm', `--name=${CONTAINER}`, `--label=${LAB_LABEL}`, `--network=${NETWORK.name}`],
        ...[`--volume=${STORE_VOLUME}:/store`, '--tmpfs=/run', '--tmpfs=/tmp', '--cap-add=SYS_ADMIN'],
        // Unpacking mounts file systems.
        ...['--security-opt=seccomp=unconfined', '--security-opt=apparmor=unconfined'],
        ...['--entrypoint=/usr/local/sbin/unpack.sh', foundation, hash, ...references],
      ],
      {
        signal,
        onLine: line => progress(line),
        hint: `The registry must have the images: see docker logs ${REGISTRY.container}`,
      },
    )
  })
}

/** Lists what the template holds; written when that is whole. */
const COMPLETE = '/store/template/complete'

/** What the present template holds; asked of the registry's container, which has the store mounted. */
async function heldReferences(signal: AbortSignal): Promise<readonly string[]> {
  return lines(await tryRun('docker', ['exec', REGISTRY.container, 'cat', COMPLETE], { signal }))
}

/**
 * Whether what is deployed was unpacked for the nodes once: then all images have been built, whatever runs now. Asks an
 * engine that answers, and makes nothing.
 *
 * @param foundation image to look into the store with; undefined when there is none
 */
export async function hasDeployedImages(foundation: string | undefined): Promise<boolean> {
  // Docker would make a volume that is not there.
  if ((await tryRun('docker', ['volume', 'inspect', STORE_VOLUME])) === undefined) return false
  if (foundation === undefined) return false
  const look = ['run', '--rm', '--network=none', '--read-only', `--volume=${STORE_VOLUME}:/store:ro`]
  const held = lines(await tryRun('docker', [...look, '--entrypoint=cat', foundation, COMPLETE]))
  return held.some(reference => !SYSTEM_IMAGES.test(reference))
}

function lines(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter(line => line !== '')
}
