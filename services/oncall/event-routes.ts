import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express'
import { KeyedLimiter, type RateLimit } from '../../instrumentation/rate-limit.ts'
import type { OncallContext } from './context.ts'
import {
  type Envelope,
  type EnvelopeItem,
  EnvelopeRefused,
  inflateBody,
  parseEnvelope,
  sentKey,
} from './envelope.ts'
import { readEvent, sourceOf } from './error-event.ts'
import { type EventSource, type OncallMetrics, sourceLabels } from './metrics.ts'
import { RequestRefused, refuseDeepJson } from './problem.ts'
import { isSameSecret } from './session.ts'
import { TokenBucket } from './token-bucket.ts'

/** The one project there is: the lab. */
const PROJECT = '1'
const BURST_SECONDS = 10
/** How long SDKs are asked to be silent when there are too many; at every rate here there is room again by then. */
const SILENCE_SECONDS = 5

/** Requests of one address, whatever is in them: one pod's SDK sends a few a second. */
const SENDER_RATE: RateLimit = { burst: 100, everyMs: 50 }
/** Requests of all addresses: inflating and reading so many full envelopes a second is half of one core's work. */
const PER_SECOND = 100
const BURST = 500

/** Sentry's envelope endpoint: whatever speaks to a DSN can send its events here. */
export function eventRoutes(context: OncallContext): Router {
  const { config, events, log, metrics, nowMs } = context
  const { bodyBytes, key, perSecond } = config.events
  const limiter = new KeyedLimiter({ burst: perSecond * BURST_SECONDS, everyMs: 1000 / perSecond }, () =>
    performance.now(),
  )
  const router = Router()

  /** @returns the event's id when the item was one; what is thrown concerns the whole envelope */
  const take = async (item: EnvelopeItem, traceId: unknown): Promise<string | null> => {
    if (item.type !== 'event') {
      metrics.itemDropped(item.type)
      return null
    }
    refuseDeepJson(item.body)
    const payload = parseJson(item.body)
    // Each service has its own share, so that a noisy one takes from no other. What it calls itself is its own choice: all
    // that are not the lab's share one.
    const source = sourceLabels(sourceOf(payload))
    if (limiter.take(`${source.group}/${source.service}`) === undefined) throw new TooMany('error', source)
    const seen = readEvent(payload, traceId, nowMs())
    const outcome = await events.record(seen)
    metrics.event(outcome === 'duplicate' ? 'duplicate' : 'kept', seen.event)
    // One line for each kind of error: the events themselves can be hundreds a second.
    if (outcome === 'new') {
      const { eventId, fingerprint, service, group } = seen.event
      log('first error event of its kind', { eventId, fingerprint, service, group })
    }
    return seen.event.eventId
  }

  // Browsers and SDKs of any origin may send here: the key says whose events they are, and nothing can be read.
  const readBody = express.raw({ type: () => true, limit: bodyBytes, inflate: false })
  // The body is inflated here, with a limit on what comes out.
  const keepEncoding = (request: Request, _response: Response, next: () => void) => {
    request.headers['x-content-encoding'] = request.headers['content-encoding'] ?? 'identity'
    delete request.headers['content-encoding']
    next()
  }
  /** @throws RequestRefused 403 or 404 */
  const admit = (given: string | null, project: unknown): void => {
    if (given === null || !isSameSecret(given, key)) {
      throw new RequestRefused(403, 'The key of the DSN is not known.')
    }
    if (project !== PROJECT) throw new RequestRefused(404, 'There is no such project.')
  }
  /** What refuses costs next to nothing before the body is read: most SDKs say their key outside of it. */
  const admitEarly: RequestHandler = (request, _response, next) => {
    const given = keyOf(request, {})
    if (given !== null) admit(given, request.params.project)
    next()
  }
  const receive: RequestHandler = async (request, response) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const body = await inflateBody(raw, String(request.headers['x-content-encoding']), bodyBytes)
    const { header, items } = parseEnvelope(body)
    admit(keyOf(request, header), request.params.project)
    const traceId = (header.trace as { trace_id?: unknown } | undefined)?.trace_id
    const ids: string[] = []
    for (const item of items) {
      const id = await take(item, traceId)
      if (id !== null) ids.push(id)
    }
    response.status(200).json({ id: ids[0] ?? header.event_id })
  }
  router.post('/api/:project/envelope/', requestLimit(), admitEarly, keepEncoding, readBody, receive)
  router.use(counted(metrics))
  return router
}

/** Refuses what one address, or all of them, send too often, before anything of it is read. */
function requestLimit(): RequestHandler {
  const nowMs = () => performance.now()
  const senders = new KeyedLimiter(SENDER_RATE, nowMs)
  const all = new TokenBucket(PER_SECOND, BURST, nowMs)
  return (request, _response, next) => {
    // The sender first: what it is refused takes nothing from the others.
    const isSent = senders.take(request.socket.remoteAddress ?? '') !== undefined
    if (!isSent || all.take() > 0) throw new TooMany('')
    next()
  }
}

/** Counts what was refused, and passes it on. */
function counted(metrics: OncallMetrics): ErrorRequestHandler {
  return (error, _request, _response, next) => {
    if (error instanceof TooMany) metrics.event('limited', error.source)
    else if (error instanceof EnvelopeRefused || error instanceof RequestRefused) metrics.event('refused')
    next(error)
  }
}

function keyOf(request: Request, header: Envelope['header']): string | null {
  const auth = request.headers['x-sentry-auth']
  const query = new URLSearchParams(request.url.split('?', 2)[1] ?? '')
  return sentKey(typeof auth === 'string' ? auth : undefined, query, header)
}

/** SDKs keep silent for as long as `x-sentry-rate-limits` or else `retry-after` says, and count what they drop. */
class TooMany extends RequestRefused {
  readonly source: EventSource | undefined

  /**
   * @param category of what not to send; empty: all
   * @param source whose events are too many, when that is known
   */
  constructor(category: 'error' | '', source?: EventSource) {
    super(429, 'There are more events than are kept.', {
      'retry-after': String(SILENCE_SECONDS),
      'x-sentry-rate-limits': `${SILENCE_SECONDS}:${category}:organization`,
    })
    this.source = source
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new EnvelopeRefused(400, 'An event is not JSON.', { cause })
  }
}
