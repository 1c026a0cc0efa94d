import { access, readFile, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../errors.ts'
import { GO_PROGRAMS, goExecutable } from '../../images/go-program.ts'
import { IMAGES } from '../../topology.ts'
import type { Check } from '../cluster.ts'
import { goEnvironment, goIsNewEnough, goVersion, programPath } from './binaries.ts'
import { type LabContainer, labContainers } from './containers.ts'
import { askEngine } from './engine.ts'
import { type LabFolders, labFolders } from './folders.ts'
import { packageServerChecks } from './package-servers.ts'
import { CONTROL_PLANE, HOST_PORTS, NETWORK, nodePlans, REGISTRY } from './plan.ts'
import { tryRun } from './shell.ts'
import { hasDeployedImages } from './template.ts'

const GIB = 1024 ** 3
/** What a cold start takes in the end, in its parts: Go's caches, images as layers, then in the registry and unpacked. */
const DISK_GIB = { go: 5, layers: 3.5, store: 3.5, running: 3 } as const
/** Nodes and both groups took 3.6 GiB at rest on the reference machine; Spark and the load generator come on top. */
const COLD_MEMORY_GIB = 8
const WARM_MEMORY_GIB = 1

/** 64 were in use, of all users, with both groups deployed on the reference machine. */
const INOTIFY_INSTANCES = 128

const ASK_LIMIT_MS = 8_000

/** Looks at everything the local cluster needs of this machine, and changes nothing. */
export async function localChecks(folders: LabFolders = labFolders()): Promise<readonly Check[]> {
  const engine = await engineCheck()
  const containers = engine.ok ? await labContainers() : new Map<string, LabContainer>()
  const made = await madeSoFar(folders, engine.ok)
  const { compiled } = made
  return [
    engine,
    await goCheck(compiled),
    await diskCheck(folders, made),
    await memoryCheck(containers),
    ...(await Promise.all(portOwners().map(owner => portCheck(owner, containers)))),
    await subnetCheck(engine.ok),
    ...(await packageServerChecks(!made.unpacked)),
    await modulesCheck(folders, compiled),
    await overlayCheck(engine.ok),
    await cgroupCheck(),
    await packetFilterCheck(),
    await watchCheck(),
  ]
}

/**
 * Finds before `up` begins what would make it fail minutes later. Asks nothing when the lab runs already.
 *
 * @throws UserError MACHINE_NOT_READY with all that is in the way
 */
export async function requireRoom(
  folders: LabFolders,
  owners: readonly PortOwner[] = portOwners(),
): Promise<void> {
  const engineAnswers = (await askEngine()).kind === 'answers'
  const containers = engineAnswers ? await labContainers() : new Map<string, LabContainer>()
  if (nodePlans().every(({ container }) => containers.get(container)?.running)) return
  const checks = await Promise.all([
    madeSoFar(folders, engineAnswers).then(made => diskCheck(folders, made)),
    ...owners.map(owner => portCheck(owner, containers)),
  ])
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  throw new UserError(
    'MACHINE_NOT_READY',
    `Cannot bring up the lab: ${failed.map(({ check, detail }) => `${check}: ${detail}`).join('; ')}`,
    [...new Set(failed.map(({ hint }) => hint))].join('\n'),
  )
}

/** How far a start has come on this machine, whatever became of it. */
export type MadeSoFar = {
  /** All Go programs are there. */
  readonly compiled: boolean
  /** Share of the images that are built, 0 to 1. */
  readonly built: number
  /** All images were unpacked for the nodes once. */
  readonly unpacked: boolean
}

/** Room that a start still needs, GiB. What earlier ones made is not made again. */
export function neededDiskGib({ compiled, built, unpacked }: MadeSoFar): number {
  const { go, layers, store, running } = DISK_GIB
  return running + (compiled ? 0 : go) + layers * (1 - built) + (unpacked ? 0 : store)
}

async function madeSoFar(folders: LabFolders, engineAnswers: boolean): Promise<MadeSoFar> {
  const compiled = await isCompiled(folders)
  if (!engineAnswers) return { compiled, built: 0, unpacked: false }
  const format = '{{.Repository}}:{{.Tag}}'
  const listing = await tryRun('docker', ['images', '--format', format, 'divergence/*'])
  const tags = (listing ?? '').split('\n')
  const foundation = tags.find(tag => tag.startsWith('divergence/node-foundation:'))
  const built = IMAGES.filter(name => tags.some(tag => tag.startsWith(`divergence/${name}:`)))
  return { compiled, built: built.length / IMAGES.length, unpacked: await hasDeployedImages(foundation) }
}

async function engineCheck(): Promise<Check> {
  const check = 'Docker engine'
  const answer = await askEngine()
  if (answer.kind === 'answers') return { check, ok: true, detail: `version ${answer.version}`, hint: '' }
  const hints = {
    forbidden: 'Run: sudo usermod -aG docker "$USER", and log in again.',
    silent: 'Start it: sudo systemctl start docker. As root, `up` starts it by itself.',
    'no client':
      'Install it: sudo apt-get install docker.io. As root on Debian or Ubuntu, `up` installs it by itself.',
  }
  return { check, ok: false, detail: answer.detail, hint: hints[answer.kind] }
}

const NOTHING_TO_COMPILE = 'not needed: all programs are compiled already'

async function goCheck(compiled: boolean): Promise<Check> {
  const check = 'Go'
  const version = await goVersion()
  if (version && goIsNewEnough(version)) return { check, ok: true, detail: version, hint: '' }
  const hint =
    'Install it: sudo apt-get install golang-go on Debian 13 or Ubuntu 24.04 and later, else https://go.dev/dl/.'
  if (compiled) return { check, ok: true, detail: NOTHING_TO_COMPILE, hint: '' }
  return { check, ok: false, detail: version ? `${version} is too old` : 'no go command', hint }
}

async function diskCheck(folders: LabFolders, made: MadeSoFar): Promise<Check> {
  const root = (await tryRun('docker', ['info', '--format', '{{.DockerRootDir}}'])) || '/var/lib'
  const needed = neededDiskGib(made)
  const cache = await nearestFolder(folders.cache)
  const free = await Promise.all([...new Set([root, cache])].map(freeGib))
  const least = Math.min(...free)
  return {
    check: 'free disk',
    ok: least >= needed,
    detail: `${least.toFixed(1)} GiB, ${needed.toFixed(1)} needed (${root}, ${cache})`,
    hint: 'Make room: docker system prune removes what no container uses.',
  }
}

async function freeGib(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(await nearestFolder(folder))
  return (bavail * bsize) / GIB
}

/** The folder itself, or the nearest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  return (await exists(folder)) ? folder : nearestFolder(join(folder, '..'))
}

async function memoryCheck(containers: ReadonlyMap<string, LabContainer>): Promise<Check> {
  const running = [...containers.values()].filter(each => each.running).length
  const needed = running > 1 ? WARM_MEMORY_GIB : COLD_MEMORY_GIB
  const [, kib = '0'] = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile('/proc/meminfo', 'utf8')) ?? []
  const available = (Number(kib) * 1024) / GIB
  return {
    check: 'free memory',
    ok: available >= needed,
    detail: `${available.toFixed(1)} GiB, ${needed} needed${running > 1 ? ' beside what runs' : ''}`,
    hint: 'End other programs; the lab does not fit beside them.',
  }
}

type PortOwner = { readonly port: number; readonly container: string }

export function portOwners(): readonly PortOwner[] {
  const forwarded = nodePlans().flatMap(({ container, forwardedPorts }) =>
    forwardedPorts.map(port => ({ port, container })),
  )
  return [
    { port: HOST_PORTS.api, container: CONTROL_PLANE.container },
    { port: HOST_PORTS.registry, container: REGISTRY.container },
    ...forwarded,
  ]
}

export async function portCheck(
  { port, container }: PortOwner,
  containers: ReadonlyMap<string, LabContainer>,
): Promise<Check> {
  const check = `port ${port} of 127.0.0.1`
  const hint = `Find who listens: ss -ltnp | grep ${port}`
  const owner = containers.get(container)
  // One from before this port was added does not have it yet.
  if (owner?.running && owner.ports.includes(port))
    return { check, ok: true, detail: `ours (${container})`, hint: '' }
  const free = await canListen(port)
  return { check, ok: free, detail: free ? 'free' : 'something else listens', hint: free ? '' : hint }
}

function canListen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}

async function subnetCheck(engineAnswers: boolean): Promise<Check> {
  const check = `addresses ${NETWORK.subnet}`
  const ours = engineAnswers && (await tryRun('docker', ['network', 'inspect', NETWORK.name])) !== undefined
  if (ours) return { check, ok: true, detail: 'ours', hint: '' }
  const prefix = NETWORK.subnet.split('.').slice(0, 3).join('.')
  const taken = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address.startsWith(`${prefix}.`)),
  )
  const detail = taken ? `interface ${taken[0]} has one of them` : 'free'
  return {
    check,
    ok: !taken,
    detail,
    hint: 'See `docker network ls` and `ip address`, and remove what has them.',
  }
}

async function modulesCheck(folders: LabFolders, compiled: boolean): Promise<Check> {
  const check = 'Go modules'
  if (compiled) return { check, ok: true, detail: NOTHING_TO_COMPILE, hint: '' }
  const options = { folder: tmpdir(), environment: goEnvironment(folders), timeoutMs: ASK_LIMIT_MS }
  const ok = (await tryRun('go', ['list', '-m', 'go.etcd.io/bbolt@v1.4.2'], options)) !== undefined
  const hint =
    'The first start fetches Go modules: set GOPROXY to a proxy that can be reached (go env GOPROXY).'
  return { check, ok, detail: ok ? 'reachable' : 'not reachable', hint }
}

async function overlayCheck(engineAnswers: boolean): Promise<Check> {
  const known = (await readFile('/proc/filesystems', 'utf8')).includes('\toverlay\n')
  const driver = engineAnswers ? await tryRun('docker', ['info', '--format', '{{.Driver}}']) : undefined
  const ok = known || driver?.startsWith('overlay') === true
  const detail = ok ? 'known to the kernel' : 'unknown to the kernel'
  return { check: 'overlay file system', ok, detail, hint: 'Load it: sudo modprobe overlay' }
}

async function cgroupCheck(): Promise<Check> {
  const check = 'control groups'
  const unified = await readFile('/sys/fs/cgroup/cgroup.controllers', 'utf8').catch(() => undefined)
  const present = unified?.trim().split(' ') ?? (await firstVersionControllers())
  const missing = ['cpu', 'memory', 'pids'].filter(each => !present.includes(each))
  const version = unified === undefined ? 'version 1' : 'version 2'
  return {
    check,
    ok: missing.length === 0,
    detail: missing.length === 0 ? version : `${version}, without ${missing.join(', ')}`,
    hint: 'The kernel must have these controllers, and not have them switched off at boot (cgroup_disable=).',
  }
}

async function firstVersionControllers(): Promise<string[]> {
  const names = ['cpu', 'memory', 'pids']
  const there = await Promise.all(names.map(name => exists(`/sys/fs/cgroup/${name}`)))
  return names.filter((_, index) => there[index])
}

async function packetFilterCheck(): Promise<Check> {
  const traces = ['/proc/sys/net/netfilter', '/proc/net/ip_tables_names', '/proc/net/netfilter']
  const ok = (await Promise.all(traces.map(exists))).some(Boolean)
  return {
    check: 'packet filter',
    ok,
    detail: ok ? 'netfilter is in the kernel' : 'no netfilter in the kernel',
    hint: 'Load it: sudo modprobe nf_tables nf_conntrack',
  }
}

async function watchCheck(): Promise<Check> {
  const limit = Number(await readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8'))
  return {
    check: 'file watchers (inotify instances)',
    ok: limit >= INOTIFY_INSTANCES,
    detail: `${limit} a user, ${INOTIFY_INSTANCES} needed`,
    hint: `Allow more: sudo sysctl fs.inotify.max_user_instances=${4 * INOTIFY_INSTANCES}`,
  }
}

async function isCompiled(folders: LabFolders): Promise<boolean> {
  const paths = await Promise.all([
    ...(['kube', 'pause'] as const).map(name => programPath(name, folders)),
    ...GO_PROGRAMS.map(async name => (await goExecutable(name, folders)).executable),
  ])
  return (await Promise.all(paths.map(exists))).every(Boolean)
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
