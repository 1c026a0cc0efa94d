import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Endpoint } from './endpoints.ts'
import type { TryKind, TryOutcome } from './metrics.ts'
import type { TryTrace } from './traces.ts'

/** What is asked of the recommender; the same for every try. */
export type UpstreamCall = {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Path and query, checked. */
  readonly path: string
  /** Names and values in turn, as undici wants them. */
  readonly headers: string[]
  readonly body: Buffer | null
}

/** Why a try brought no answer. */
export type TryFailure = {
  readonly outcome: 'connect' | 'reset' | 'timeout'
  /** For the client and the log: an error code, never an address. */
  readonly reason: string
  readonly error: Error
}

/** The part of an answer that comes before its body. */
export type AnswerHead = { readonly status: number; readonly headers: IncomingHttpHeaders }

/** Whom a try tells what becomes of it. After `failed`, `answered` or `ended`, or once let go, it says only `over`. */
export type AttemptListener = {
  /** Too slow; it goes on. */
  readonly overdue: (attempt: Attempt) => void
  readonly failed: (attempt: Attempt, failure: TryFailure) => void
  /** The whole answer is there: `head` and `held`. */
  readonly answered: (attempt: Attempt) => void
  /** The answer is too large, or too slow, to be held: from now on `streamed` gets what comes after `held`. */
  readonly streaming: (attempt: Attempt) => void
  readonly streamed: (attempt: Attempt, chunk: Buffer) => void
  readonly ended: (attempt: Attempt) => void
  /** The endpoint works on it no longer, or is no longer waited for. */
  readonly over: () => void
}

/** How long a try may take, how much of its answer is kept, and how long its connection is kept once it is let go. */
export type AttemptLimits = { readonly tryMs: number; readonly holdBytes: number; readonly abandonMs: number }

/** Numeric codes exist too: an aborted signal's is 23. */
function textOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return typeof code === 'string' ? code : String(name)
}

/**
 * One try at one endpoint.
 *
 *   begin -> connecting -> sent -> head -> held, whole -> answered
 *                                        \-> streaming -> streamed ... -> ended
 *
 * Nobody can take back what was sent: the endpoint works on it to its end. So a try that is no longer wanted is let go,
 * not cut: it counts as in flight until its answer has come, which keeps the gateway from heaping new work on old.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly endpoint: Endpoint
  readonly kind: TryKind
  readonly #trace: TryTrace | undefined
  readonly #listener: AttemptListener
  readonly #limits: AttemptLimits
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #heldBytes = 0
  #streaming = false
  #letGo = false
  #over = false
  /** Whether the endpoint may have seen the request. */
  sent = false
  isOverdue = false
  head: AnswerHead | undefined
  held: Buffer[] = []
  /** From the begin to the first byte of the answer, milliseconds. */
  firstByteMs = 0
  readonly #beganAtMs = performance.now()

  /** @param trace of the try, when its request's is kept */
  constructor(
    endpoint: Endpoint,
    listener: AttemptListener,
    limits: AttemptLimits,
    kind: TryKind,
    trace: TryTrace | undefined,
  ) {
    this.endpoint = endpoint
    this.kind = kind
    this.#trace = trace
    this.#listener = listener
    this.#limits = limits
  }

  begin(call: UpstreamCall): void {
    const { endpoint } = this
    endpoint.breaker.begin()
    endpoint.inFlight += 1
    // The answer may be there already, unread, when this process itself was late: it gets read before the verdict.
    this.#timer = setTimeout(() => setImmediate(() => this.#late()), this.#limits.tryMs)
    const headers =
      this.#trace === undefined ? call.headers : [...call.headers, 'traceparent', this.#trace.traceparent]
    endpoint.pool.dispatch({ ...call, headers, idempotent: false }, this)
  }

  /** Nobody asks any more what became of it. */
  conclude(outcome: TryOutcome, reason?: string): void {
    const { head } = this
    this.#trace?.end({
      outcome,
      ...(head === undefined ? {} : { status: head.status }),
      ...(reason === undefined ? {} : { reason }),
    })
  }

  /** Nobody waits for the answer any more. Returns false when the try was over already. */
  letGo(): boolean {
    if (this.#over || this.#letGo) return false
    this.#letGo = true
    clearTimeout(this.#timer)
    // An ejected endpoint may be dead: its work would never end.
    if (!this.sent || this.#streaming || this.endpoint.breaker.open) {
      this.abandon()
      return true
    }
    this.held = []
    this.endpoint.letGo.add(this)
    this.#timer = setTimeout(() => this.abandon(), this.#limits.abandonMs)
    return true
  }

  /** Cuts the connection. */
  abandon(): void {
    if (!this.#finish()) return
    // Before the request is sent there is nothing to abort: onRequestStart does it.
    this.#controller?.abort(new Error('abandoned'))
    this.#listener.over()
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    // After its end the connection serves another try, whose pauses are not ours to end.
    if (!this.#over) this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over) controller.abort(new Error('abandoned'))
    else this.sent = true
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#over || this.#letGo || status < 200) return
    this.firstByteMs = performance.now() - this.#beganAtMs
    this.head = { status, headers }
    if (Number(headers['content-length'] ?? 0) > this.#limits.holdBytes) this.#stream()
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    this.#heldBytes += chunk.length
    if (this.#letGo) {
      if (this.#heldBytes > this.#limits.holdBytes) this.abandon()
      return
    }
    if (this.#streaming) {
      this.#listener.streamed(this, chunk)
      return
    }
    this.held.push(chunk)
    if (this.#heldBytes > this.#limits.holdBytes) this.#stream()
  }

  onResponseEnd(): void {
    if (!this.#finish()) return
    if (this.#streaming) this.#listener.ended(this)
    else if (!this.#letGo) this.#listener.answered(this)
    this.#listener.over()
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#finish()) return
    const reason = textOf(error)
    const outcome = !this.sent ? 'connect' : reason === 'UND_ERR_BODY_TIMEOUT' ? 'timeout' : 'reset'
    if (!this.#letGo) this.#listener.failed(this, { outcome, reason, error })
    this.#listener.over()
  }

  #late(): void {
    if (this.#over || this.#letGo || this.#streaming) return
    // An answer of unknown length that has begun is being made piece by piece: pass it on as it comes.
    const growing = this.head !== undefined && this.head.headers['content-length'] === undefined
    if (growing) this.#stream()
    else {
      this.isOverdue = true
      this.#listener.overdue(this)
    }
  }

  #stream(): void {
    clearTimeout(this.#timer)
    this.#streaming = true
    this.#listener.streaming(this)
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    clearTimeout(this.#timer)
    this.endpoint.letGo.delete(this)
    this.endpoint.inFlight -= 1
    return true
  }
}
