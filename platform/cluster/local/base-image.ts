import { createHash } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import { docker, imageExists, LAB_LABEL } from './docker.ts'
import { ensureEngine, hasCommand, installPackages } from './engine.ts'
import { type LabFolders, labFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { run, tryRun } from './shell.ts'

const SUITE = 'bookworm'

/** Nothing here reads manual pages; copyright files stay. */
const LEFT_OUT = [
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
]

const RECIPE_HASH = createHash('sha256')
  .update(JSON.stringify([SUITE, LEFT_OUT]))
  .digest('hex')
  .slice(0, 12)
/** Base images of all recipes; the label of the lab is not on one that was pulled. */
export const BASE_REPOSITORY = 'divergence/debian'
const TAG = `${BASE_REPOSITORY}:${RECIPE_HASH}`

/**
 * The Debian image under everything the lab builds, as the archive's packages make it: nothing of this machine is in it,
 * and so nothing of it in any layer of an image that leaves the machine. Pulled where a container registry answers, else
 * made from the package archive alone.
 *
 * @returns its local docker tag, `divergence/debian:HASH`
 */
export async function ensureBaseImage(
  progress: Progress,
  signal: AbortSignal,
  folders: LabFolders = labFolders(),
): Promise<string> {
  await ensureEngine(folders, progress, signal)
  if (await imageExists(TAG, signal)) return TAG
  const waiting = () => progress('waiting for another process that makes the base image')
  await underLock(join(folders.cache, 'base-image.lock'), waiting, signal, async () => {
    if (!(await imageExists(TAG, signal))) await makeBaseImage(folders, progress, signal)
  })
  return TAG
}

async function makeBaseImage(folders: LabFolders, progress: Progress, signal: AbortSignal): Promise<void> {
  const official = `debian:${SUITE}-slim`
  const known = await imageExists(official, signal)
  progress(`pulling ${official}`)
  if ((await tryRun('docker', ['pull', '--quiet', official], { signal, timeoutMs: 60_000 })) !== undefined) {
    await docker(['tag', official, TAG], { signal })
    // Under our name alone it goes with the lab; what was there before is not ours.
    if (!known) await tryRun('docker', ['rmi', '--no-prune', official], { signal })
    return
  }
  const archive = join(folders.cache, `debian-${RECIPE_HASH}.tar`)
  if (!(await stat(archive).catch(() => undefined))) await makeRootArchive(archive, progress, signal)
  progress('importing the base image')
  await docker(['import', '--change', `LABEL ${LAB_LABEL}`, '--change', 'CMD ["bash"]', archive, TAG], {
    signal,
  })
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
