import type { IncomingHttpHeaders } from 'node:http'
import {
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { TryKind, TryOutcome } from './metrics.ts'

/** How one try ended: `status` when an answer came. */
export type TryEnd = { readonly outcome: TryOutcome; readonly status?: number; readonly reason?: string }

/**
 * The spans of a gateway, made by hand: the instrumentation of `node:http` and `undici` works for each request, this only
 * for those that are sampled. Of all others it makes one id that goes on to the recommender, so that both decide alike.
 *
 *   GET /songs/:hash            server, from the first byte of the request to the end of its answer
 *     +- try recommender        client, one for each try: first, retry or hedge
 *          +- GET /songs/...    the recommender's own
 */
export class GatewayTraces {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  begin(headers: IncomingHttpHeaders): RequestTrace {
    const parent =
      headers.traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers)
    const span = this.#tracer.startSpan('request', { kind: SpanKind.SERVER }, parent)
    return new RequestTrace(this.#tracer, span, trace.getSpanContext(parent) !== undefined)
  }
}

/** The trace of one client request. */
export class RequestTrace {
  readonly #tracer: Tracer
  readonly #span: Span
  readonly spanContext: SpanContext
  readonly sampled: boolean
  /** Whether the client began this trace; otherwise what it says about it is not passed on. */
  readonly continued: boolean

  constructor(tracer: Tracer, span: Span, continued: boolean) {
    this.#tracer = tracer
    this.#span = span
    this.continued = continued
    this.spanContext = span.spanContext()
    this.sampled = (this.spanContext.traceFlags & TraceFlags.SAMPLED) !== 0
  }

  /** Id to find the trace by, when it is kept at all. */
  get keptTraceId(): string | undefined {
    return this.sampled ? this.spanContext.traceId : undefined
  }

  /** What tells the recommender which trace it works for; `undefined` for a trace of which each try tells itself. */
  get traceparent(): string | undefined {
    return this.sampled || !isSpanContextValid(this.spanContext) ? undefined : traceparentOf(this.spanContext)
  }

  /** Begins the span of one try; `undefined` when the trace is not kept. */
  try(kind: TryKind, authority: string): TryTrace | undefined {
    if (!this.sampled) return undefined
    const [address = authority, port = ''] = authority.split(':')
    const attributes = {
      'peer.service': 'recommender',
      'server.address': address,
      'server.port': Number(port),
      'gateway.try': kind,
    }
    const span = this.#tracer.startSpan(
      'try recommender',
      { kind: SpanKind.CLIENT, attributes },
      trace.setSpan(ROOT_CONTEXT, this.#span),
    )
    return new TryTrace(span)
  }

  /** Something that happened to the request as a whole, such as being shed. */
  note(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.sampled) this.#span.addEvent(name, attributes)
  }

  end(request: { method: string; route: string; path: string; status: string; requestId: string }): void {
    if (!this.sampled) return
    const { method, route, path, status, requestId } = request
    this.#span.updateName(`${method} ${route}`)
    this.#span.setAttributes({
      'http.request.method': method,
      'http.route': route,
      'url.path': path,
      'http.response.status_code': status === 'aborted' ? status : Number(status),
      'request.id': requestId,
    })
    if (status === 'aborted' || Number(status) >= 500)
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: status })
    this.#span.end()
  }
}

/** The span of one try. Ends once; what is said later is not heard. */
export class TryTrace {
  readonly #span: Span
  readonly traceparent: string

  constructor(span: Span) {
    this.#span = span
    this.traceparent = traceparentOf(span.spanContext())
  }

  end({ outcome, status, reason }: TryEnd): void {
    this.#span.setAttribute('gateway.outcome', outcome)
    if (status !== undefined) this.#span.setAttribute('http.response.status_code', status)
    // Who was cancelled lost a race or its client; that is no failure of the one who was asked.
    if (outcome !== 'ok' && outcome !== 'cancelled') {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: reason ?? outcome })
    }
    this.#span.end()
  }
}

/** The header of W3C Trace Context. Written here because it is needed for each request, and a carrier is not. */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
}
