import { PassThrough } from 'node:stream'
import { Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node'
import { MachineryError } from '../../platform/errors.ts'

/** Where a command runs. */
export type Place = { readonly namespace: string; readonly pod: string; readonly container: string }

/** Longest a short command may take. */
const TIME_LIMIT_MS = 20_000

/**
 * Runs a short command in a container.
 *
 * @returns its standard output
 * @throws MachineryError when it fails, cannot be started, or takes longer than 20 s
 */
export async function execOutput(
  config: KubeConfig,
  place: Place,
  command: readonly string[],
  limitMs = TIME_LIMIT_MS,
): Promise<string> {
  const output: Buffer[] = []
  const complaints: Buffer[] = []
  const status = await run(config, place, command, AbortSignal.timeout(limitMs), {
    onOutput: bytes => output.push(bytes),
    onComplaint: bytes => complaints.push(bytes),
  })
  if (status?.status === 'Success') return Buffer.concat(output).toString('utf8')
  const said = Buffer.concat(complaints).toString('utf8').trim()
  throw cannotRun(place, command, said || status?.message || 'the connection broke before it ended')
}

/**
 * Streams what a long command writes until it ends, the connection breaks or `signal` is aborted.
 *
 * @throws MachineryError when it cannot be started
 */
export async function* execStream(
  config: KubeConfig,
  place: Place,
  command: readonly string[],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const output = new PassThrough()
  const running = run(config, place, command, signal, {
    onOutput: bytes => output.write(bytes),
    onComplaint: () => undefined,
  }).then(
    () => output.end(),
    error => output.destroy(error),
  )
  try {
    for await (const chunk of output) yield chunk as Uint8Array
  } finally {
    await running
  }
}

type Listeners = {
  readonly onOutput: (bytes: Buffer) => void
  readonly onComplaint: (bytes: Buffer) => void
}

/** Resolves with the status of the command, or undefined when the connection ended without one. */
async function run(
  config: KubeConfig,
  place: Place,
  command: readonly string[],
  signal: AbortSignal,
  { onOutput, onComplaint }: Listeners,
): Promise<V1Status | undefined> {
  signal.throwIfAborted()
  const output = new PassThrough().on('data', onOutput)
  const complaints = new PassThrough().on('data', onComplaint)
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status | undefined>()
  const socket = await new Exec(config)
    .exec(place.namespace, place.pod, place.container, [...command], output, complaints, null, false, resolve)
    .catch((error: { message?: string; error?: unknown }) => {
      throw cannotRun(place, command, error?.message ?? String(error?.error ?? error))
    })
  const onAbort = () => {
    reject(signal.reason)
    // A connection that hangs does not answer a polite close.
    socket.terminate()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  socket.on('close', () => resolve(undefined))
  socket.on('error', (error: Error) => reject(cannotRun(place, command, error.message)))
  if (signal.aborted) onAbort()
  try {
    return await ended
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.terminate()
  }
}

function cannotRun(
  { namespace, pod, container }: Place,
  command: readonly string[],
  why: string,
): MachineryError {
  return new MachineryError(
    `Cannot run '${command[0]}' in ${namespace}/${pod} (${container}): ${why}`,
    "Check the cluster with 'divergence doctor'.",
  )
}
