import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContextPart, textFile, withContext } from '../../images/context.ts'
import type { Progress } from '../cluster.ts'
import { ensureBaseImage } from './base-image.ts'
import { ensureProgram, type ProgramName, programHash } from './binaries.ts'
import { buildImage, docker, imageExists, LAB_LABEL } from './docker.ts'
import type { LabFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { HOST_PORTS, REGISTRY } from './plan.ts'
import { tryRun } from './shell.ts'

const NODE_FOLDER = join(import.meta.dirname, 'node')

/** Where nodes find the registry; by address, so that pulling needs no name server. */
const HOSTS = `server = "http://${REGISTRY.address}:${REGISTRY.port}"
[host."http://${REGISTRY.address}:${REGISTRY.port}"]
  capabilities = ["pull", "resolve"]
`

/** Programs under the name of each thing that Kubernetes calls by its own name. */
const KUBE_NAMES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
]

const KUBE_DOCKERFILE = 'FROM scratch\nCOPY program /kube\nUSER 65532:65532\nENTRYPOINT ["/kube"]\n'
const PAUSE_DOCKERFILE = 'FROM scratch\nCOPY program /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n'
const NODE_DOCKERFILE = `ARG FOUNDATION
ARG KUBE
FROM $KUBE AS kube
FROM $FOUNDATION
COPY --from=kube /kube /usr/local/bin/kube
RUN for name in ${KUBE_NAMES.join(' ')}; do ln -s kube /usr/local/bin/$name; done
`

/** An image of a single program, for pods. */
export function programImage(name: ProgramName, hash: string) {
  const path = `${name}:${hash}`
  return { pushed: `127.0.0.1:${HOST_PORTS.registry}/${path}`, pulled: `${REGISTRY.host}/${path}` } as const
}

export async function ensureProgramImage(
  name: ProgramName,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const dockerfile = name === 'kube' ? KUBE_DOCKERFILE : PAUSE_DOCKERFILE
  const tag = programImage(name, await programHash(name)).pushed
  if (await imageExists(tag, signal)) return tag
  const program = await ensureProgram(name, folders, progress, signal)
  const part = { path: 'program', executable: true, identity: tag, content: async () => ({ file: program }) }
  await build({ tag, dockerfile, parts: [part], buildArguments: {} }, progress, signal)
  return tag
}

/** Everything a node has but Kubernetes; the registry and the unpacking of images need no more. */
export async function ensureFoundationImage(
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const base = await ensureBaseImage(progress, signal, folders)
  const names = (await readdir(NODE_FOLDER)).filter(name => name !== 'Dockerfile').sort()
  const dockerfile = await readFile(join(NODE_FOLDER, 'Dockerfile'), 'utf8')
  const contents = await Promise.all(names.map(name => readFile(join(NODE_FOLDER, name), 'utf8')))
  const tag = `divergence/node-foundation:${hashOf([base, dockerfile, HOSTS, ...names, ...contents])}`
  if (await imageExists(tag, signal)) return tag
  const waiting = () => progress("waiting for another process that makes the nodes' image")
  await underLock(join(folders.cache, 'node-foundation.lock'), waiting, signal, async () => {
    if (await imageExists(tag, signal)) return
    const files = names.map((name, index) => ({
      ...textFile(name, contents[index] ?? ''),
      executable: name.endsWith('.sh'),
    }))
    const parts = [...files, textFile('hosts.toml', HOSTS)]
    await build({ tag, dockerfile, parts, buildArguments: { BASE: base } }, progress, signal)
  })
  return tag
}

/** The image of control plane and nodes. */
export async function ensureNodeImage(
  foundation: string,
  kube: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const tag = nodeImageTag(foundation, kube)
  if (await imageExists(tag, signal)) return tag
  const buildArguments = { FOUNDATION: foundation, KUBE: kube }
  await build({ tag, dockerfile: NODE_DOCKERFILE, parts: [], buildArguments }, progress, signal)
  return tag
}

type NodeBuild = {
  readonly tag: string
  readonly dockerfile: string
  readonly parts: readonly ContextPart[]
  readonly buildArguments: Readonly<Record<string, string>>
}

async function build(
  { tag, dockerfile, parts, buildArguments }: NodeBuild,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const say = (message: string) => progress(`${tag}: ${message}`)
  await withContext(
    tmpdir(),
    [textFile('Dockerfile', dockerfile), ...parts],
    { progress: say, signal },
    folder => buildImage({ tag, folder, buildArguments }, say, signal),
  )
}

/** Removes images of the cluster that an earlier version was made from; what a container still uses stays. */
export async function removeOldImages(current: readonly string[], signal: AbortSignal): Promise<void> {
  const format = '{{.Repository}}:{{.Tag}}'
  const all = await docker(['images', '--format', format, `--filter=label=${LAB_LABEL}`], { signal })
  const repositories = new Set(current.map(repositoryOf))
  const old = all.split('\n').filter(tag => repositories.has(repositoryOf(tag)) && !current.includes(tag))
  for (const tag of old) await tryRun('docker', ['rmi', tag], { signal })
}

function repositoryOf(tag: string): string {
  return tag.slice(0, tag.lastIndexOf(':'))
}

export function nodeImageTag(foundation: string, kube: string): string {
  return `divergence/node:${hashOf([foundation, kube, NODE_DOCKERFILE])}`
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
