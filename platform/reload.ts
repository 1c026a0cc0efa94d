import { createHash } from 'node:crypto'
import { type ApiServer, describeReference, type LiveObject, referenceOf } from './api-server.ts'
import type { Progress } from './cluster/cluster.ts'
import { MachineryError, UserError } from './errors.ts'
import { ALERTMANAGER_FILES } from './manifests/alertmanager.ts'
import { contentHash, type KubernetesObject, selectorLabels } from './manifests/object.ts'
import { PROMETHEUS_FILES } from './manifests/prometheus.ts'
import type { Reloading } from './manifests/reloading.ts'
import type { PodPrograms } from './pod-programs.ts'
import { SHARED_GROUP, SHARED_NAMESPACE } from './topology.ts'
import type { WaitClock } from './wait.ts'

const RELOADING = [PROMETHEUS_FILES, ALERTMANAGER_FILES]

const POLL_MS = 500
/** A kubelet brings changed files into a pod within a minute and a bit, at once when the pod itself changed. */
const FILES_SECONDS = 120
/** Reading all files and starting all rules takes a second; on a machine that builds images beside it, more. */
const LOAD_SECONDS = 60
const LOG_LINES = 25

/** When the files of each folder were put there, seconds since 1970, and what each file is. */
const LOOK = `set -e
for folder; do
  stat -c '%.3Z %n' "$folder/..data"
  sha256sum "$folder"/*
done`

export type ReloadOptions = {
  readonly programs: PodPrograms
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly clock: WaitClock
}

/**
 * Sees to it that Prometheus and Alertmanager go by the files that were applied, without a restart that would cost what
 * they keep: waits until the files are in the pod, has them checked there, and sends SIGHUP. A program that has taken
 * them already is left alone. No port for it is opened: whoever may not run programs in these pods cannot reload them.
 *
 * @param objects what was applied, and is ready
 * @throws UserError when a program would refuse its files; it goes on with those it has
 * @throws MachineryError when the files do not come, or are not taken in time
 */
export async function reloadChanged(
  api: ApiServer,
  objects: readonly KubernetesObject[],
  options: ReloadOptions,
): Promise<void> {
  for (const reloading of RELOADING) {
    const pods = await podsOf(api, reloading)
    // Who starts later finds the new files; whether they are good ones, nobody has asked.
    if (pods.length === 0) options.progress(`no pod of ${reloading.service} runs: its files are not checked`)
    for (const pod of pods) {
      await new Reload(api, reloading, pod, options).begin(expectedFiles(reloading, objects))
    }
  }
}

/** SHA-256 by path. */
type Files = ReadonlyMap<string, string>

function expectedFiles({ folders }: Reloading, objects: readonly KubernetesObject[]): Files {
  const files = new Map<string, string>()
  for (const [name, folder] of Object.entries(folders)) {
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)
    if (map === undefined)
      throw new MachineryError(
        `Cannot reload from ConfigMap '${name}': it is not rendered`,
        'Name it as platform/manifests does.',
      )
    for (const [file, text] of Object.entries(map.data as Readonly<Record<string, string>>))
      files.set(`${folder}/${file}`, createHash('sha256').update(text).digest('hex'))
  }
  return files
}

async function podsOf(api: ApiServer, { service }: Reloading): Promise<readonly LiveObject[]> {
  const labels = selectorLabels(SHARED_GROUP, service)
  const pods = await api.list('Pod', { namespace: SHARED_NAMESPACE, labels })
  const phase = (pod: LiveObject) => (pod.status as { phase?: string } | undefined)?.phase
  return pods.filter(pod => pod.metadata.deletionTimestamp === undefined && phase(pod) === 'Running')
}

/** What a pod has: its files, and when the last of them came, seconds since 1970. */
type Look = { readonly files: Files; readonly changedSeconds: number }

/** One program in one pod. */
class Reload {
  readonly #api: ApiServer
  readonly #reloading: Reloading
  readonly #pod: LiveObject
  readonly #options: ReloadOptions

  constructor(api: ApiServer, reloading: Reloading, pod: LiveObject, options: ReloadOptions) {
    this.#api = api
    this.#reloading = reloading
    this.#pod = pod
    this.#options = options
  }

  async begin(expected: Files): Promise<void> {
    const { service, check } = this.#reloading
    const changedSeconds = await this.#awaitFiles(expected)
    if ((await this.#loadedSeconds()) >= changedSeconds) return
    const checked = await this.#run(check)
    if (checked.exitCode !== 0) {
      throw new UserError(
        'CONFIG_REFUSED',
        `Cannot load the new files of ${service}: it refuses them, and goes on with those it has\n${checked.output}`,
        'Mend what is named above (alerts/ makes these files) and run the command again.',
      )
    }
    this.#options.progress(`${service} reads its files again`)
    await this.#ran(['sh', '-c', 'kill -HUP 1'])
    await this.#awaitLoaded(changedSeconds)
  }

  /** @returns when the last of them came, seconds since 1970 */
  async #awaitFiles(expected: Files): Promise<number> {
    let changedSeconds = 0
    let isWoken = false
    await this.#until(FILES_SECONDS, 'the new files are not in its pod', async () => {
      const look = await this.#look()
      changedSeconds = look.changedSeconds
      if (isSame(look.files, expected)) return true
      if (!isWoken) {
        this.#options.progress(`the new files of ${this.#reloading.service} go into its pod`)
        await this.#wakeKubelet(expected)
        isWoken = true
      }
      return false
    })
    return changedSeconds
  }

  /** A kubelet looks at a pod at once when the pod changed; at its files alone, once a minute. */
  async #wakeKubelet(expected: Files): Promise<void> {
    const { name, namespace = '' } = this.#pod.metadata
    const annotations = { 'divergence/files': contentHash([...expected]) }
    await this.#api.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: {}, annotations },
    })
  }

  async #look(): Promise<Look> {
    const output = await this.#ran(['sh', '-c', LOOK, 'sh', ...Object.values(this.#reloading.folders)])
    const files = new Map<string, string>()
    let changedSeconds = 0
    for (const line of output.split('\n')) {
      const [first = '', path = ''] = line.split(/ +/)
      if (path.endsWith('/..data')) changedSeconds = Math.max(changedSeconds, Number(first))
      else files.set(path, first)
    }
    return { files, changedSeconds }
  }

  async #awaitLoaded(changedSeconds: number): Promise<void> {
    const { namespace = '', name } = this.#pod.metadata
    await this.#until(
      LOAD_SECONDS,
      'it has not taken its new files',
      async () => (await this.#loadedSeconds()) >= changedSeconds,
      () => this.#api.logTail(namespace, name, LOG_LINES),
    )
  }

  async #loadedSeconds(): Promise<number> {
    const { port, loadedMetric } = this.#reloading
    const { namespace = '', name } = this.#pod.metadata
    const metrics = await this.#api.podMetrics(namespace, name, port)
    const line = metrics.split('\n').find(each => each.startsWith(`${loadedMetric} `))
    if (line !== undefined) return Number(line.slice(loadedMetric.length + 1))
    throw new MachineryError(
      `Cannot tell which files ${namespace}/${name} goes by: it has no metric ${loadedMetric}`,
      'Name the metric as the version in the image does.',
    )
  }

  async #ran(command: readonly string[]): Promise<string> {
    const { exitCode, output } = await this.#run(command)
    if (exitCode === 0) return output
    throw new MachineryError(
      `Cannot reload ${describeReference(referenceOf(this.#pod))}: '${command[0]}' ended with ${exitCode}, ${output}`,
      'See what the pod says: kubectl describe pod, kubectl logs.',
    )
  }

  #run(command: readonly string[]) {
    const { namespace = '', name } = this.#pod.metadata
    return this.#options.programs.run(namespace, name, this.#reloading.service, command)
  }

  /** Looks until it is so. A look that fails tells nothing: the next one may not. */
  async #until(
    limitSeconds: number,
    otherwise: string,
    holds: () => Promise<boolean>,
    log: () => Promise<string> = async () => '',
  ): Promise<void> {
    const { clock, signal } = this.#options
    const endMs = clock.nowMs() + limitSeconds * 1000
    for (;;) {
      const look = await holds().catch((failure: Error) => failure)
      if (look === true) return
      signal.throwIfAborted()
      if (clock.nowMs() > endMs) {
        const { service } = this.#reloading
        const [failed, cause] =
          look === false ? ['', {}] : [`, and it could not be looked at: ${look.message}`, { cause: look }]
        const tail = await log()
        throw new MachineryError(
          `Cannot reload ${service}: after ${limitSeconds} s ${otherwise}${failed}${tail === '' ? '' : `\n--- its log ---\n${tail}`}`,
          'Run the command again: it goes on from here.',
          cause,
        )
      }
      await clock.sleep(POLL_MS, signal)
    }
  }
}

function isSame(files: Files, expected: Files): boolean {
  return files.size === expected.size && [...expected].every(([path, hash]) => files.get(path) === hash)
}
