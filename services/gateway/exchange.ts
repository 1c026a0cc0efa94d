import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import {
  type AnswerHead,
  Attempt,
  type AttemptListener,
  type TryFailure,
  type UpstreamCall,
} from './attempt.ts'
import type { RetryBudget } from './budget.ts'
import type { Patience } from './config.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import type { Failures, TryNote } from './failures.ts'
import { answerHeaders } from './headers.ts'
import type { GatewayMetrics, TryKind, TryOutcome } from './metrics.ts'
import { type Problem, sendProblem } from './problem.ts'
import type { RequestTrace } from './traces.ts'

/** What all exchanges share. */
export type ExchangeContext = {
  readonly endpoints: Endpoints
  readonly budget: RetryBudget
  readonly metrics: GatewayMetrics
  readonly failures: Failures
  readonly patience: { readonly read: Patience; readonly write: Patience }
  readonly holdBytes: number
  readonly abandonMs: number
  readonly clientStallMs: number
  /** Told of every read how long an endpoint took to begin its answer, or that it took `tryMs` at least. */
  readonly onReadFirstByte: (firstByteMs: number) => void
}

export type ExchangeRequest = {
  readonly call: UpstreamCall
  /** Pattern that matched. */
  readonly route: string
  readonly requestId: string
  readonly trace: RequestTrace | undefined
  /** Whether sending it twice does what sending it once does: reads, and writes with an Idempotency-Key. */
  readonly repeatable: boolean
}

/** Statuses by which an endpoint says that another one, or a later moment, may do better. */
const RETRYABLE: ReadonlySet<number> = new Set([502, 503, 504])

/** For a try without an answer, which is never passed on. */
const NO_HEAD: AnswerHead = { status: 502, headers: {} }

/** Pause before going round the endpoints again, milliseconds; doubles, with jitter over its second half. */
const PAUSE_FIRST_MS = 25
const PAUSE_MOST_MS = 400

/**
 * One client request to its answer: tries endpoints until one answers, the deadline passes or the budget is spent.
 *
 * | what happens to a try | what follows |
 * | --- | --- |
 * | could not connect | another endpoint at once; nothing was sent, so it is free, for every method |
 * | reset, or 502/503/504 | if repeatable and the budget has a token: another endpoint, later the same ones |
 * | slower than `tryMs` | if repeatable and the budget has a token: another one beside it; the first answer wins |
 * | answered | passed on; a small answer only when it is whole, so that a broken one can be tried again |
 */
export class Exchange implements AttemptListener {
  readonly #context: ExchangeContext
  readonly #request: ExchangeRequest
  readonly #response: ServerResponse
  readonly #kind: 'read' | 'write'
  readonly #patience: Patience
  readonly #onOver: () => void
  readonly #live: Attempt[] = []
  readonly #tried: Endpoint[] = []
  /** Tries that an endpoint works on, also when nobody waits for them any more. */
  #open = 0
  #answered = false
  #anySent = false
  #rounds = 0
  #refused = false
  #settled = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  #pauseTimer: NodeJS.Timeout | undefined
  #stallTimer: NodeJS.Timeout | undefined
  #lastReason = 'no endpoint is known'
  #lastError: Error | undefined
  /** Made with the first try that fails: most requests need none. */
  #failedTries: TryNote[] | undefined

  /**
   * @param onOver called once, when the client has its answer, or has none and no endpoint works for it any more
   */
  constructor(
    context: ExchangeContext,
    request: ExchangeRequest,
    response: ServerResponse,
    onOver: () => void,
  ) {
    this.#onOver = onOver
    this.#context = context
    this.#request = request
    this.#response = response
    this.#kind = request.call.method === 'POST' ? 'write' : 'read'
    this.#patience = context.patience[this.#kind]
  }

  start(): void {
    this.#context.budget.earn()
    this.#timer = setTimeout(() => this.#deadline(), this.#patience.deadlineMs)
    this.#launch('first')
  }

  /** The client has gone: nothing more is begun. */
  cancel(): void {
    this.#settle()
  }

  overdue(attempt: Attempt): void {
    this.#context.endpoints.failed(attempt.endpoint, false)
    this.#learn(this.#patience.tryMs)
    if (!this.#request.repeatable) return
    // With every endpoint waited for already, one more request would only add load.
    if (this.#live.length >= this.#context.endpoints.size) return
    const granted = this.#context.budget.take(this.#kind)
    this.#context.metrics.hedged(granted ? 'sent' : 'refused')
    if (granted) this.#launch('hedge')
  }

  failed(attempt: Attempt, failure: TryFailure): void {
    this.#forget(attempt)
    attempt.conclude(failure.outcome, failure.reason)
    if (failure.reason === 'UND_ERR_INVALID_ARG') {
      this.#refuse()
      return
    }
    this.#context.metrics.tried(failure.outcome)
    this.#context.endpoints.failed(attempt.endpoint, failure.outcome === 'connect')
    this.#noteFailure(attempt, failure.outcome, failure.reason)
    this.#lastError = failure.error
    // The head is out: the only honest thing left is to break off.
    if (this.#response.headersSent) {
      this.#response.destroy()
      this.#tell('aborted')
      this.#settle()
    } else this.#again(attempt)
  }

  answered(attempt: Attempt): void {
    this.#forget(attempt)
    const status = attempt.head?.status ?? 0
    this.#note(attempt, status)
    this.#conclude(attempt, status)
    if (RETRYABLE.has(status) && this.#request.repeatable) this.#again(attempt)
    else this.#deliver(attempt)
  }

  streaming(attempt: Attempt): void {
    this.#note(attempt, attempt.head?.status ?? 0)
    this.#stopOthers(attempt)
    clearTimeout(this.#timer)
    clearTimeout(this.#pauseTimer)
    this.#writeHead(attempt)
    const held = attempt.held
    attempt.held = []
    for (const chunk of held) this.streamed(attempt, chunk)
  }

  streamed(attempt: Attempt, chunk: Buffer): void {
    if (this.#response.write(chunk) || this.#stallTimer !== undefined) return
    attempt.pause()
    this.#stallTimer = setTimeout(() => this.#response.destroy(), this.#context.clientStallMs)
    this.#response.once('drain', () => {
      clearTimeout(this.#stallTimer)
      this.#stallTimer = undefined
      attempt.resume()
    })
  }

  ended(attempt: Attempt): void {
    this.#forget(attempt)
    this.#conclude(attempt, attempt.head?.status ?? 0)
    this.#response.end()
    this.#answered = true
    this.#tellError(attempt)
    this.#settle()
  }

  over(): void {
    this.#open -= 1
    this.#checkOver()
  }

  #launch(kind: TryKind): void {
    if (this.#settled) return
    const { endpoints, holdBytes, abandonMs } = this.#context
    let endpoint = endpoints.pick(this.#tried)
    if (endpoint === undefined) {
      // All were tried: go round again, but not to one that is being waited for.
      this.#tried.length = 0
      endpoint = endpoints.pick(this.#live.map(attempt => attempt.endpoint))
    }
    if (endpoint === undefined) {
      if (this.#live.length === 0) this.#pause(() => this.#launch(kind))
      return
    }
    this.#tried.push(endpoint)
    const limits = { tryMs: this.#patience.tryMs, holdBytes, abandonMs }
    const trace = this.#request.trace?.try(kind, endpoint.authority)
    const attempt = new Attempt(endpoint, this, limits, kind, trace)
    this.#open += 1
    this.#live.push(attempt)
    attempt.begin(this.#request.call)
  }

  /** Decides what follows `attempt`, which brought nothing. */
  #again(attempt: Attempt): void {
    this.#anySent ||= attempt.sent
    // Another try is under way and may still be in time.
    if (this.#live.some(other => !other.isOverdue)) return
    if (!this.#request.repeatable && this.#anySent) this.#giveUp()
    else if (attempt.sent) this.#repeat()
    else {
      this.#context.metrics.retried('free')
      this.#next()
    }
  }

  /** Sends it once more if the budget allows. */
  #repeat(): void {
    if (this.#settled) return
    if (this.#context.budget.take(this.#kind)) {
      this.#context.metrics.retried('sent')
      this.#next()
      return
    }
    if (!this.#refused) this.#context.metrics.retried('refused')
    this.#refused = true
    // Writes are few and must outlast a change of the primary: they wait for a token until their deadline.
    // Reads that waited would fill the gateway just when the recommender is failing.
    if (this.#kind === 'write') this.#pause(() => this.#repeat())
    else if (this.#live.length === 0) this.#giveUp()
  }

  /** Tries a fresh endpoint at once; when all were tried, pauses first. */
  #next(): void {
    if (this.#context.endpoints.hasFresh(this.#tried)) this.#launch('retry')
    else this.#pause(() => this.#launch('retry'))
  }

  #pause(then: () => void): void {
    const mostMs = Math.min(PAUSE_MOST_MS, PAUSE_FIRST_MS * 2 ** this.#rounds)
    this.#rounds += 1
    this.#tried.length = 0
    this.#pauseTimer = setTimeout(then, mostMs * (0.5 + Math.random() / 2))
  }

  #note(attempt: Attempt, status: number): void {
    const { endpoints, metrics } = this.#context
    metrics.tried(status < 500 ? 'ok' : 'error')
    // A write's 503 tells of the database's primary, not of this endpoint.
    if (RETRYABLE.has(status)) {
      if (this.#kind === 'read') endpoints.failed(attempt.endpoint, false)
    } else if (!attempt.isOverdue) {
      endpoints.succeeded(attempt.endpoint)
      this.#learn(attempt.firstByteMs)
    }
  }

  #learn(firstByteMs: number): void {
    if (this.#kind === 'read') this.#context.onReadFirstByte(firstByteMs)
  }

  #deliver(attempt: Attempt): void {
    const body =
      attempt.held[0] !== undefined && attempt.held.length === 1
        ? attempt.held[0]
        : Buffer.concat(attempt.held)
    // Known to be whole, it needs no chunks.
    this.#writeHead(attempt, body.length > 0 ? { 'content-length': body.length } : {})
    this.#response.end(body)
    this.#answered = true
    this.#tellError(attempt)
    this.#settle()
  }

  #writeHead(attempt: Attempt, more: OutgoingHttpHeaders = {}): void {
    const { status, headers } = attempt.head ?? NO_HEAD
    this.#response.writeHead(status, { ...answerHeaders(headers, this.#request.requestId), ...more })
  }

  #deadline(): void {
    for (const attempt of [...this.#live]) this.#stop(attempt, 'timeout')
    this.#fail({
      status: 504,
      detail: `The recommender did not answer within ${this.#patience.deadlineMs} ms (${this.#lastReason}).`,
    })
  }

  #giveUp(): void {
    this.#fail({ status: 502, detail: `The recommender could not be asked (${this.#lastReason}).` })
  }

  /** The HTTP client would not send it: the request's own fault, never the endpoint's. */
  #refuse(): void {
    sendProblem(
      this.#response,
      { status: 400, detail: 'The request holds characters that HTTP does not allow.' },
      this.#request.requestId,
    )
    this.#settle()
  }

  #fail(problem: Problem): void {
    sendProblem(this.#response, problem, this.#request.requestId)
    this.#tell(String(problem.status))
    this.#settle()
  }

  #stopOthers(winner: Attempt | undefined): void {
    for (const attempt of [...this.#live]) {
      if (attempt !== winner) this.#stop(attempt, 'cancelled')
    }
  }

  #stop(attempt: Attempt, outcome: TryOutcome): void {
    this.#forget(attempt)
    if (!attempt.letGo()) return
    attempt.endpoint.breaker.abandon()
    const ended = attempt.sent ? outcome : 'connect'
    this.#context.metrics.tried(ended)
    attempt.conclude(ended)
    if (outcome === 'timeout') this.#noteFailure(attempt, ended, attempt.sent ? 'no answer' : 'no connection')
  }

  #conclude(attempt: Attempt, status: number): void {
    if (status < 500) {
      attempt.conclude('ok')
      return
    }
    const reason = `status ${status}`
    attempt.conclude('error', reason)
    this.#noteFailure(attempt, 'error', reason)
  }

  #noteFailure({ endpoint, kind }: Attempt, outcome: TryOutcome, reason: string): void {
    this.#lastReason = reason
    this.#failedTries ??= []
    this.#failedTries.push({ atMs: Date.now(), endpoint: endpoint.authority, kind, outcome, reason })
  }

  /** The recommender's own 5xx went to the client. */
  #tellError({ head }: Attempt): void {
    if (head !== undefined && head.status >= 500) this.#tell(String(head.status))
  }

  #tell(status: string): void {
    const { call, route, requestId, trace } = this.#request
    this.#context.failures.upstream({
      method: call.method,
      route,
      status,
      reason: this.#lastReason,
      requestId,
      tries: this.#failedTries ?? [],
      cause: this.#lastError,
      span: trace?.spanContext,
    })
  }

  #forget(attempt: Attempt): void {
    const index = this.#live.indexOf(attempt)
    if (index >= 0) this.#live.splice(index, 1)
  }

  #settle(): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    clearTimeout(this.#pauseTimer)
    clearTimeout(this.#stallTimer)
    this.#stopOthers(undefined)
    this.#checkOver()
  }

  /**
   * A hedge's loser does not hold an answered exchange open: there are few, and those of a dead endpoint would fill the
   * gateway. An exchange without an answer stays until its tries are over: they are what keeps the endpoints busy.
   */
  #checkOver(): void {
    if (!this.#settled || this.#isOver || (this.#open > 0 && !this.#answered)) return
    this.#isOver = true
    // Not within the HTTP client's own call: there the connection that has just become free is not yet known to be.
    queueMicrotask(this.#onOver)
  }
}
