import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { UserError } from '../../errors.ts'
import { type Corpus, corpusName } from '../../manifests/input.ts'
import type { Progress } from '../cluster.ts'
import { docker, LAB_LABEL } from './docker.ts'

/** Volume that every node mounts at /store; corpora stand in its folder `corpus`. */
const STORE = 'divergence-store'

/** Debian's path of the real MIDI files inside the image `ingest`. */
const OPENMSX = '/usr/share/games/openttd/baseset/openmsx'

/** Larger files are no music: the reader refuses them anyway. */
const FILE_LIMIT_BYTES = 16 * 1024 * 1024

/** Sizes of the generated corpus around the real files. */
export const CORPUS_SIZES = ['small', 'full'] as const
export type CorpusSize = (typeof CORPUS_SIZES)[number]

const SEED = 1

/**
 * Puts the real OpenMSX files and a generated corpus around them into the store, once.
 *
 * @param image local docker tag of the image `ingest`
 */
export async function ensureGeneratedCorpus(
  size: CorpusSize,
  image: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Corpus> {
  const contentHash = createHash('sha256')
    .update(JSON.stringify([size, SEED, image]))
    .digest('hex')
    .slice(0, 16)
  const name = corpusName(`openmsx-${size}-${contentHash.slice(0, 8)}`)
  progress(`generating the corpus '${size}'`)
  // Written beside its place and then renamed: a folder that is there is whole.
  const script = `set -e
    [ ! -d "/store/corpus/$NAME" ] || exit 0
    mkdir -p /store/corpus; rm -rf "/store/corpus/.$NAME"
    python3 -m pipeline.corpus --size "$SIZE" --seed "$SEED" --out "/store/corpus/.$NAME" --with-openmsx "${OPENMSX}"
    chmod -R a+rX "/store/corpus/.$NAME"; mv "/store/corpus/.$NAME" "/store/corpus/$NAME"`
  const variables = { NAME: name, SIZE: size, SEED: String(SEED) }
  await ensureStore(signal)
  await docker(storeArguments(image, script, variables), { signal })
  return { name, contentHash }
}

/**
 * Copies a person's folder of MIDI files (`*.mid`, `*.midi`, in all its subfolders) into the store.
 *
 * @throws UserError when it is no folder, or holds no MIDI file
 */
export async function ensureOwnCorpus(
  folder: string,
  image: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Corpus> {
  const files = await midiFiles(folder)
  progress(`reading ${files.length} files`)
  const hash = createHash('sha256')
  for (const file of files) {
    signal.throwIfAborted()
    hash.update(`${file}\0`)
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer)
  }
  const contentHash = hash.digest('hex').slice(0, 16)
  const name = `${corpusName(basename(folder)).slice(0, 20)}-${contentHash.slice(0, 8)}`
  progress(`copying ${files.length} files`)
  const script = `set -e
    mkdir -p /store/corpus; rm -rf "/store/corpus/.$NAME"; mkdir "/store/corpus/.$NAME"
    tar -xf - -C "/store/corpus/.$NAME" --no-same-owner
    chmod -R a+rX "/store/corpus/.$NAME"; rm -rf "/store/corpus/$NAME"; mv "/store/corpus/.$NAME" "/store/corpus/$NAME"`
  await ensureStore(signal)
  // The pipe is laid before either program writes: an archive whose beginning is lost is no archive.
  await execa('tar', ['-C', folder, '-cf', '-', '--null', '--files-from=-'], {
    input: files.map(file => `./${file}\0`).join(''),
    buffer: false,
    cancelSignal: signal,
  }).pipe('docker', storeArguments(image, script, { NAME: name }), { cancelSignal: signal })
  return { name, contentHash }
}

/** Paths of the MIDI files below `folder`, relative to it, sorted. */
async function midiFiles(folder: string): Promise<string[]> {
  const about = await stat(folder).catch(() => undefined)
  if (!about?.isDirectory()) {
    throw new UserError(
      'NO_FOLDER',
      `Cannot ingest '${folder}': it is not a folder`,
      'Name a folder that holds .mid files.',
    )
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile() && /\.midi?$/i.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
  const sizes = await Promise.all(paths.map(async path => (await stat(path)).size))
  const fitting = paths.filter((_, index) => (sizes[index] ?? 0) <= FILE_LIMIT_BYTES)
  if (fitting.length === 0) {
    throw new UserError(
      'NO_MIDI_FILES',
      `Cannot ingest '${folder}': none of its ${entries.length} entries is a .mid or .midi file of at most ${FILE_LIMIT_BYTES / 1024 / 1024} MiB`,
      'Name a folder that holds .mid files.',
    )
  }
  return fitting.map(path => path.slice(folder.replace(/\/+$/, '').length + 1)).sort()
}

/** Arguments of `docker` to run a shell script in `image` as root, for the volume's root belongs to root, without network. */
function storeArguments(
  image: string,
  script: string,
  variables: Readonly<Record<string, string>>,
): string[] {
  return [
    'run',
    '--rm',
    '--interactive',
    '--network=none',
    '--user=0',
    `--label=${LAB_LABEL}`,
    `--volume=${STORE}:/store`,
    ...Object.entries(variables).map(([key, value]) => `--env=${key}=${value}`),
    '--entrypoint=/bin/sh',
    image,
    '-c',
    script,
  ]
}

async function ensureStore(signal: AbortSignal): Promise<void> {
  await docker(['volume', 'create', `--label=${LAB_LABEL}`, STORE], { signal })
}
