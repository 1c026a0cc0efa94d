import { PassThrough } from 'node:stream'
import type { KubeConfig } from '@kubernetes/client-node'
import { cannotRun, execute, type Place } from '../../platform/exec.ts'

export type { Place }

/** Longest a short command may take. */
const TIME_LIMIT_MS = 20_000

/**
 * Runs a short command in a container.
 *
 * @returns its standard output
 * @throws MachineryError when it fails, cannot be started, or takes longer than `limitMs`, 20 s unless told
 */
export async function execOutput(
  config: KubeConfig,
  place: Place,
  command: readonly string[],
  limitMs = TIME_LIMIT_MS,
): Promise<string> {
  const output: Buffer[] = []
  const complaints: Buffer[] = []
  const late = AbortSignal.timeout(limitMs)
  const status = await execute(config, place, command, late, {
    onOutput: bytes => output.push(bytes),
    onComplaint: bytes => complaints.push(bytes),
  }).catch(failure => {
    if (failure !== late.reason) throw failure
    throw cannotRun(place, command, `it did not end within ${limitMs / 1000} s`)
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
  const running = execute(config, place, command, signal, {
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
