import { PassThrough } from 'node:stream'
import { Exec, KubeConfig, type V1Status } from '@kubernetes/client-node'
import type { ClusterAccess } from './cluster/cluster.ts'
import { MachineryError } from './errors.ts'

/** How long a program may run, milliseconds: those that are run here look at a few files. */
const LIMIT_MS = 60_000

/** A program that has ended by itself. */
export type Ended = {
  readonly exitCode: number
  /** What it wrote to its standard output and its standard error. */
  readonly output: string
}

export interface PodPrograms {
  /**
   * Runs a program beside the one that a container is there for, and waits for its end.
   *
   * @throws MachineryError when it could not be run, or did not end in time
   */
  run(namespace: string, pod: string, container: string, command: readonly string[]): Promise<Ended>
}

/** Runs programs by way of the API server, as `kubectl exec` does. */
export class KubeconfigPodPrograms implements PodPrograms {
  readonly #exec: Exec
  readonly #signal: AbortSignal | undefined

  constructor({ kubeconfigPath, context }: ClusterAccess, signal?: AbortSignal) {
    const config = new KubeConfig()
    config.loadFromFile(kubeconfigPath)
    config.setCurrentContext(context)
    this.#exec = new Exec(config)
    this.#signal = signal
  }

  async run(namespace: string, pod: string, container: string, command: readonly string[]): Promise<Ended> {
    const { promise, resolve, reject } = Promise.withResolvers<V1Status>()
    const late = AbortSignal.timeout(LIMIT_MS)
    const ends = this.#signal === undefined ? late : AbortSignal.any([late, this.#signal])
    ends.addEventListener('abort', () => reject(ends.reason), { once: true })
    const chunks: Buffer[] = []
    const sink = () => new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk))
    try {
      ends.throwIfAborted()
      const opened = this.#exec
        .exec(namespace, pod, container, [...command], sink(), sink(), null, false, resolve)
        .then(socket => {
          socket.onclose = () => reject(new Error('the connection was closed before the program ended'))
          return socket
        })
      opened.catch(failure => reject(failure))
      const status = await promise
      const exitCode = exitCodeOf(status)
      if (exitCode === undefined) throw new Error(status.message ?? 'it did not start')
      return { exitCode, output: Buffer.concat(chunks).toString().trimEnd() }
    } catch (cause) {
      this.#signal?.throwIfAborted()
      throw new MachineryError(
        `Cannot run '${command[0]}' in pod ${namespace}/${pod}: ${wordsOf(cause)}`,
        'Use a context whose user may run programs in pods (pods/exec), and see whether the pod runs: kubectl get pods -A.',
        { cause },
      )
    }
  }
}

/** A failure to connect is an event of the socket, which carries its words like an error. */
function wordsOf(cause: unknown): string {
  const { message } = cause as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : 'the API server did not answer'
}

/** @returns undefined when the program never ran */
export function exitCodeOf({ status, details }: V1Status): number | undefined {
  if (status === 'Success') return 0
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause?.message === undefined ? undefined : Number(cause.message)
}
