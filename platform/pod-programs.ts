import type { KubeConfig, V1Status } from '@kubernetes/client-node'
import type { ClusterAccess } from './cluster/cluster.ts'
import { cannotRun, execute } from './exec.ts'
import { kubeConfigOf } from './kube-config.ts'

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

/** Runs programs by way of the API server. */
export class KubeconfigPodPrograms implements PodPrograms {
  readonly #config: KubeConfig
  readonly #signal: AbortSignal | undefined
  readonly #limitMs: number

  constructor(access: ClusterAccess, signal?: AbortSignal, limitMs = LIMIT_MS) {
    this.#config = kubeConfigOf(access)
    this.#signal = signal
    this.#limitMs = limitMs
  }

  async run(namespace: string, pod: string, container: string, command: readonly string[]): Promise<Ended> {
    const place = { namespace, pod, container }
    const late = AbortSignal.timeout(this.#limitMs)
    const ends = this.#signal === undefined ? late : AbortSignal.any([late, this.#signal])
    const chunks: Buffer[] = []
    const keep = (bytes: Buffer) => void chunks.push(bytes)
    const status = await execute(this.#config, place, command, ends, {
      onOutput: keep,
      onComplaint: keep,
    }).catch(failure => {
      if (failure !== late.reason) throw failure
      throw cannotRun(place, command, `it did not end within ${this.#limitMs / 1000} s`)
    })
    const exitCode = status === undefined ? undefined : exitCodeOf(status)
    if (exitCode !== undefined) return { exitCode, output: Buffer.concat(chunks).toString().trimEnd() }
    const why = status === undefined ? 'the connection was closed before it ended' : status.message
    throw cannotRun(place, command, why ?? 'it did not start')
  }
}

/** @returns undefined when the program never ran */
export function exitCodeOf({ status, details }: V1Status): number | undefined {
  if (status === 'Success') return 0
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause?.message === undefined ? undefined : Number(cause.message)
}
