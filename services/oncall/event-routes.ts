import express, { type Request, type Response, Router } from 'express'
import type { OncallContext } from './context.ts'
import { type EnvelopeItem, EnvelopeRefused, inflateBody, parseEnvelope, sentKey } from './envelope.ts'
import { readEvent } from './error-event.ts'
import { RequestRefused, refuseDeepJson } from './problem.ts'
import { isSameSecret } from './session.ts'
import { TokenBucket } from './token-bucket.ts'

/** The one project there is: the lab. */
const PROJECT = '1'
const BURST_SECONDS = 10
/** How long SDKs are asked to be silent when there are too many, at least. */
const SILENCE_SECONDS = 5

/** Sentry's envelope endpoint: whatever speaks to a DSN can send its events here. */
export function eventRoutes(context: OncallContext): Router {
  const { config, events, log, metrics, nowMs } = context
  const { bodyBytes, key, perSecond } = config.events
  const bucket = new TokenBucket(perSecond, perSecond * BURST_SECONDS, () => performance.now())
  const router = Router()

  /** @returns the event's id when the item was one; what is thrown concerns the whole envelope */
  const take = async (item: EnvelopeItem, traceId: unknown): Promise<string | null> => {
    if (item.type !== 'event') {
      metrics.itemDropped(item.type)
      return null
    }
    const seconds = bucket.take()
    if (seconds > 0) throw tooMany(seconds)
    refuseDeepJson(item.body)
    const seen = readEvent(parseJson(item.body), traceId, nowMs())
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
  router.post('/api/:project/envelope/', keepEncoding, readBody, async (request, response) => {
    try {
      const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const body = await inflateBody(raw, String(request.headers['x-content-encoding']), bodyBytes)
      const { header, items } = parseEnvelope(body)
      const auth = request.headers['x-sentry-auth']
      const query = new URLSearchParams(request.url.split('?', 2)[1] ?? '')
      const given = sentKey(typeof auth === 'string' ? auth : undefined, query, header)
      if (given === null || !isSameSecret(given, key)) {
        throw new RequestRefused(403, 'The key of the DSN is not known.')
      }
      if (request.params.project !== PROJECT) throw new RequestRefused(404, 'There is no such project.')
      const traceId = (header.trace as { trace_id?: unknown } | undefined)?.trace_id
      const ids: string[] = []
      for (const item of items) {
        const id = await take(item, traceId)
        if (id !== null) ids.push(id)
      }
      response.status(200).json({ id: ids[0] ?? header.event_id })
    } catch (error) {
      if (error instanceof EnvelopeRefused) metrics.event('refused')
      if (error instanceof RequestRefused) metrics.event(error.status === 429 ? 'limited' : 'refused')
      throw error
    }
  })
  return router
}

/** SDKs keep silent for as long as `x-sentry-rate-limits` says, and count what they drop. */
function tooMany(seconds: number): RequestRefused {
  const wait = Math.max(SILENCE_SECONDS, Math.ceil(seconds))
  return new RequestRefused(429, 'There are more events than are kept.', {
    'retry-after': String(wait),
    'x-sentry-rate-limits': `${wait}:error:organization`,
  })
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new EnvelopeRefused(400, 'An event is not JSON.', { cause })
  }
}
