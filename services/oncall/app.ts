import { TraceFlags, trace } from '@opentelemetry/api'
import express, { type Express, type Request, type Response, type Router } from 'express'
import { expose } from '../../instrumentation/exposition.ts'
import type { Telemetry } from '../../instrumentation/telemetry.ts'
import { alertRoutes } from './alert-routes.ts'
import { readRoutes, writeRoutes } from './console-routes.ts'
import type { OncallContext } from './context.ts'
import type { ConsoleContext, ConsoleReads } from './contract.ts'
import { eventRoutes } from './event-routes.ts'
import { liveState, readLabView } from './live.ts'
import { ENDED_SHOWN_MS } from './metrics.ts'
import { problemHandler, RequestRefused } from './problem.ts'
import { runRoutes } from './run-routes.ts'
import { weekReport } from './weekly/weekly.ts'

/** Route label of requests that match no route: their paths are the client's choice and would flood the metrics. */
const UNMATCHED = 'unmatched'
/** Methods that get a label of their own; a client can send any word. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])

/** Looked at once for all who look within this time, milliseconds. */
const LIVE_FOR_MS = 1_000

export type AppState = {
  /** Whether the database is up to date and answers. */
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
  /** Told of failures that are oncall's own. */
  readonly report: Telemetry['report']
}

/** The whole HTTP application. @param pages makes what is served at `/` */
export function makeApp(
  context: OncallContext,
  state: AppState,
  pages: (context: ConsoleContext) => Router,
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.set('case sensitive routing', true)

  app.use((request, response, next) => {
    observe(context, state, request, response)
    next()
  })
  app.get('/healthz', (_request, response) => void response.status(200).end())
  app.get('/readyz', (_request, response) => {
    response.status(state.isReady() && !state.isDraining() ? 200 : 503).end()
  })
  app.get('/metrics', async (request, response) => {
    const { contentType, text } = await expose(context.metrics.registry, request.headers.accept)
    response.type(contentType).send(text)
  })
  app.use('/api', (_request, _response, next) => {
    if (state.isReady()) return next()
    throw new RequestRefused(503, 'The database is not ready yet.', { 'retry-after': '5' })
  })

  const reads = readsOf(context)
  const settings = async () => ({
    zipkinUrl: context.config.zipkinUrl,
    dashboards: await context.dashboards.list(),
  })
  app.use(alertRoutes(context))
  app.use(eventRoutes(context))
  app.use(runRoutes(context))
  app.use(writeRoutes(context))
  app.use(readRoutes(context, reads, settings))
  app.use('/api', () => {
    throw new RequestRefused(404, 'There is no such resource.')
  })
  app.use(pages({ reads, settings }))
  app.use(() => {
    throw new RequestRefused(404, 'There is no such resource.')
  })
  app.use(problemHandler(context.log, state.report))
  return app
}

function readsOf(context: OncallContext): ConsoleReads {
  const { alerts, events, lab, nowMs, runs } = context
  const readLive = async () => {
    const view = await readLabView(lab, () => runs.since(nowMs() - ENDED_SHOWN_MS * 2, nowMs()))
    return liveState(view, nowMs())
  }
  return {
    live: shared(readLive, LIVE_FOR_MS, () => performance.now()),
    runs: limit => runs.runs(limit, nowMs()),
    run: runId => runs.run(runId, nowMs()),
    eventGroups: filter => events.groups(filter),
    eventGroup: fingerprint => events.group(fingerprint),
    event: eventId => events.event(eventId),
    alerts: filter => alerts.events(filter),
    week: name => weekReport(context, name),
  }
}

/** `work` done once for all who ask within `forMs` of its beginning; what fails is not kept. */
export function shared<T>(work: () => Promise<T>, forMs: number, nowMs: () => number): () => Promise<T> {
  let current: { readonly result: Promise<T>; readonly atMs: number } | undefined
  return () => {
    if (current !== undefined && nowMs() - current.atMs < forMs) return current.result
    const begun = { result: work(), atMs: nowMs() }
    current = begun
    begun.result.catch(() => {
      if (current === begun) current = undefined
    })
    return begun.result
  }
}

/** Gives the request its id, and measures it from now until its answer is out or its client gone. */
function observe(
  { metrics, log }: OncallContext,
  state: AppState,
  request: Request,
  response: Response,
): void {
  const startedAtMs = performance.now()
  const traceId = keptTraceId()
  response.locals.requestId = crypto.randomUUID()
  response.set({
    'x-request-id': response.locals.requestId,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  })
  if (state.isDraining()) response.set('connection', 'close')
  response.once('close', () => {
    const path = request.route?.path
    const route = typeof path === 'string' ? request.baseUrl + path : UNMATCHED
    const status = response.writableFinished ? String(response.statusCode) : 'aborted'
    const method = METHODS.has(request.method) ? request.method : 'other'
    metrics.answered(method, route, status, (performance.now() - startedAtMs) / 1000, traceId)
    // The address itself may hold a key, the pattern does not.
    if (response.statusCode === 401 || response.statusCode === 403) log('refused', { route, status })
  })
}

/** Trace of the request that is being handled, if it is one that is kept. */
function keptTraceId(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext()
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0 ? span.traceId : undefined
}
