import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MachineryError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import { ensureMachine, ensureNetwork, ensureVolume, labContainers } from './containers.ts'
import { docker } from './docker.ts'
import { ensureEngine } from './engine.ts'
import type { LabFolders } from './folders.ts'
import { ensureFoundationImage } from './images.ts'
import { underLock } from './lock.ts'
import { registryMachine } from './machines.ts'
import { HOST_PORTS, REGISTRY } from './plan.ts'

const ADDRESS = `127.0.0.1:${HOST_PORTS.registry}`

/** Longest wait for the registry to answer once its container runs, milliseconds. */
const ANSWER_LIMIT_MS = 20_000

const MANIFEST_TYPES = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
].join(', ')

/**
 * Sees to it that the cluster's registry runs.
 *
 * @returns where to push to: `127.0.0.1:PORT`
 */
export async function ensureRegistry(
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  await ensureEngine(folders, progress, signal)
  const image = await ensureFoundationImage(folders, progress, signal)
  const waiting = () => progress('waiting for another process that starts the registry')
  await underLock(join(folders.state, 'registry.lock'), waiting, signal, () =>
    start(image, folders, progress, signal),
  )
  return ADDRESS
}

async function start(
  image: string,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await ensureNetwork(signal)
  await ensureVolume(signal)
  const existing = (await labContainers(signal)).get(REGISTRY.container)
  if (await ensureMachine(registryMachine(image), existing, folders, progress, signal))
    await waitForAnswer(signal)
}

async function waitForAnswer(signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + ANSWER_LIMIT_MS
  while (true) {
    try {
      const { ok } = await fetch(`http://${ADDRESS}/v2/`, { signal })
      if (ok) return
    } catch {
      // Not listening yet; the time limit below tells of one that never does.
      signal.throwIfAborted()
    }
    if (Date.now() > giveUpAt) {
      throw new MachineryError(
        `Cannot use the registry at ${ADDRESS}: no answer within ${ANSWER_LIMIT_MS / 1000} s`,
        `See: docker logs ${REGISTRY.container}`,
      )
    }
    await sleep(100, undefined, { signal })
  }
}

/** Pushes a local image that is tagged for our registry, unless the registry has it. */
export async function push(tag: string, progress: Progress, signal: AbortSignal): Promise<void> {
  if (await registryHas(tag, signal)) return
  progress(`pushing ${tag}`)
  await docker(['push', '--quiet', tag], { signal })
}

/** @param tag `127.0.0.1:PORT/NAME:HASH` */
export async function registryHas(tag: string, signal: AbortSignal): Promise<boolean> {
  const [, name = '', hash = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(tag) ?? []
  const { ok } = await fetch(`http://${ADDRESS}/v2/${name}/manifests/${hash}`, {
    method: 'HEAD',
    headers: { accept: MANIFEST_TYPES },
    signal,
  })
  return ok
}

/**
 * The reference by which nodes pull what was pushed from here.
 *
 * @throws MachineryError when it was pushed elsewhere
 */
export function pulledReference(pushed: string): string {
  if (pushed.startsWith(`${ADDRESS}/`)) return pushed.replace(ADDRESS, REGISTRY.host)
  throw new MachineryError(
    `Cannot publish '${pushed}': it was not pushed to the cluster's registry`,
    `Push it to ${ADDRESS}/NAME:HASH.`,
  )
}
