import type { RequestOptions } from 'node:https'
import { Writable } from 'node:stream'
import { Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node'
import { MachineryError } from './errors.ts'

/** Where a command runs. */
export type Place = { readonly namespace: string; readonly pod: string; readonly container: string }

/** Who hears what a command writes, while it writes it. */
export type Listeners = {
  readonly onOutput: (bytes: Buffer) => void
  readonly onComplaint: (bytes: Buffer) => void
}

/**
 * Runs a command beside the one that a container is there for, by way of the API server, as `kubectl exec` does.
 *
 * @returns how it ended, or undefined when the connection ended before it
 * @throws what `signal` was aborted with; its connection is gone then, whether it was open yet or not
 * @throws MachineryError when it cannot be started, or the connection fails
 */
export async function execute(
  config: KubeConfig,
  place: Place,
  command: readonly string[],
  signal: AbortSignal,
  { onOutput, onComplaint }: Listeners,
): Promise<V1Status | undefined> {
  signal.throwIfAborted()
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status | undefined>()
  const { namespace, pod, container } = place
  const socket = await new Exec(endedBy(signal, config))
    .exec(namespace, pod, container, [...command], into(onOutput), into(onComplaint), null, false, resolve)
    .catch(failure => {
      signal.throwIfAborted()
      throw cannotRun(place, command, wordsOf(failure), { cause: failure })
    })
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  socket.on('close', () => resolve(undefined))
  socket.on('error', (cause: Error) => reject(cannotRun(place, command, wordsOf(cause), { cause })))
  if (signal.aborted) onAbort()
  try {
    return await ended
  } finally {
    signal.removeEventListener('abort', onAbort)
    // A connection that hangs does not answer a polite close.
    socket.terminate()
  }
}

/** @param why in words, the end of a sentence */
export function cannotRun(
  { namespace, pod, container }: Place,
  command: readonly string[],
  why: string,
  options?: ErrorOptions,
): MachineryError {
  return new MachineryError(
    `Cannot run '${command[0]}' in ${namespace}/${pod} (${container}): ${why}`,
    "Check the cluster with 'divergence doctor', and use a context whose user may run programs in pods (pods/exec).",
    options,
  )
}

/**
 * The same configuration, whose connections end with the signal. The library gives its socket away only when it is
 * open; one that is never answered can be reached by its request alone.
 */
function endedBy(signal: AbortSignal, config: KubeConfig): KubeConfig {
  return Object.assign(Object.create(config) as KubeConfig, {
    applyToHTTPSOptions: async (options: RequestOptions) => {
      await config.applyToHTTPSOptions(options)
      options.signal = signal
    },
  })
}

function into(listener: (bytes: Buffer) => void): Writable {
  return new Writable({
    write: (bytes: Buffer, _, done) => {
      listener(bytes)
      done()
    },
  })
}

/** A failure to connect is an event of the socket, which carries its words like an error. */
function wordsOf(failure: unknown): string {
  const { message } = failure as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : 'the API server did not answer'
}
