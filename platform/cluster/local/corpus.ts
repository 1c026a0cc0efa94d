import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { execa } from 'execa'
import { UserError } from '../../errors.ts'
import { type Corpus, corpusName } from '../../manifests/input.ts'
import type { Progress } from '../cluster.ts'
import { docker, LAB_LABEL } from './docker.ts'
import type { LabFolders } from './folders.ts'
import { underLock } from './lock.ts'
import { STORE_VOLUME } from './plan.ts'
import { tryRun } from './shell.ts'

/** The only container that writes corpora: one that a killed process left goes before the next begins. */
const CONTAINER = 'divergence-corpus'

/** Debian's path of the real MIDI files inside the image `ingest`. */
const OPENMSX = '/usr/share/games/openttd/baseset/openmsx'

/** Larger files are no music: the reader refuses them anyway. */
const FILE_LIMIT_MIB = 16

const MOST_SONGS = 1_000_000

const SEED = 1

/** What the generator is told: a size it knows by name, or a number of songs. */
export type CorpusSize = string

/**
 * Reads the size of the generated corpus as the command line gives it.
 *
 * @throws UserError CORPUS_SIZE
 */
export function corpusSize(text: string): CorpusSize {
  if (text === 'small' || text === 'full') return text
  if (/^[1-9]\d*$/.test(text) && Number(text) <= MOST_SONGS) return text
  throw new UserError(
    'CORPUS_SIZE',
    `Cannot generate a corpus: --corpus is '${text}'; allowed: small, full, or a number of songs from 1 to ${MOST_SONGS}`,
    'Leave it out for small, which is 1,000 songs; full is 11,133.',
  )
}

/*
 * Scripts of the container. They write beside the place and rename in the end, so a folder that is there is whole; what
 * was begun and not finished is removed by whoever comes next, who alone has the lock.
 */
const BEGIN = `set -e
  mkdir -p "$CORPORA"; rm -rf "$CORPORA"/.new-*
  new=$(mktemp -d "$CORPORA/.new-XXXXXX")`
const END = 'chmod -R a+rX "$new"; mv "$new" "$CORPORA/$NAME"'

const GENERATE = `[ ! -d "$CORPORA/$NAME" ] || exit 0
  ${BEGIN}
  python3 -m pipeline.corpus --size "$SIZE" --seed "$SEED" --out "$new" --with-openmsx "${OPENMSX}"
  ${END}`

/** An archive whose writer was killed may end between two files, which tar takes for its end: so they are counted. */
export const UNPACK = `if [ -d "$CORPORA/$NAME" ]; then cat >/dev/null; exit 0; fi
  ${BEGIN}
  tar -xf - -C "$new" --no-same-owner
  [ "$(find "$new" -type f | wc -l)" = "$COUNT" ] || { echo "the copy ended before its last file" >&2; exit 1; }
  ${END}`

/**
 * Puts the real OpenMSX files and a generated corpus around them into the store, once.
 *
 * @param image local docker tag of the image `ingest`
 */
export async function ensureGeneratedCorpus(
  size: CorpusSize,
  image: string,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<Corpus> {
  const contentHash = createHash('sha256')
    .update(JSON.stringify([size, SEED, image]))
    .digest('hex')
    .slice(0, 16)
  const name = corpusName(`openmsx-${size}-${contentHash.slice(0, 8)}`)
  await alone(folders, progress, signal, async () => {
    progress(`generating the corpus '${size}'`)
    const variables = { NAME: name, SIZE: size, SEED: String(SEED) }
    await docker(storeArguments(image, GENERATE, variables), { signal })
  })
  return { name, contentHash }
}

/** A file that was not taken, as a person would look for it. */
export type LeftOut = { readonly path: string; readonly why: string }

/**
 * Copies a person's folder of MIDI files (`*.mid`, `*.midi`, in all its subfolders) into the store.
 *
 * @returns the corpus, and which MIDI files are not in it
 * @throws UserError when it is no folder, or holds no MIDI file
 */
export async function ensureOwnCorpus(
  folder: string,
  image: string,
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly corpus: Corpus; readonly leftOut: readonly LeftOut[] }> {
  const { files, leftOut } = await midiFiles(folder)
  progress(`reading ${files.length} files`)
  const hash = createHash('sha256')
  for (const file of files) {
    signal.throwIfAborted()
    hash.update(`${file}\0`)
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer)
  }
  const contentHash = hash.digest('hex').slice(0, 16)
  const name = `${corpusName(basename(resolve(folder))).slice(0, 20)}-${contentHash.slice(0, 8)}`
  await alone(folders, progress, signal, async () => {
    progress(`copying ${files.length} files`)
    const variables = { NAME: name, COUNT: String(files.length) }
    // The pipe is laid before either program writes: an archive whose beginning is lost is no archive.
    await execa('tar', ['-C', folder, '-cf', '-', '--null', '--files-from=-'], {
      input: files.map(file => `./${file}\0`).join(''),
      buffer: false,
      cancelSignal: signal,
    }).pipe('docker', storeArguments(image, UNPACK, variables), { cancelSignal: signal })
  })
  return { corpus: { name, contentHash }, leftOut }
}

/** One line for people about what was not taken; undefined when everything was. */
export function leftOutText(leftOut: readonly LeftOut[]): string | undefined {
  if (leftOut.length === 0) return undefined
  const shown = leftOut.slice(0, 3).map(({ path, why }) => `${path} (${why})`)
  const more = leftOut.length > shown.length ? `, and ${leftOut.length - shown.length} more` : ''
  return `Left out ${leftOut.length} of the folder's MIDI files: ${shown.join(', ')}${more}.`
}

/**
 * MIDI files below `folder`: paths relative to it, sorted.
 *
 * @throws UserError when it is no folder, or holds none
 */
export async function midiFiles(
  folder: string,
): Promise<{ readonly files: readonly string[]; readonly leftOut: readonly LeftOut[] }> {
  const about = await stat(folder).catch(() => undefined)
  if (!about?.isDirectory()) {
    throw new UserError(
      'NO_FOLDER',
      `Cannot ingest '${folder}': it is not a folder`,
      'Name a folder that holds .mid files.',
    )
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files: string[] = []
  const leftOut: LeftOut[] = []
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name)
    const path = relative(folder, full)
    const named = /\.midi?$/i.test(entry.name)
    if (entry.isSymbolicLink()) {
      const leadsToFolder = (await stat(full).catch(() => undefined))?.isDirectory() === true
      if (named || leadsToFolder) leftOut.push({ path, why: 'a symbolic link' })
    } else if (named && entry.isFile()) {
      const mib = (await stat(full)).size / 1024 ** 2
      if (mib <= FILE_LIMIT_MIB) files.push(path)
      else leftOut.push({ path, why: `${mib.toFixed(1)} MiB, more than ${FILE_LIMIT_MIB}` })
    }
  }
  if (files.length > 0) return { files: files.sort(), leftOut }
  throw new UserError(
    'NO_MIDI_FILES',
    `Cannot ingest '${folder}': none of its ${entries.length} entries is a .mid or .midi file of at most ${FILE_LIMIT_MIB} MiB`,
    leftOutText(leftOut) ?? 'Name a folder that holds .mid files.',
  )
}

/** Does `work`, which runs the container, while no other process does. */
async function alone(
  folders: LabFolders,
  progress: Progress,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const waiting = () => progress('waiting for another process that writes a corpus')
  await underLock(join(folders.state, 'corpus.lock'), waiting, signal, async () => {
    await docker(['volume', 'create', `--label=${LAB_LABEL}`, STORE_VOLUME], { signal })
    await tryRun('docker', ['rm', '--force', CONTAINER], { signal })
    await work()
  })
}

/** Arguments of `docker` to run a shell script in `image` as root, for the volume's root belongs to root, without network. */
function storeArguments(
  image: string,
  script: string,
  variables: Readonly<Record<string, string>>,
): string[] {
  const environment = { CORPORA: '/store/corpus', ...variables }
  return [
    'run',
    '--rm',
    '--interactive',
    `--name=${CONTAINER}`,
    '--network=none',
    '--user=0',
    `--label=${LAB_LABEL}`,
    `--volume=${STORE_VOLUME}:/store`,
    ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
    '--entrypoint=/bin/sh',
    image,
    '-c',
    script,
  ]
}
