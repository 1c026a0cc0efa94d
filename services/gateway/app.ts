import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Admission } from './admission.ts'
import type { UpstreamCall } from './attempt.ts'
import { readBody } from './body.ts'
import { Exchange, type ExchangeContext } from './exchange.ts'
import { requestIdOf, upstreamHeaders } from './headers.ts'
import { type Problem, sendProblem } from './problem.ts'
import type { RecentChanges } from './recent.ts'
import type { GatewayTraces, RequestTrace } from './traces.ts'

/** Route label of requests that match no route: their paths are the client's choice and would flood the metrics. */
const UNMATCHED = 'unmatched'

/** Printable ASCII; everything else has to be percent-encoded. */
const PLAIN_QUERY = /^[\x21-\x7e]*$/
const SONG_HASH = /^[0-9a-f]{32}$/

/** The recommender's routes that the gateway opens. */
export const ROUTES = [
  { pattern: '/songs', method: 'GET' },
  { pattern: '/songs/:hash', method: 'GET' },
  { pattern: '/songs/:hash/similar', method: 'GET' },
  { pattern: '/instruments', method: 'GET' },
  { pattern: '/plays', method: 'POST' },
] as const
type Route = (typeof ROUTES)[number]

export type AppContext = ExchangeContext & {
  /** Doors of their own, so that writes that wait for a new primary take no room from reads. */
  readonly admissions: Readonly<Record<'read' | 'write', Admission>>
  readonly bodyLimitBytes: number
  /** Whether new requests should come here. */
  readonly isReady: () => boolean
  /** Whether clients should open their next request elsewhere. */
  readonly isDraining: () => boolean
  readonly recent: RecentChanges
  /** Without it no spans are made. */
  readonly traces: GatewayTraces | undefined
}

/** Where the handlers keep what they know of a request. */
type Locals = { route: string; requestId: string; trace: RequestTrace | undefined }

const INDEX = JSON.stringify({
  service: 'gateway',
  routes: ROUTES.map(({ method, pattern }) => `${method} ${pattern.replace(':hash', '{hash}')}`),
})
const INDEX_BYTES = Buffer.byteLength(INDEX)

const NO_BODY = { 'content-length': 0 }

/** The public HTTP application. */
export function makeApp(context: AppContext): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.set('strict routing', true)
  app.set('case sensitive routing', true)

  app.get('/healthz', (_request, response) => {
    response.writeHead(200, NO_BODY).end()
  })
  app.get('/readyz', (_request, response) => {
    response.writeHead(context.isReady() ? 200 : 503, NO_BODY).end()
  })
  app.use((request, response, next) => {
    observe(context, request, response)
    next()
  })
  app.get('/', (_request, response) => {
    localsOf(response).route = '/'
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': INDEX_BYTES,
      'x-request-id': localsOf(response).requestId,
    })
    response.end(INDEX)
  })
  for (const route of ROUTES) {
    const handle = (request: Request, response: Response) => forward(context, route, request, response)
    if (route.method === 'GET') app.get(route.pattern, handle)
    else app.post(route.pattern, handle)
  }
  for (const { pattern, method } of [{ pattern: '/', method: 'GET' } as const, ...ROUTES]) {
    app.all(pattern, (_request, response) => {
      localsOf(response).route = pattern
      const allow = method === 'GET' ? 'GET, HEAD' : method
      refuse(response, { status: 405, detail: `This resource takes ${allow} only.`, headers: { allow } })
    })
  }
  app.use((_request, response) => refuse(response, { status: 404, detail: 'There is no such resource.' }))
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    // The router itself refuses paths with broken percent-encoding.
    if (error instanceof URIError) return refuse(response, { status: 400, detail: 'The path is not valid.' })
    const { route, requestId, trace } = localsOf(response)
    const { method } = request
    context.failures.handler({ error, method, route, requestId, span: trace?.spanContext })
    refuse(response, { status: 500, detail: 'The gateway failed on this request.' })
  })
  return app
}

/** Without the query, which is the client's choice of words. */
const pathOf = (url: string): string => url.slice(0, url.includes('?') ? url.indexOf('?') : undefined)

const localsOf = (response: ServerResponse): Locals => (response as Response).locals as Locals

function refuse(response: ServerResponse, problem: Problem): void {
  sendProblem(response, problem, localsOf(response).requestId)
}

/** Gives the request its id, and measures it from now until its answer is out or its client gone. */
function observe(context: AppContext, request: IncomingMessage, response: ServerResponse): void {
  const { metrics } = context
  const startedAtMs = performance.now()
  const locals = localsOf(response)
  locals.route = UNMATCHED
  locals.requestId = requestIdOf(request.headers)
  locals.trace = context.traces?.begin(request.headers)
  metrics.inFlight += 1
  if (context.isDraining()) response.setHeader('connection', 'close')
  response.once('close', () => {
    metrics.inFlight -= 1
    const status = response.writableFinished ? String(response.statusCode) : 'aborted'
    const seconds = (performance.now() - startedAtMs) / 1000
    const { route, requestId, trace } = locals
    metrics.answered(request.method ?? '', route, status, seconds, trace?.keptTraceId)
    trace?.end({ method: request.method ?? '', route, path: pathOf(request.url ?? ''), status, requestId })
  })
}

/** Checks what can be checked without the recommender, then hands over to an exchange. */
function forward(context: AppContext, route: Route, request: Request, response: Response): void {
  const locals = localsOf(response)
  locals.route = route.pattern
  const hash = request.params.hash
  if (typeof hash === 'string' && !SONG_HASH.test(hash)) {
    refuse(response, { status: 400, detail: 'A song hash is an MD5: 32 characters of 0-9 and a-f.' })
    return
  }
  const url = request.url
  const queryAt = url.indexOf('?')
  const query = queryAt < 0 ? '' : url.slice(queryAt)
  if (!PLAIN_QUERY.test(query)) {
    refuse(response, { status: 400, detail: 'The query must be percent-encoded.' })
    return
  }
  const path = (typeof hash === 'string' ? route.pattern.replace(':hash', hash) : route.pattern) + query
  const headers = upstreamHeaders(request.headers, locals.requestId, locals.trace)
  if (route.method === 'POST') {
    readBody(request, context.bodyLimitBytes, outcome => {
      if (outcome.kind === 'problem') refuse(response, outcome.problem)
      else if (outcome.kind === 'body') {
        const repeatable = request.headers['idempotency-key'] !== undefined
        enter(context, { method: 'POST', path, headers, body: outcome.body }, repeatable, response)
      }
    })
    return
  }
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  enter(context, { method, path, headers, body: null }, true, response)
}

/** Runs the exchange when there is room for it. */
function enter(context: AppContext, call: UpstreamCall, repeatable: boolean, response: ServerResponse): void {
  const { admissions, metrics } = context
  const admission = admissions[call.method === 'POST' ? 'write' : 'read']
  const { route, requestId, trace } = localsOf(response)
  const request = { call, repeatable, route, requestId, trace }
  const exchange = new Exchange(context, request, response, () => leave())
  const leave = admission.enter({
    run: () => exchange.start(),
    shed: reason => {
      metrics.shed(reason)
      context.recent.shed(reason)
      trace?.note('shed', { reason })
      refuse(response, {
        status: 503,
        detail: 'The gateway has as many requests as it can answer in time.',
        headers: { 'retry-after': '1' },
      })
    },
  })
  response.once('close', () => exchange.cancel())
}
