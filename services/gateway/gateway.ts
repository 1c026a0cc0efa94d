import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expose } from '../../instrumentation/exposition.ts'
import { SILENT, type Telemetry } from '../../instrumentation/telemetry.ts'
import { Admission } from './admission.ts'
import { makeApp } from './app.ts'
import { RetryBudget } from './budget.ts'
import type { GatewayConfig } from './config.ts'
import { Endpoints, type Lookup } from './endpoints.ts'
import { Failures } from './failures.ts'
import { GatewayMetrics, type LookupOutcome } from './metrics.ts'
import { problemBody } from './problem.ts'
import { RecentChanges } from './recent.ts'
import type { GatewayTraces } from './traces.ts'

/** Writes one line about something that changed; never called for each request. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void

/** A running gateway. */
export type Gateway = {
  readonly port: number
  readonly metricsPort: number
  /** Says 503 on /readyz, waits until the edge has seen it, lets open requests end, closes. */
  readonly drain: () => Promise<void>
  /** Tells of an error that nobody caught. */
  readonly stray: Failures['stray']
}

/** How a gateway tells of single requests; nothing of it unless it is given. */
export type Telling = { readonly report: Telemetry['report']; readonly traces: GatewayTraces | undefined }

const TELLS_NOTHING: Telling = { report: SILENT.report, traces: undefined }

/** Request line and headers together, bytes; above it the client gets 431. */
const HEADER_LIMIT_BYTES = 8192

/** A client must have sent its headers, and its whole request, by then. */
const HEADERS_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 10_000

/** What Node's parser says when it refuses a request before it becomes one. */
const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** How often connections that have become idle are closed while draining. */
const DRAIN_SWEEP_MS = 25

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/**
 * Starts a gateway.
 *
 * @param lookup finds the recommenders
 * @throws what `listen` throws, such as EADDRINUSE
 */
export async function startGateway(
  config: GatewayConfig,
  lookup: Lookup,
  log: Log,
  { report, traces }: Telling = TELLS_NOTHING,
): Promise<Gateway> {
  const nowMs = () => performance.now()
  const metrics = new GatewayMetrics()
  const recent = new RecentChanges(Date.now)
  const failures = new Failures(report, log, recent, Date.now)
  const endpoints = new Endpoints(
    lookup,
    config.upstream,
    config.breaker,
    endpointObserver(metrics, (event, fields) => {
      log(event, fields)
      recent.changed(event, fields)
    }),
    nowMs,
  )
  let draining = false
  const admissions = {
    read: new Admission(config.admission, nowMs),
    // It never learns, so its limit stays: a write is slow while it waits for the standby or for an election.
    write: new Admission(config.admission, nowMs),
  }
  const app = makeApp({
    endpoints,
    metrics,
    failures,
    recent,
    traces,
    budget: new RetryBudget(config.budget, nowMs),
    patience: config.patience,
    holdBytes: config.limits.holdBytes,
    abandonMs: config.upstream.abandonMs,
    clientStallMs: config.client.stallMs,
    admissions,
    onReadFirstByte: firstByteMs => admissions.read.learn(firstByteMs),
    bodyLimitBytes: config.limits.bodyBytes,
    isReady: () => !draining && endpoints.size > 0,
    isDraining: () => draining,
  })
  const server = createServer({
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: config.client.idleMs,
    connectionsCheckingInterval: 1000,
    noDelay: true,
  })
  server.on('request', app)
  server.on('clientError', refuseUnparsed)
  const metricsServer = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    expose(metrics.registry, request.headers.accept).then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      error => {
        log('metrics failed', { error: String(error) })
        response.writeHead(500).end()
      },
    )
  })

  await endpoints.start(config.upstream.dnsRefreshMs)
  const metricsPort = await listen(metricsServer, config.listen.metricsPort, config.listen.host)
  const port = await listen(server, config.listen.port, config.listen.host)
  log('listening', { port, metricsPort, endpoints: endpoints.size })

  const drain = async (): Promise<void> => {
    draining = true
    log('draining', { inFlight: metrics.inFlight })
    await sleep(config.drain.noticeMs)
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    // A connection whose request began before the drain is kept alive by its answer, and becomes idle only after it.
    const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_SWEEP_MS)
    const cut = setTimeout(() => {
      log('drain deadline', { inFlight: metrics.inFlight })
      server.closeAllConnections()
    }, config.drain.deadlineMs)
    await closed
    clearInterval(sweep)
    clearTimeout(cut)
    await endpoints.stop()
    metricsServer.close()
    metricsServer.closeAllConnections()
    log('drained', {})
  }
  const stray: Gateway['stray'] = (event, error) => failures.stray(event, error)
  return { port, metricsPort, drain, stray }
}

function endpointObserver(
  metrics: GatewayMetrics,
  log: (event: string, fields: Readonly<Record<string, string>>) => void,
) {
  let lookupFailing = false
  return {
    breaker: (endpoint: string, open: boolean) => {
      metrics.breaker(endpoint, open)
      log(open ? 'endpoint ejected' : 'endpoint back', { endpoint })
    },
    appeared: (endpoint: string) => {
      metrics.breaker(endpoint, false)
      lookupFailing = false
      log('endpoint appeared', { endpoint })
    },
    gone: (endpoint: string) => {
      metrics.endpointGone(endpoint)
      log('endpoint gone', { endpoint })
    },
    lookupFailed: (error: unknown) => {
      if (!lookupFailing) log('look-up failed', { error: String(error) })
      lookupFailing = true
    },
    lookedUp: (outcome: LookupOutcome, seconds: number) => metrics.lookedUp(outcome, seconds),
  }
}

/** Answers what never became a request: the parser refused it, or it took too long. */
function refuseUnparsed(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = PARSER_STATUS[error.code ?? ''] ?? 400
  const body = problemBody(
    { status, detail: 'The request is not valid HTTP, too large, or came too slowly.' },
    '',
  )
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}
