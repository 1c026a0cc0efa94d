import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import { buildImage, docker, imageExists, LAB_LABEL } from './docker.ts'
import { ensureEngine, hasCommand, installPackages } from './engine.ts'
import { type LabFolders, labFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { run, tryRun } from './shell.ts'

const SUITE = 'bookworm'

/** Where Linux systems keep certificate authorities that their owner added. */
const ADDED_AUTHORITIES = [
  '/usr/local/share/ca-certificates',
  '/etc/pki/ca-trust/source/anchors',
  '/etc/ca-certificates/trust-source/anchors',
]

/** Nothing here reads manual pages; copyright files stay. */
const LEFT_OUT = [
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
]

const ROOT_RECIPE = JSON.stringify([SUITE, LEFT_OUT, 1])

/** The authorities go to where `update-ca-certificates` looks; images for elsewhere can delete them from there. */
const DOCKERFILE = `ARG ROOT
FROM $ROOT
COPY authorities/ /usr/local/share/ca-certificates/
RUN if [ ! -x /usr/sbin/update-ca-certificates ]; then \\
      apt-get update -qq && \\
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates && \\
      rm -rf /var/lib/apt/lists/*; \\
    fi && update-ca-certificates
`

/**
 * The Debian image under everything the lab builds: the suite's minimal packages and certificates, with the
 * certificate authorities that this machine's owner added, so that builds can fetch what the machine can.
 *
 * @returns its local docker tag, `divergence/base:HASH`
 */
export async function ensureBaseImage(
  progress: Progress,
  signal: AbortSignal,
  folders: LabFolders = labFolders(),
): Promise<string> {
  await ensureEngine(folders, progress, signal)
  const authorities = await addedAuthorities()
  const tag = `divergence/base:${hashOf([ROOT_RECIPE, DOCKERFILE, ...authorities])}`
  if (await imageExists(tag, signal)) return tag
  const waiting = () => progress('waiting for another process that makes the base image')
  await underLock(join(folders.cache, 'base-image.lock'), waiting, signal, async () => {
    if (await imageExists(tag, signal)) return
    const root = await ensureRootImage(folders, progress, signal)
    const files = authorities.map((text, index) => ({ path: `authorities/machine-${index}.crt`, text }))
    // A folder without files would be missing from the build's context.
    const placeholder = {
      path: 'authorities/README',
      text: 'Certificate authorities of the building machine.\n',
    }
    const request = { tag, dockerfile: DOCKERFILE, files: [placeholder, ...files] }
    await buildImage({ ...request, buildArguments: { ROOT: root } }, progress, signal)
  })
  return tag
}

/** PEM texts of the authorities that this machine's owner added, in a stable order, each once. */
export async function addedAuthorities(folders: readonly string[] = ADDED_AUTHORITIES): Promise<string[]> {
  const texts = new Set<string>()
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true }).catch(() => [])
    for (const name of names.filter(each => /\.(crt|pem)$/.test(each)).sort()) {
      const text = await readFile(join(folder, name), 'utf8')
      if (text.includes('BEGIN CERTIFICATE')) texts.add(text)
    }
  }
  return [...texts].sort()
}

/** Pulled where a container registry answers, else made from the package archive alone. */
async function ensureRootImage(
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const tag = `divergence/debian:${hashOf([ROOT_RECIPE])}`
  if (await imageExists(tag, signal)) return tag
  const official = `debian:${SUITE}-slim`
  progress(`pulling ${official}`)
  if ((await tryRun('docker', ['pull', '--quiet', official], { signal, timeoutMs: 60_000 })) !== undefined) {
    await docker(['tag', official, tag], { signal })
    return tag
  }
  const archive = join(folders.cache, `debian-${hashOf([ROOT_RECIPE])}.tar`)
  if (!(await stat(archive).catch(() => undefined))) await makeRootArchive(archive, progress, signal)
  progress('importing the base image')
  await docker(['import', '--change', `LABEL ${LAB_LABEL}`, '--change', 'CMD ["bash"]', archive, tag], {
    signal,
  })
  return tag
}

async function makeRootArchive(archive: string, progress: Progress, signal: AbortSignal): Promise<void> {
  if (!(await hasCommand('mmdebstrap'))) {
    const otherwise = new UserError(
      'NO_MMDEBSTRAP',
      'Cannot make the base image: no container registry answers, and mmdebstrap is not installed',
      'Install it (sudo apt-get install mmdebstrap debian-archive-keyring), or make a container registry reachable for docker pull.',
    )
    await installPackages(['mmdebstrap', 'debian-archive-keyring'], otherwise, progress, signal)
  }
  progress(`no container registry answers: making Debian ${SUITE} from its packages`)
  await mkdir(dirname(archive), { recursive: true })
  const unfinished = `${archive}.unfinished.tar`
  await rm(unfinished, { force: true })
  await run(
    'mmdebstrap',
    [
      '--variant=minbase',
      '--include=ca-certificates',
      ...LEFT_OUT.map(each => `--dpkgopt=${each}`),
      SUITE,
      unfinished,
    ],
    { signal, hint: 'Debian packages must be reachable from here: see the lines above for what was not.' },
  )
  await rename(unfinished, archive)
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
