import type { IncomingMessage } from 'node:http'
import type { Problem } from './problem.ts'

/** `gone`: the client left before it had sent all. */
export type BodyOutcome =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'gone' }

const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType)

/** What is sent after a refusal is read and dropped, so that the client gets to read the answer; up to this, bytes. */
const DROPPED_BYTES = 1_048_576

/** Reads a JSON request body of at most `limitBytes` bytes and calls `done` once, as early as it is known. */
export function readBody(
  request: IncomingMessage,
  limitBytes: number,
  done: (outcome: BodyOutcome) => void,
): void {
  let chunks: Buffer[] | undefined = []
  let bytes = 0
  const finish = (outcome: BodyOutcome): void => {
    if (chunks === undefined) return
    chunks = undefined
    done(outcome)
  }
  const refuse = (status: number, detail: string): void => {
    finish({ kind: 'problem', problem: { status, detail } })
  }
  const tooLarge = `A request body has at most ${limitBytes} bytes.`

  if (!isJson(request.headers['content-type'])) refuse(415, 'The body must be application/json.')
  else if (request.headers['content-encoding'] !== undefined) refuse(415, 'The body must not be compressed.')
  else if (Number(request.headers['content-length'] ?? 0) > limitBytes) refuse(413, tooLarge)

  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > limitBytes) refuse(413, tooLarge)
    else chunks?.push(chunk)
    if (bytes > DROPPED_BYTES) request.destroy()
  })
  request.on('end', () => finish({ kind: 'body', body: Buffer.concat(chunks ?? []) }))
  request.on('close', () => finish({ kind: 'gone' }))
}
