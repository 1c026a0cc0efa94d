import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KubeconfigApiServer } from './api-server.ts'
import { type ApplySummary, applyAll, removeAll } from './apply.ts'
import type { Cluster, ClusterAccess, ClusterFacts, ImageReferences, Progress } from './cluster/cluster.ts'
import { type LockHolder, underLock } from './cluster/local/lock.ts'
import { UserError } from './errors.ts'
import type { BuiltImages } from './images/build.ts'
import type { Corpus, Observability, RenderInput } from './manifests/input.ts'
import { renderStages } from './manifests/manifests.ts'
import { KubeconfigPodPrograms } from './pod-programs.ts'
import { reloadChanged } from './reload.ts'
import type { Steps } from './steps.ts'
import { IMAGES, TOPOLOGY } from './topology.ts'
import { REAL_CLOCK } from './wait.ts'

/** What `up` made, on disk for the commands that come after it. */
export type LabRecord = {
  readonly access: ClusterAccess
  readonly facts: ClusterFacts
  readonly images: ImageReferences
  readonly observability: Observability
  /** null: the groups were deployed empty. */
  readonly corpus: Corpus | null
}

export type BringUp = {
  readonly cluster: Cluster
  /** Builds what is missing and pushes it to the registry the promise names. */
  readonly images: (
    registry: Promise<string>,
    progress: Progress,
    signal: AbortSignal,
  ) => Promise<BuiltImages>
  /** Brings the corpus to where the nodes find it; null for none. */
  readonly corpus: (images: BuiltImages, progress: Progress, signal: AbortSignal) => Promise<Corpus | null>
  readonly observability: Observability
  readonly recordPath: string
}

/**
 * Does `work`, which changes a lab, while no other process changes the same lab: two of them would push, tag, deploy and
 * write down different things.
 *
 * @param recordPath stands for the lab
 */
export function changeLab<T>(
  recordPath: string,
  progress: Progress,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const waiting = (holder: LockHolder | undefined) =>
    progress(
      holder
        ? `waiting for process ${holder.pid}, which has been changing the lab since ${holder.since}`
        : 'waiting for another process that changes the lab',
    )
  return underLock(`${recordPath}.lock`, waiting, signal, work)
}

/**
 * From whatever stands to both groups serving data. The slow parts overlap: images are built while Kubernetes is
 * compiled, nodes start when the images are unpacked.
 *
 *   images -> publish -> cluster -> deploy
 *        \--> corpus -----------------/
 */
export async function bringUp(
  { cluster, images, corpus, observability, recordPath }: BringUp,
  steps: Steps,
): Promise<LabRecord> {
  const { signal } = steps
  const registry = steps.add('registry', [], progress => cluster.registry(progress, signal))
  const built = steps.add('images', [], progress => images(registry, progress, signal))
  const published = steps.add('publish', [built], async progress =>
    cluster.publish((await built).pushed, progress, signal),
  )
  const access = steps.add('cluster', [], progress => cluster.up(progress, signal, published))
  const loaded = steps.add('corpus', [built], async progress => corpus(await built, progress, signal))
  const deployed = steps.add('deploy', [access, published, loaded], async progress => {
    const record = {
      access: await access,
      facts: cluster.facts,
      images: await published,
      observability,
      corpus: await loaded,
    }
    const summary = await deploy(record, progress, signal)
    await writeRecord(recordPath, record)
    progress(summary.changed.length === 0 ? 'nothing to change' : `${summary.changed.length} objects changed`)
    return record
  })
  await steps.run()
  return deployed
}

export type BringDown = {
  readonly cluster: Cluster
  /** Nodes that somebody else runs keep running: the lab's objects are removed from them. */
  readonly isShared: boolean
  /** What was kept for a quicker next start goes as well. */
  readonly caches: boolean
  /** Files of this lab alone: what was written down about it. */
  readonly files: readonly string[]
}

/** Removes all that `bringUp` made, finished or not. */
export async function bringDown(
  { cluster, isShared, caches, files }: BringDown,
  steps: Steps,
): Promise<void> {
  const { signal } = steps
  steps.add('down', [], async progress => {
    if (isShared) {
      const access = await cluster.up(progress, signal)
      await removeAll(new KubeconfigApiServer(access, signal), progress, signal)
    }
    await cluster.down({ caches }, progress)
    for (const file of files) await rm(file, { force: true })
  })
  await steps.run()
}

/** Makes the cluster hold what the record says, and what watches it go by its rules. */
export async function deploy(
  record: LabRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<ApplySummary> {
  const api = new KubeconfigApiServer(record.access, signal)
  const stages = renderStages(renderInput(record))
  const summary = await applyAll(api, stages, progress, signal)
  const programs = new KubeconfigPodPrograms(record.access, signal)
  const objects = stages.flatMap(stage => stage.objects)
  await reloadChanged(api, objects, { programs, progress, signal, clock: REAL_CLOCK })
  return summary
}

/** What `up` would deploy, as far as that is known before it has built images and songs: those have a name only. */
export function unbuiltLab(facts: ClusterFacts, observability: Observability): Omit<LabRecord, 'access'> {
  const images = Object.fromEntries(IMAGES.map(name => [name, `${name}:unbuilt`]))
  const corpus = facts.kind === 'local' ? { name: 'unbuilt', contentHash: 'unbuilt' } : null
  return { facts, images, observability, corpus }
}

export function renderInput({
  facts,
  images,
  observability,
  corpus,
}: Omit<LabRecord, 'access'>): RenderInput {
  return { topology: TOPOLOGY, facts, images, observability, ...(corpus ? { corpus } : {}) }
}

/** Where the record of a lab is kept; each kube context has its own. */
export function recordPath(stateFolder: string, context: string | undefined): string {
  return join(stateFolder, `lab${suffixOf(context)}.json`)
}

/** Where is kept what a lab was like before its last run. */
export function baselinePath(stateFolder: string, context: string | undefined): string {
  return join(stateFolder, `baseline${suffixOf(context)}.json`)
}

function suffixOf(context: string | undefined): string {
  return context === undefined ? '' : `-${encodeURIComponent(context)}`
}

/** Replaces the record as a whole: a process that is killed meanwhile leaves the old one. */
export async function writeRecord(path: string, record: LabRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** @throws UserError when no `up` has finished yet, or what it wrote down cannot be read */
export async function readRecord(path: string): Promise<LabRecord> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LabRecord
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UserError(
      isMissing ? 'NOT_UP' : 'RECORD_UNREADABLE',
      `Cannot reach the lab: ${isMissing ? 'it is not up' : `what 'up' wrote down in '${path}' cannot be read`}`,
      `${isMissing ? 'Bring it up' : 'Have it written anew'} with './divergence up', then try again.`,
      { cause },
    )
  }
}
