import { createHash } from 'node:crypto'
import type { ApiServer } from './api-server.ts'
import type { ClusterFacts } from './cluster/cluster.ts'
import type { Flag } from './command-line.ts'
import { UserError } from './errors.ts'
import { type Corpus, corpusName, type ObjectStore } from './manifests/input.ts'
import { ownLabels } from './manifests/object.ts'
import { OBJECT_STORE_SECRET, OBJECT_STORE_VARIABLES } from './manifests/object-store-access.ts'
import { GROUPS } from './topology.ts'

/** Whose credentials the pods read with: an identity of their own (IAM), or the caller's keys. */
export const CREDENTIAL_SOURCES = ['pods', 'caller'] as const
export type CredentialSource = (typeof CREDENTIAL_SOURCES)[number]

export type ObjectStoreOptions = {
  /** Base URL of a store that is not AWS's. */
  readonly s3Endpoint?: string | undefined
  readonly s3Region?: string | undefined
  /** Default: the caller's with an endpoint or on the local cluster, whose pods have no identity; else the pods'. */
  readonly s3Credentials?: CredentialSource | undefined
  /** Names a state of the folder: with the same one nothing is read again. Default: the moment of the command. */
  readonly generation?: string | undefined
}

/** `ObjectStoreOptions` as a command line declares them. */
export const OBJECT_STORE_FLAGS: readonly Flag[] = [
  ['--s3-endpoint <url>', "base URL of a store that is not AWS's, as the pods reach it"],
  ['--s3-region <name>', 'region of the bucket (default: $AWS_REGION)'],
  [
    '--s3-credentials <whose>',
    'pods: an identity of their own; caller: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, given to the pods while they read (default: caller with --s3-endpoint or on the local cluster, else pods)',
    undefined,
    CREDENTIAL_SOURCES,
  ],
  ['--generation <name>', 'names a state of the folder: one that was loaded is not read again'],
]

/** Access keys by the names of the variables that programs know them by. */
export type ObjectStoreKeys = Readonly<Record<string, string>>

const URI = /^s3a?:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[^\s]*)?)$/
/** Spark would take these for a pattern over many folders. */
const PATTERN = /[*?[\]{}\\]/
const REGION = /^[a-z0-9-]{2,30}$/

/** Whether `source` names a place in an object store, rather than a folder of this machine. */
export function isObjectStoreUri(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
}

/** @throws UserError when a folder of this machine is to be read with options of an object store */
export function refuseStoreOptions(source: string, options: ObjectStoreOptions): void {
  const { s3Endpoint, s3Region, s3Credentials, generation } = options
  const given = Object.entries({ s3Endpoint, s3Region, s3Credentials, generation }).filter(
    ([, value]) => value,
  )
  if (given.length === 0) return
  const flags = given.map(([name]) => `--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`)
  throw new UserError(
    'NO_OBJECT_STORE',
    `Cannot use ${flags.join(' and ')}: '${source}' is a folder of this machine`,
    'Leave them out, or name a place in an object store: s3a://BUCKET/FOLDER.',
  )
}

/**
 * A folder of an object store as a corpus. What is in it is not known here: only the pods need to reach the store. So
 * each command is a new corpus and reads the folder as it is then, unless it names a `generation` that was read before;
 * songs that are known already are not loaded twice either way.
 *
 * @param environment of the caller: region and keys, by the usual AWS_ variables
 * @param nowMs time of day, milliseconds since 1970
 * @throws UserError when the URI, the endpoint or the region is malformed, or the caller's keys are missing
 */
export function objectStoreCorpus(
  uri: string,
  options: ObjectStoreOptions,
  kind: ClusterFacts['kind'],
  environment: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): { readonly corpus: Corpus; readonly keys: ObjectStoreKeys | undefined } {
  const [, bucket, path = ''] = URI.exec(uri) ?? []
  if (bucket === undefined || PATTERN.test(path)) {
    throw new UserError(
      'NO_OBJECT_STORE',
      `Cannot ingest '${uri}': it is not the address of one folder in an object store`,
      'Write s3a://BUCKET or s3a://BUCKET/FOLDER, without patterns, or name a folder of this machine.',
    )
  }
  const endpointUrl = endpointOf(options.s3Endpoint)
  const region = options.s3Region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION
  if (region !== undefined && !REGION.test(region)) {
    throw new UserError(
      'BAD_REGION',
      `Cannot read from region '${region}': it is no name of a region`,
      'Give one such as eu-central-1 with --s3-region, or leave it out.',
    )
  }
  const ownKeys = endpointUrl !== undefined || kind === 'local'
  const credentials = options.s3Credentials ?? (ownKeys ? 'caller' : 'pods')
  const store: ObjectStore = {
    credentials,
    ...(endpointUrl === undefined ? {} : { endpointUrl }),
    ...(region === undefined ? {} : { region }),
  }
  const folder = `s3a://${bucket}${path}`
  const generation = options.generation ?? new Date(nowMs).toISOString()
  const contentHash = createHash('sha256')
    .update(JSON.stringify([folder, endpointUrl, generation]))
    .digest('hex')
    .slice(0, 16)
  const name = `${corpusName(`${bucket}${path}`).slice(0, 20)}-${contentHash.slice(0, 8)}`
  const corpus = { name, contentHash, uri: folder, store }
  return { corpus, keys: credentials === 'caller' ? keysOf(environment) : undefined }
}

function endpointOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === ''
  if (plain) return url.href.replace(/\/$/, '')
  // Not repeated: a password may be in it.
  throw new UserError(
    'BAD_ENDPOINT',
    'Cannot use --s3-endpoint: it is not an http or https URL without user and query',
    'Give the base URL of the store as the pods reach it, such as https://storage.example.com.',
  )
}

function keysOf(environment: Readonly<Record<string, string | undefined>>): ObjectStoreKeys {
  const present = OBJECT_STORE_VARIABLES.filter(({ name }) => environment[name])
  const missing = OBJECT_STORE_VARIABLES.filter(({ name, optional }) => !optional && !environment[name])
  if (missing.length === 0)
    return Object.fromEntries(present.map(({ name }) => [name, environment[name] ?? '']))
  throw new UserError(
    'NO_KEYS',
    `Cannot read the object store: ${missing.map(({ name }) => name).join(' and ')} not set`,
    "Set the store's access key in the environment, or let pods use an identity of their own: --s3-credentials pods.",
  )
}

type SecretKeeper = Pick<ApiServer, 'apply' | 'remove'>

/** Gives the keys to both groups' ingest. They are in no manifest, no file and no log. */
export async function grantKeys(api: SecretKeeper, keys: ObjectStoreKeys): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(keys).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  )
  for (const namespace of GROUPS) {
    const metadata = { name: OBJECT_STORE_SECRET, namespace, labels: ownLabels(namespace, 'ingest') }
    // Made anew, so that no key of an earlier command stays.
    await api.remove({ kind: 'Secret', name: OBJECT_STORE_SECRET, namespace })
    await api.apply({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data })
  }
}

/** Takes the keys away again; nothing happens where there are none. */
export async function revokeKeys(api: SecretKeeper): Promise<void> {
  for (const namespace of GROUPS) {
    await api.remove({ kind: 'Secret', name: OBJECT_STORE_SECRET, namespace })
  }
}
