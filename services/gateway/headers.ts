import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** What a client may say to the recommender; everything else stops here. */
const PASSED_ON = ['accept', 'accept-encoding', 'content-type', 'idempotency-key', 'if-none-match'] as const

/** W3C Trace Context. */
const TRACE_CONTEXT = ['traceparent', 'tracestate'] as const

/** A gateway's own trace: each try of a trace that is kept has a `traceparent` of its own. */
export type OwnTrace = { readonly traceparent: string | undefined; readonly continued: boolean }

/** Headers about one connection, RFC 9110 section 7.6.1, and the name of the upstream's software. */
const STAYS_BEHIND: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'server',
])

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/

/** The client's own request id when it is short and harmless in a log, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** Headers of the request to the recommender, names and values in turn. Without a trace the client's goes through. */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  requestId: string,
  ownTrace?: OwnTrace,
): string[] {
  const passed = ['x-request-id', requestId]
  pass(headers, PASSED_ON, passed)
  if (ownTrace === undefined) pass(headers, TRACE_CONTEXT, passed)
  else {
    if (ownTrace.traceparent !== undefined) passed.push('traceparent', ownTrace.traceparent)
    // The state belongs to the client's trace: of another one it would say something wrong.
    if (ownTrace.continued) pass(headers, ['tracestate'], passed)
  }
  return passed
}

function pass(headers: IncomingHttpHeaders, names: readonly string[], passed: string[]): void {
  for (const name of names) {
    const value = headers[name]
    if (typeof value === 'string') passed.push(name, value)
  }
}

/** Headers of the answer to the client: the recommender's without those about its connection. */
export function answerHeaders(headers: IncomingHttpHeaders, requestId: string): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {}
  const named = headers.connection?.toLowerCase().split(',') ?? []
  const dropped = named.map(name => name.trim())
  for (const name in headers) {
    if (!STAYS_BEHIND.has(name) && !dropped.includes(name)) passed[name] = headers[name]
  }
  passed['x-request-id'] = requestId
  return passed
}
