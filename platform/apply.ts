import { randomBytes } from 'node:crypto'
import { type ApiServer, describeReference, type Kind, type LiveObject, referenceOf } from './api-server.ts'
import type { Progress } from './cluster/cluster.ts'
import { UserError } from './errors.ts'
import { ownNamespaces, type Stage } from './manifests/manifests.ts'
import type { KubernetesObject, Metadata } from './manifests/object.ts'
import { type GeneratedSecret, generatedSecrets } from './manifests/secrets.ts'
import { isWaited, readiness } from './readiness.ts'
import { type GroupJob, LABELS } from './topology.ts'
import { REAL_CLOCK, type WaitClock, waitUntilReady } from './wait.ts'

/** Bytes of randomness in a password. */
const PASSWORD_BYTES = 24

/** Objects sent at once. */
const PARALLEL = 8

/** Longest time without everything being ready, seconds: a cold machine pulls, initialises and loads in less. */
const READY_SECONDS = 900

/** Kubernetes and Patroni write these all the time: nothing tells a change of ours, and none is pruned. */
const SHARED_KIND: Kind = 'Endpoints'

/** Kinds of which an object of ours is taken away when it is no longer rendered: nothing that holds data. */
const PRUNED_KINDS: readonly Kind[] = [
  'ConfigMap',
  'Service',
  'ServiceAccount',
  'DaemonSet',
  'Deployment',
  'StatefulSet',
  'Job',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingAdmissionPolicy',
  'PriorityClass',
]

/** What `down` takes away besides the namespaces; a binding before what it binds. */
const CLUSTER_WIDE_KINDS = [
  'PersistentVolume',
  'ClusterRoleBinding',
  'ClusterRole',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingAdmissionPolicy',
  'PriorityClass',
] as const

const MANAGED = { [LABELS.partOf]: LABELS.product, [LABELS.managedBy]: LABELS.product }

/** What an apply did. All zero but `applied`: everything was as it should be. */
export type ApplySummary = {
  readonly applied: number
  /** New, or other than before. */
  readonly changed: readonly string[]
  readonly pruned: readonly string[]
}

/**
 * Makes the cluster hold what `stages` say, and nothing of ours beside it, and waits until all of it is ready.
 *
 * Stages are applied in their order, but nothing waits for the one before it to be ready: migrations wait for their
 * primary, ingest for its schema, recommenders are not ready before they can read. So Java starts while Postgres does.
 * May be called again at any time: what is as it should be is left alone.
 *
 * @throws UserError when a namespace or cluster-wide object of the same name is not ours
 * @throws MachineryError when a Job fails, or something is not ready in time
 */
export async function applyAll(
  api: ApiServer,
  stages: readonly Stage[],
  progress: Progress,
  signal: AbortSignal,
  clock: WaitClock = REAL_CLOCK,
): Promise<ApplySummary> {
  const objects = stages.flatMap(stage => stage.objects)
  await requireOwnership(api, objects)
  const before = await managedObjects(api)
  const changed: string[] = []
  for (const stage of stages) {
    signal.throwIfAborted()
    progress(`${stage.name}: ${stage.objects.length} objects`)
    changed.push(...(await applyStage(api, stage, before, signal)))
  }
  await waitUntilReady(api, objects, { progress, signal, clock, limitSeconds: READY_SECONDS })
  const pruned = await prune(api, before, objects)
  return { applied: objects.length, changed, pruned }
}

/** Namespaces first, then what pods refer to, then the pods' owners. */
async function applyStage(
  api: ApiServer,
  stage: Stage,
  before: ReadonlyMap<string, LiveObject>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const namespaces = stage.objects.filter(object => object.kind === 'Namespace')
  const workloads = stage.objects.filter(object => isWaited(object.kind))
  const others = stage.objects.filter(object => object.kind !== 'Namespace' && !isWaited(object.kind))
  const changed: string[] = []
  const applyEach = (objects: readonly KubernetesObject[]) =>
    eachInParallel(objects, async object => {
      signal.throwIfAborted()
      const name = describeReference(referenceOf(object))
      const known = before.get(name)
      if (object.kind === 'Job' && known && readiness(known).state !== 'failed') return
      if (object.kind === 'Job' && known) await removeAndWait(api, known, signal)
      const after = await api.apply(object)
      if (!known || (object.kind !== SHARED_KIND && isChanged(known, after))) changed.push(name)
    })
  await applyEach(namespaces)
  const secrets = generatedSecrets().filter(secret =>
    namespaces.some(namespace => namespace.metadata.name === secret.metadata.namespace),
  )
  for (const secret of secrets) {
    for (const made of await ensureSecret(api, secret)) {
      changed.push(`Secret ${made.namespace}/${made.name}`)
    }
  }
  await applyEach(others)
  await applyEach(workloads)
  return changed
}

/** Where there is a generation it counts changes of what is asked for; a resource version counts news of the status too. */
function isChanged(before: LiveObject, after: LiveObject): boolean {
  return after.metadata.generation === undefined
    ? before.metadata.resourceVersion !== after.metadata.resourceVersion
    : before.metadata.generation !== after.metadata.generation
}

/**
 * Makes the passwords that are missing; one that is there is never made anew, because the database knows it.
 *
 * @returns the Secrets that were made or completed
 */
async function ensureSecret(api: ApiServer, generated: GeneratedSecret): Promise<readonly Metadata[]> {
  const { metadata, keys, copies } = generated
  const made = (await ensureValues(api, metadata, keys)) ? [metadata] : []
  if (copies.length === 0) return made
  const data = await secretData(api, metadata)
  for (const copy of copies) {
    const present = await secretData(api, copy)
    if (keys.every(key => present[key] === data[key])) continue
    await api.apply(secretOf(copy, data))
    made.push(copy)
  }
  return made
}

/** @returns whether anything was made */
async function ensureValues(api: ApiServer, metadata: Metadata, keys: readonly string[]): Promise<boolean> {
  // Letters and digits alone: some of these stand in a URL.
  const password = () => Buffer.from(randomBytes(PASSWORD_BYTES).toString('hex')).toString('base64')
  const fresh = Object.fromEntries(keys.map(key => [key, password()]))
  const secret = secretOf(metadata, fresh)
  const live = (await api.read(referenceOf(secret))) ?? null
  if (live === null && (await api.create(secret))) return true
  // Somebody else made it in between, or an older version knew fewer keys.
  const present = await secretData(api, metadata)
  if (keys.every(key => key in present)) return false
  await api.apply({ ...secret, data: { ...fresh, ...present } })
  return true
}

function secretOf(metadata: Metadata, data: Readonly<Record<string, string>>) {
  return { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data }
}

async function secretData(api: ApiServer, metadata: Metadata): Promise<Readonly<Record<string, string>>> {
  const live = await api.read(referenceOf(secretOf(metadata, {})))
  return (live?.data ?? {}) as Record<string, string>
}

/** @throws UserError that names every object that is in the way */
async function requireOwnership(api: ApiServer, objects: readonly KubernetesObject[]): Promise<void> {
  const foreign: string[] = []
  await eachInParallel(
    objects.filter(object => object.metadata.namespace === undefined),
    async object => {
      const live = await api.read(referenceOf(object))
      if (live && !isOurs(live)) foreign.push(describeReference(referenceOf(object)))
    },
  )
  if (foreign.length === 0) return
  throw new UserError(
    'NOT_OURS',
    `Cannot deploy: ${foreign.sort().join(', ')} was there before and is not labelled ${LABELS.partOf}=${LABELS.product}`,
    'Remove or rename what is in the way, or use another cluster.',
  )
}

function isOurs(live: LiveObject): boolean {
  return live.metadata.labels?.[LABELS.partOf] === LABELS.product
}

/** Everything that an earlier `up` made, by description. */
async function managedObjects(api: ApiServer): Promise<ReadonlyMap<string, LiveObject>> {
  const found = new Map<string, LiveObject>()
  const kinds: Kind[] = [
    'Namespace',
    'PersistentVolume',
    'PersistentVolumeClaim',
    SHARED_KIND,
    ...PRUNED_KINDS,
  ]
  await eachInParallel(kinds, async kind => {
    for (const object of await api.list(kind, { labels: MANAGED })) {
      if (isInOurPlaces(object)) found.set(describeReference(referenceOf(object)), object)
    }
  })
  return found
}

function isInOurPlaces({ metadata: { namespace } }: LiveObject): boolean {
  return namespace === undefined || ownNamespaces().includes(namespace)
}

async function prune(
  api: ApiServer,
  before: ReadonlyMap<string, LiveObject>,
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  const rendered = new Set(objects.map(object => describeReference(referenceOf(object))))
  const kinds: ReadonlySet<string> = new Set(PRUNED_KINDS)
  const pruned: string[] = []
  const left = [...before].filter(
    ([name, object]) => kinds.has(object.kind) && !rendered.has(name) && !isLoadedCorpus(object),
  )
  await eachInParallel(left, async ([name, object]) => {
    if (await api.remove(referenceOf(object))) pruned.push(name)
  })
  return pruned.sort()
}

/** The Job that loaded a corpus is the only record that it is loaded, whichever corpus is rendered now. */
function isLoadedCorpus(object: LiveObject): boolean {
  const ingest: GroupJob = 'ingest'
  return (
    object.kind === 'Job' &&
    object.metadata.labels?.[LABELS.service] === ingest &&
    readiness(object).state === 'ready'
  )
}

/**
 * Removes everything of ours from a cluster that somebody else runs: our namespaces with all they hold, and our
 * cluster-wide objects. Returns when they are gone.
 */
export async function removeAll(
  api: ApiServer,
  progress: Progress,
  signal: AbortSignal,
  clock: WaitClock = REAL_CLOCK,
): Promise<void> {
  const labels = { [LABELS.partOf]: LABELS.product }
  const names = ownNamespaces()
  const namespaces = (await api.list('Namespace', { labels })).filter(each =>
    names.includes(each.metadata.name),
  )
  await eachInParallel(namespaces, async each => void (await api.remove(referenceOf(each))))
  for (let left = namespaces.map(each => each.metadata.name); left.length > 0; ) {
    progress(`removing ${left.join(', ')}`)
    await clock.sleep(500, signal)
    const live = new Set((await api.list('Namespace', { labels })).map(each => each.metadata.name))
    left = left.filter(name => live.has(name))
  }
  for (const kind of CLUSTER_WIDE_KINDS) {
    for (const object of await api.list(kind, { labels })) await api.remove(referenceOf(object))
  }
}

async function removeAndWait(api: ApiServer, object: LiveObject, signal: AbortSignal): Promise<void> {
  await api.remove(referenceOf(object))
  while ((await api.read(referenceOf(object)))?.metadata.uid === object.metadata.uid) {
    await REAL_CLOCK.sleep(100, signal)
  }
}

/** Runs `work` for all items, a few at a time; the first failure ends it. */
async function eachInParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker))
}
