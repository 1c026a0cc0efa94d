import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

/*
 * Sentry's envelope: a line of JSON, then items, each a line of JSON and a body. The body's length is in its header, or it
 * ends with the line. https://develop.sentry.dev/sdk/data-model/envelopes/
 */

export type Envelope = {
  readonly header: Readonly<Record<string, unknown>>
  readonly items: readonly EnvelopeItem[]
}

export type EnvelopeItem = {
  readonly type: string
  readonly header: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

/** Something about the envelope that its sender has to change; `status` is HTTP's. */
export class EnvelopeRefused extends Error {
  override readonly name = 'EnvelopeRefused'
  readonly status: 400 | 413 | 415

  constructor(status: 400 | 413 | 415, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

const MOST_ITEMS = 100
const LINE_END = 0x0a

const DECODERS: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/**
 * Undoes the content coding, and stops as soon as more than `limitBytes` would come out: a few kilobytes can hold
 * gigabytes.
 *
 * @throws EnvelopeRefused 413, 415, or 400 when it is damaged
 */
export async function inflateBody(
  body: Buffer,
  encoding: string | undefined,
  limitBytes: number,
): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined
  if (decode === undefined) {
    throw new EnvelopeRefused(
      415,
      `Cannot read the content encoding '${name}': use ${Object.keys(DECODERS).join(', ')} or none.`,
    )
  }
  try {
    return await decode(body, { maxOutputLength: limitBytes })
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    if (isTooLarge) {
      throw new EnvelopeRefused(413, `The envelope is larger than ${limitBytes} bytes.`, { cause })
    }
    throw new EnvelopeRefused(400, `The body is not valid ${name}.`, { cause })
  }
}

/** @throws EnvelopeRefused 400 */
export function parseEnvelope(body: Buffer): Envelope {
  const first = lineAt(body, 0)
  const header = jsonObject(first.line, 'the header of the envelope')
  const items: EnvelopeItem[] = []
  let at = first.next
  while (at < body.length) {
    const { line, next } = lineAt(body, at)
    at = next
    if (line.length === 0) continue
    if (items.length === MOST_ITEMS)
      throw new EnvelopeRefused(400, `An envelope has at most ${MOST_ITEMS} items.`)
    const itemHeader = jsonObject(line, `the header of item ${items.length + 1}`)
    const { type, length } = itemHeader
    if (typeof type !== 'string') throw new EnvelopeRefused(400, `Item ${items.length + 1} has no type.`)
    const end = length === undefined ? lineAt(body, at).end : at + lengthOf(length, body.length - at)
    items.push({ type, header: itemHeader, body: body.subarray(at, end) })
    at = end + 1
  }
  return { header, items }
}

function lengthOf(length: unknown, left: number): number {
  if (typeof length === 'number' && Number.isInteger(length) && length >= 0 && length <= left) return length
  throw new EnvelopeRefused(400, 'The length of an item is not that of its body.')
}

function lineAt(
  body: Buffer,
  at: number,
): { readonly line: Buffer; readonly end: number; readonly next: number } {
  const found = body.indexOf(LINE_END, at)
  const end = found < 0 ? body.length : found
  return { line: body.subarray(at, end), end, next: end + 1 }
}

function jsonObject(line: Buffer, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch (cause) {
    throw new EnvelopeRefused(400, `Cannot read ${what}: it is not JSON.`, { cause })
  }
  throw new EnvelopeRefused(400, `Cannot read ${what}: it is not an object.`)
}

/** The public key that an SDK sends, wherever it puts it; null: none. */
export function sentKey(
  authHeader: string | undefined,
  query: URLSearchParams,
  header: Envelope['header'],
): string | null {
  const fromHeader = authHeader && /(?:^|[\s,])sentry_key=([^\s,]+)/.exec(authHeader)?.[1]
  if (fromHeader) return fromHeader
  const fromQuery = query.get('sentry_key')
  if (fromQuery) return fromQuery
  const dsn = typeof header.dsn === 'string' ? URL.parse(header.dsn) : null
  return dsn?.username || null
}
