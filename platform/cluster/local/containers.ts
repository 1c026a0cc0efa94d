import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MachineryError, UserError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import { docker, LAB_LABEL } from './docker.ts'
import type { LabFolders } from './folders.ts'
import { CONFIGURATION_LABEL, configurationHash, createArguments, type Machine } from './machines.ts'
import { NETWORK, STORE_VOLUME } from './plan.ts'
import { tryRun } from './shell.ts'

export type LabContainer = {
  readonly name: string
  readonly running: boolean
  /** When it was started last, Unix milliseconds; long ago when it never was. */
  readonly startedMs: number
  /** Ports of this machine that lead to it. */
  readonly ports: readonly number[]
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Filters of `docker ps` for the cluster's own containers. The label alone also matches what somebody runs or builds
 * from one of the lab's images, as containers inherit the labels of their image.
 */
export const OUR_CONTAINERS = [`--filter=label=${LAB_LABEL}`, '--filter=name=^/divergence-'] as const

/** Some, such as the one that unpacks images, are there for seconds. */
const TRIES = 5

/** All containers of the cluster, by name, whatever their state. */
export async function labContainers(signal?: AbortSignal): Promise<ReadonlyMap<string, LabContainer>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inspectAll(signal)
    } catch (error) {
      // One that is removed between the two questions makes the second fail, after it has told of the others.
      const gone = error instanceof MachineryError && /no such (object|container)/i.test(error.message)
      if (!gone || attempt === TRIES) throw error
    }
  }
}

async function inspectAll(signal: AbortSignal | undefined): Promise<ReadonlyMap<string, LabContainer>> {
  const options = signal === undefined ? {} : { signal }
  const ids = await docker(['ps', '--all', '--quiet', ...OUR_CONTAINERS], options)
  if (ids === '') return new Map()
  const format =
    '{"name":{{json .Name}},"running":{{json .State.Running}},"startedAt":{{json .State.StartedAt}},"labels":{{json .Config.Labels}},"bindings":{{json .HostConfig.PortBindings}}}'
  const lines = await docker(['inspect', '--format', format, ...ids.split('\n')], options)
  const containers = lines.split('\n').map(inspected)
  return new Map(containers.map(each => [each.name, each]))
}

function inspected(line: string): LabContainer {
  type Bindings = Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>
  const { name, startedAt, bindings, ...rest } = JSON.parse(line) as Omit<
    LabContainer,
    'ports' | 'startedMs'
  > & {
    readonly startedAt: string
    readonly bindings: Bindings | null
  }
  const ports = Object.values(bindings ?? {}).flatMap(each =>
    (each ?? []).map(({ HostPort }) => Number(HostPort)),
  )
  return { ...rest, name: name.slice(1), startedMs: Date.parse(startedAt), ports }
}

/** @throws UserError when something else has the subnet */
export async function ensureNetwork(signal: AbortSignal): Promise<void> {
  const options = { signal }
  const network = await tryRun(
    'docker',
    ['network', 'inspect', '--format', '{{json .Labels}}', NETWORK.name],
    options,
  )
  if (network !== undefined) return requireOurs('network', NETWORK.name, network)
  const bridge = `com.docker.network.bridge.name=${NETWORK.bridge}`
  try {
    await docker(
      [
        ...['network', 'create', `--label=${LAB_LABEL}`, `--subnet=${NETWORK.subnet}`],
        ...[`--gateway=${NETWORK.gateway}`, `--opt=${bridge}`, NETWORK.name],
      ],
      options,
    )
  } catch (error) {
    if (!(error instanceof MachineryError)) throw error
    if (error.message.includes('already exists')) return
    if (!/overlap|conflict/i.test(error.message)) throw error
    throw new UserError(
      'SUBNET_TAKEN',
      `Cannot make the Docker network '${NETWORK.name}': something else uses ${NETWORK.subnet} or a part of it`,
      'Find it with `docker network ls` and `ip route`, and remove it or give it other addresses.',
      { cause: error },
    )
  }
}

export async function ensureVolume(signal: AbortSignal): Promise<void> {
  const options = { signal }
  const volume = await tryRun(
    'docker',
    ['volume', 'inspect', '--format', '{{json .Labels}}', STORE_VOLUME],
    options,
  )
  if (volume !== undefined) return requireOurs('volume', STORE_VOLUME, volume)
  await docker(['volume', 'create', `--label=${LAB_LABEL}`, STORE_VOLUME], options)
}

function requireOurs(kind: string, name: string, labels: string): void {
  if ((JSON.parse(labels) as Record<string, string> | null)?.divergence === 'lab') return
  throw new UserError(
    'NAME_TAKEN',
    `Cannot use the Docker ${kind} '${name}': it was not made by the lab (no label ${LAB_LABEL})`,
    `Rename or remove it: docker ${kind} inspect ${name}`,
  )
}

/**
 * Makes a container be there, as described and running. One that was made from something else is made anew; what it
 * keeps in the store stays.
 *
 * @returns true when something had to be done
 */
export async function ensureMachine(
  machine: Machine,
  existing: LabContainer | undefined,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  const current = existing?.labels[CONFIGURATION_LABEL] === configurationHash(machine)
  if (existing?.running && current) return false
  if (existing && !current) {
    progress(`replacing ${machine.container}: it was made from something else`)
    await docker(['rm', '--force', '--volumes', machine.container], { signal })
  }
  const folder = join(folders.state, 'machines', machine.container)
  if (!existing || !current) {
    await writeFiles(folder, machine.files)
    await create(machine, folder, signal)
  }
  progress(`starting ${machine.container}`)
  await startContainer(machine.container, signal)
  return true
}

/** Written beside and moved into place, so that a container never starts with half of them. */
async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const unfinished = `${folder}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(unfinished, name), text, { mode: 0o600 })
  }
  await rm(folder, { recursive: true, force: true })
  await rename(unfinished, folder)
}

async function create(machine: Machine, folder: string, signal: AbortSignal): Promise<void> {
  try {
    await docker(createArguments(machine, folder), { signal })
  } catch (error) {
    if (!(error instanceof MachineryError) || !error.message.includes('is already in use by container'))
      throw error
    throw new UserError(
      'NAME_TAKEN',
      `Cannot create the container '${machine.container}': another container has this name`,
      `Rename or remove it: docker inspect ${machine.container}`,
      { cause: error },
    )
  }
}

export async function startContainer(name: string, signal?: AbortSignal): Promise<void> {
  try {
    await docker(['start', name], signal === undefined ? {} : { signal })
  } catch (error) {
    if (!(error instanceof MachineryError)) throw error
    const port = /(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)/.exec(error.message)?.[1]
    if (!/already allocated|address already in use/i.test(error.message)) throw error
    throw new UserError(
      'PORT_TAKEN',
      `Cannot start ${name}: something else listens on port ${port ?? '(see below)'} of 127.0.0.1`,
      `Find it with \`ss -ltnp | grep ${port ?? 'LISTEN'}\` and stop it.`,
      { cause: error },
    )
  }
}
