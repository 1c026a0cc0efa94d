import type { ApiServer } from './api-server.ts'
import type { Progress } from './cluster/cluster.ts'
import { UserError } from './errors.ts'
import type { BuiltImages } from './images/build.ts'
import type { LabRecord } from './lab.ts'
import type { Corpus } from './manifests/input.ts'
import { grantKeys, type ObjectStoreKeys, revokeKeys } from './object-store.ts'
import type { Steps } from './steps.ts'

/** A lab that is up and is to hold other songs. */
export type IngestLab = {
  readonly record: LabRecord
  /** Makes the cluster hold what the record says; resolves once both groups have loaded its corpus. */
  readonly deploy: (record: LabRecord, progress: Progress, signal: AbortSignal) => Promise<unknown>
  /** Replaces the record of the lab. */
  readonly write: (record: LabRecord) => Promise<void>
}

export type StoreLab = IngestLab & {
  /** Without a signal, for what has to be done after an interruption as well. */
  readonly api: (signal?: AbortSignal) => Pick<ApiServer, 'apply' | 'remove'>
}

export type FolderLab = IngestLab & {
  /** Builds the images that are missing. */
  readonly images: (progress: Progress, signal: AbortSignal) => Promise<BuiltImages>
  /** Brings the files of a folder of this machine, read by the image, to where the nodes find them. */
  readonly corpus: (folder: string, image: string, progress: Progress, signal: AbortSignal) => Promise<Corpus>
}

/** Local tag of the image that reads songs. */
export function ingestImage(built: BuiltImages): string {
  const tag = built.local.ingest
  if (tag === undefined)
    throw new Error(`Cannot find the image 'ingest' among ${Object.keys(built.local).join(', ')}`)
  return tag
}

/**
 * Loads a folder of an object store into both groups. Keys are in the cluster only meanwhile, whatever becomes of it.
 *
 * @throws whatever `deploy` throws; the record is as it was
 */
export async function ingestStore(
  { corpus, keys }: { readonly corpus: Corpus; readonly keys: ObjectStoreKeys | undefined },
  { record, deploy, write, api }: StoreLab,
  steps: Steps,
): Promise<Corpus> {
  const { signal } = steps
  steps.add('ingest', [], async progress => {
    const next = { ...record, corpus }
    try {
      if (keys) await grantKeys(api(signal), keys)
      await deploy(next, progress, signal)
    } finally {
      if (keys) await revokeKeys(api())
    }
    await write(next)
  })
  await steps.run()
  return corpus
}

/**
 * Loads a folder of this machine into both groups.
 *
 * @throws UserError NO_SHARED_FOLDER when the nodes are not on this machine
 */
export async function ingestFolder(folder: string, lab: FolderLab, steps: Steps): Promise<Corpus> {
  const { record, deploy, write } = lab
  if (record.facts.kind !== 'local') {
    throw new UserError(
      'NO_SHARED_FOLDER',
      `Cannot ingest '${folder}' in context '${record.access.context}': its nodes do not see this machine's folders`,
      'Put the files into an object store the cluster reaches and name s3a://BUCKET/FOLDER.',
    )
  }
  const { signal } = steps
  const built = steps.add('images', [], progress => lab.images(progress, signal))
  const corpus = steps.add('corpus', [built], async progress =>
    lab.corpus(folder, ingestImage(await built), progress, signal),
  )
  steps.add('ingest', [corpus], async progress => {
    const next = { ...record, corpus: await corpus }
    await deploy(next, progress, signal)
    await write(next)
  })
  await steps.run()
  return await corpus
}
