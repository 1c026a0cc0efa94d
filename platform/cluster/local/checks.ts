import { access, readFile, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { goEnvironment, goIsNewEnough, goVersion, programHash } from './binaries.ts'
import { type LabContainer, labContainers } from './containers.ts'
import { askEngine } from './engine.ts'
import { type LabFolders, labFolders } from './folders.ts'
import { CONTROL_PLANE, HOST_PORTS, NETWORK, nodePlans, REGISTRY, STORE_VOLUME } from './plan.ts'
import { tryRun } from './shell.ts'

export type Check = {
  readonly check: string
  readonly ok: boolean
  /** What was found. */
  readonly detail: string
  /** What to do when it is not ok. */
  readonly hint: string
}

const GIB = 1024 ** 3
/** From an empty cache: Go's caches, each image as layers, in the registry and unpacked for the nodes. */
const COLD_DISK_GIB = 15
const WARM_DISK_GIB = 3
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
  const warm = engine.ok && (await hasVolume())
  const compiled = await isCompiled(folders)
  return [
    engine,
    await goCheck(compiled),
    await diskCheck(folders, warm),
    await memoryCheck(containers),
    ...(await Promise.all(portOwners().map(owner => portCheck(owner, containers)))),
    await subnetCheck(engine.ok),
    await packagesCheck(warm),
    await modulesCheck(folders, compiled),
    await overlayCheck(engine.ok),
    await cgroupCheck(),
    await packetFilterCheck(),
    await watchCheck(),
  ]
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

async function goCheck(compiled: boolean): Promise<Check> {
  const check = 'Go'
  const version = await goVersion()
  if (version && goIsNewEnough(version)) return { check, ok: true, detail: version, hint: '' }
  const hint =
    'Install it: sudo apt-get install golang-go on Debian 13 or Ubuntu 24.04 and later, else https://go.dev/dl/.'
  if (compiled) return { check, ok: true, detail: 'not needed: Kubernetes is compiled already', hint: '' }
  return { check, ok: false, detail: version ? `${version} is too old` : 'no go command', hint }
}

async function diskCheck(folders: LabFolders, warm: boolean): Promise<Check> {
  const root = (await tryRun('docker', ['info', '--format', '{{.DockerRootDir}}'])) || '/var/lib'
  const needed = warm ? WARM_DISK_GIB : COLD_DISK_GIB
  const cache = await nearestFolder(folders.cache)
  const free = await Promise.all([...new Set([root, cache])].map(freeGib))
  const least = Math.min(...free)
  return {
    check: 'free disk',
    ok: least >= needed,
    detail: `${least.toFixed(1)} GiB, ${needed} needed (${root}, ${cache})`,
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

async function packagesCheck(warm: boolean): Promise<Check> {
  const check = 'Debian packages'
  if (warm) return { check, ok: true, detail: 'not needed: the base image is there', hint: '' }
  const url = 'http://deb.debian.org/debian/dists/bookworm/Release'
  // apt's own tool goes the way apt goes, through whatever proxy it is told to use.
  const helper = '/usr/lib/apt/apt-helper'
  const ok = (await exists(helper))
    ? (await tryRun(helper, ['download-file', url, '/dev/null'], { timeoutMs: ASK_LIMIT_MS })) !== undefined
    : await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(ASK_LIMIT_MS) }).then(
        answer => answer.ok,
        () => false,
      )
  const hint = 'The first start fetches packages: see whether apt-get update works, and which proxy it needs.'
  return { check, ok, detail: ok ? 'reachable' : 'not reachable', hint }
}

async function modulesCheck(folders: LabFolders, compiled: boolean): Promise<Check> {
  const check = 'Go modules'
  if (compiled) return { check, ok: true, detail: 'not needed: Kubernetes is compiled already', hint: '' }
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

async function hasVolume(): Promise<boolean> {
  return (await tryRun('docker', ['volume', 'inspect', STORE_VOLUME])) !== undefined
}

async function isCompiled(folders: LabFolders): Promise<boolean> {
  return exists(join(folders.cache, 'bin', `kube-${await programHash('kube')}`))
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
