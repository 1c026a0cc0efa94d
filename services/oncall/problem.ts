import { STATUS_CODES } from 'node:http'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { z } from 'zod'
import { isUntoldPath } from '../../instrumentation/own-traffic.ts'
import type { ErrorReport, Telemetry } from '../../instrumentation/telemetry.ts'
import type { TokenBucket } from './token-bucket.ts'

/** An answer that says what is wrong with a request, RFC 9457. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  /** HTTP status, 400 to 599. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.status = status
    this.headers = headers
  }
}

/** Answers with a problem, unless an answer has begun already. */
export function sendProblem(response: Response, { status, message, headers }: RequestRefused): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response
    .status(status)
    .set({ 'cache-control': 'no-store', ...headers })
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[status] ?? 'Error',
        status,
        detail: message,
        requestId: response.locals.requestId,
      }),
    )
}

/** What Postgres' client says when there is no database to speak to; SQLSTATE classes 08, 53 and 57. */
const NO_DATABASE = /^(?:08|53|57)|^E(?:CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN|NOTFOUND)/

/** The refusal that an error stands for; null: oncall itself failed. */
export function refusalOf(error: unknown): RequestRefused | null {
  if (error instanceof RequestRefused) return error
  if (error instanceof z.ZodError) {
    return new RequestRefused(
      400,
      `The request is not understood: ${z
        .prettifyError(error)
        .replaceAll(/\s*\n\s*/g, ' ')
        .slice(0, 1_000)}`,
    )
  }
  // The router refuses paths with broken percent-encoding.
  if (error instanceof URIError) return new RequestRefused(400, 'The path is not valid.')
  const { status, expose, code, message } = error as {
    status?: unknown
    expose?: unknown
    code?: unknown
    message?: unknown
  }
  const isTold = error instanceof Error && (expose === true || error.name === 'EnvelopeRefused')
  if (isTold && typeof status === 'number' && status >= 400 && status < 500) {
    return new RequestRefused(status, String(message))
  }
  const isWithoutDatabase =
    (typeof code === 'string' && NO_DATABASE.test(code)) ||
    /timeout exceeded when trying to connect|Connection terminated|Query read timeout/.test(String(message))
  if (isWithoutDatabase) {
    return new RequestRefused(503, 'The database does not answer; send it again.', { 'retry-after': '5' })
  }
  return null
}

/** Takes what no handler answered. @param report told of what nobody foresaw */
export function problemHandler(
  log: (event: string, fields: Readonly<Record<string, unknown>>) => void,
  report?: Telemetry['report'],
) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const refusal = refusalOf(error)
    const isOurs = refusal === null || refusal.status >= 500
    if (isOurs) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log('request failed', { error: text, requestId: response.locals.requestId })
    }
    // Not of an event that could not be taken: that would be the next one.
    if (refusal === null && !isUntoldPath(request.path)) report?.(failure(error, request))
    sendProblem(response, refusal ?? new RequestRefused(500, 'oncall failed on this request.'))
  }
}

function failure(error: unknown, request: Request): ErrorReport {
  const path: unknown = request.route?.path
  const route = typeof path === 'string' ? request.baseUrl + path : 'unmatched'
  const { method } = request
  return {
    error,
    level: 'error',
    fingerprint: ['request failed', method, route, nameOf(error)],
    route,
    method,
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

/** Refuses with 429 what is above the bucket's rate. */
export function limited(bucket: TokenBucket): RequestHandler {
  return (_request, _response, next) => {
    const seconds = bucket.take()
    if (seconds === 0) return next()
    throw new RequestRefused(429, 'There are more requests than are answered.', {
      'retry-after': String(Math.ceil(seconds)),
    })
  }
}

/** Deeper than anything of ours; what is nested a million times would end the stack of whoever walks it. */
const DEEPEST = 64

/** @throws RequestRefused 400 when `text`, which is JSON, is nested too deeply */
export function refuseDeepJson(text: Buffer): void {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]
    if (isText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) isText = false
    } else if (byte === 0x22) isText = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > DEEPEST) throw new RequestRefused(400, `JSON may be nested ${DEEPEST} times.`)
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
}
