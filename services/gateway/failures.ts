import type { SpanContext } from '@opentelemetry/api'
import { KeyedLimiter, type RateLimit } from '../../instrumentation/rate-limit.ts'
import type { Breadcrumb, Telemetry } from '../../instrumentation/telemetry.ts'
import type { TryKind, TryOutcome } from './metrics.ts'
import type { RecentChanges } from './recent.ts'

/** What became of one try that brought no good answer. */
export type TryNote = {
  /** Unix time, milliseconds. */
  readonly atMs: number
  readonly endpoint: string
  readonly kind: TryKind
  readonly outcome: TryOutcome
  readonly reason: string
}

/** A request whose client got 5xx, or the beginning of an answer only, because of the recommender. */
export type UpstreamFailure = {
  readonly method: string
  /** Pattern that matched. */
  readonly route: string
  /** Status that the client got, or `aborted`. */
  readonly status: string
  /** Why the last try failed: an error code or a status, never an address. */
  readonly reason: string
  readonly requestId: string
  readonly tries: readonly TryNote[]
  readonly cause: Error | undefined
  readonly span: SpanContext | undefined
}

type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void

/** In an outage every request fails alike. */
const FAILURE_RATE: RateLimit = { burst: 3, everyMs: 10_000 }

/** How far back the changes go that are told with a failure, milliseconds. */
const LOOK_BACK_MS = 60_000

/** An upstream failure as error trackers show it. */
class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
}

/** Tells log and error tracker of requests that failed; few of many that fail alike. */
export class Failures {
  readonly #report: Telemetry['report']
  readonly #log: Log
  readonly #recent: RecentChanges
  readonly #limiter: KeyedLimiter
  readonly #nowMs: () => number

  /** @param nowMs Unix time */
  constructor(report: Telemetry['report'], log: Log, recent: RecentChanges, nowMs: () => number) {
    this.#report = report
    this.#log = log
    this.#recent = recent
    this.#nowMs = nowMs
    this.#limiter = new KeyedLimiter(FAILURE_RATE, nowMs)
  }

  /** The recommender failed a client. */
  upstream(failure: UpstreamFailure): void {
    const { method, route, status, reason, requestId, tries, cause, span } = failure
    const fingerprint = ['gateway', 'upstream', `${method} ${route}`, status, reason]
    const suppressed = this.#admit(fingerprint, span)
    if (suppressed === undefined) return
    this.#log('request failed', {
      ...traceFields(span),
      requestId,
      method,
      route,
      status,
      reason,
      tries: tries.length,
      suppressed,
    })
    const message = `The recommender failed ${method} ${route}: ${status} (${reason})`
    this.#report?.({
      error: new UpstreamError(message, cause === undefined ? {} : { cause }),
      level: 'error',
      fingerprint,
      route,
      method,
      tags: { status, reason, requestId },
      extra: { tries: tries.length, suppressed },
      breadcrumbs: this.#breadcrumbs(tries),
      ...(span === undefined ? {} : { span }),
    })
  }

  /** The gateway itself failed on a request. */
  handler(failure: {
    readonly error: unknown
    readonly method: string
    readonly route: string
    readonly requestId: string
    readonly span: SpanContext | undefined
  }): void {
    const { error, method, route, requestId, span } = failure
    const fingerprint = ['gateway', 'handler', `${method} ${route}`, nameOf(error)]
    const suppressed = this.#admit(fingerprint, span)
    if (suppressed === undefined) return
    this.#log('handler failed', { ...traceFields(span), requestId, error: stackOf(error), suppressed })
    this.#report?.({
      error,
      level: 'error',
      fingerprint,
      route,
      method,
      tags: { requestId },
      extra: { suppressed },
      breadcrumbs: this.#breadcrumbs([]),
      ...(span === undefined ? {} : { span }),
    })
  }

  /** An error that nobody caught. The gateway goes on. */
  stray(event: 'uncaught exception' | 'unhandled rejection', error: unknown): void {
    const fingerprint = ['gateway', event, nameOf(error)]
    const suppressed = this.#admit(fingerprint, undefined)
    if (suppressed === undefined) return
    this.#log(event, { error: stackOf(error), suppressed })
    this.#report?.({
      error,
      level: 'fatal',
      fingerprint,
      extra: { suppressed },
      breadcrumbs: this.#breadcrumbs([]),
    })
  }

  /** Failures whose trace was kept are few and worth most: they have an allowance of their own. */
  #admit(fingerprint: readonly string[], span: SpanContext | undefined): number | undefined {
    return this.#limiter.take([isKept(span), ...fingerprint].join('\n'))
  }

  #breadcrumbs(tries: readonly TryNote[]): readonly Breadcrumb[] {
    const changes = this.#recent.since(this.#nowMs() - LOOK_BACK_MS)
    return [...changes, ...tries.map(tryBreadcrumb)].sort((left, right) => left.atMs - right.atMs)
  }
}

function tryBreadcrumb({ atMs, endpoint, kind, outcome, reason }: TryNote): Breadcrumb {
  return {
    atMs,
    category: 'try',
    message: `${kind} try at ${endpoint}: ${outcome}`,
    level: 'warning',
    data: { endpoint, kind, outcome, reason },
  }
}

/** W3C: the lowest bit of the flags says that the trace is kept. */
const isKept = (span: SpanContext | undefined): boolean => span !== undefined && (span.traceFlags & 1) === 1

/** Fields by which a line of the log is found from its trace, and the trace from the line. */
function traceFields(span: SpanContext | undefined): Readonly<Record<string, string>> {
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)
const stackOf = (error: unknown): string => (error instanceof Error ? String(error.stack) : String(error))
