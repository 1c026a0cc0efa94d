import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import { exemplarRegistry } from '../../instrumentation/exposition.ts'
import { SIGNALS } from '../../instrumentation/signals.ts'

/** How one try at an endpoint ended. Only `connect` sent nothing. */
export const TRY_OUTCOMES = ['ok', 'error', 'reset', 'timeout', 'cancelled', 'connect'] as const
export type TryOutcome = (typeof TRY_OUTCOMES)[number]

/** What a try is to its request: the first, one after a failed one, or one beside a slow one. */
export type TryKind = 'first' | 'retry' | 'hedge'

/** `free`: the try before had sent nothing, so repeating it multiplies nothing and costs no budget. */
export type RetryOutcome = 'sent' | 'free' | 'refused'
export type HedgeOutcome = 'sent' | 'refused'
export type ShedReason = 'queue_full' | 'queue_wait'
export type LookupOutcome = 'ok' | 'failed'

/** Methods that get a label of their own; a client can send any word. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

const { metrics: NAMES, latencyBucketsSeconds } = SIGNALS

const described = (metric: { readonly name: string; readonly help: string }, registry: Registry) => ({
  name: metric.name,
  help: metric.help,
  registers: [registry],
})

/** Everything the gateway tells about itself. Children are bound once: binding on each request shows in profiles. */
export class GatewayMetrics {
  readonly registry: Registry = exemplarRegistry()
  /** Client requests being answered. */
  inFlight = 0
  readonly #duration: Histogram
  readonly #durations = new Map<string, Histogram.Internal<string>>()
  readonly #tries: ReadonlyMap<TryOutcome, Counter.Internal>
  readonly #retries: ReadonlyMap<RetryOutcome, Counter.Internal>
  readonly #hedges: ReadonlyMap<HedgeOutcome, Counter.Internal>
  readonly #shed: ReadonlyMap<ShedReason, Counter.Internal>
  readonly #breakerOpen: Gauge
  readonly #lookups: ReadonlyMap<LookupOutcome, Counter.Internal>
  readonly #lookupDuration: Gauge

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    const counters = <Value extends string>(
      metric: { readonly name: string; readonly help: string; readonly labels: readonly string[] },
      values: readonly Value[],
    ): ReadonlyMap<Value, Counter.Internal> => {
      const counter = new Counter({ ...described(metric, this.registry), labelNames: [...metric.labels] })
      return new Map(values.map(value => [value, counter.labels(value)]))
    }
    this.#duration = new Histogram({
      ...described(NAMES.gatewayRequestDuration, this.registry),
      labelNames: [...NAMES.gatewayRequestDuration.labels],
      buckets: [...latencyBucketsSeconds],
      enableExemplars: true,
    })
    this.#tries = counters(NAMES.gatewayUpstreamRequests, TRY_OUTCOMES)
    this.#retries = counters(NAMES.gatewayRetries, ['sent', 'free', 'refused'])
    this.#hedges = counters(NAMES.gatewayHedges, ['sent', 'refused'])
    this.#shed = counters(NAMES.gatewayShed, ['queue_full', 'queue_wait'])
    this.#breakerOpen = new Gauge({
      ...described(NAMES.gatewayBreakerOpen, this.registry),
      labelNames: [...NAMES.gatewayBreakerOpen.labels],
    })
    this.#lookups = counters(NAMES.gatewayLookups, ['ok', 'failed'])
    this.#lookupDuration = new Gauge(described(NAMES.gatewayLookupDuration, this.registry))
    new Gauge({
      ...described(NAMES.processClock, this.registry),
      collect() {
        this.set(Date.now() / 1000)
      },
    })
    const metrics = this
    new Gauge({
      ...described(NAMES.gatewayInFlight, this.registry),
      collect() {
        this.set(metrics.inFlight)
      },
    })
    // A counter that appears only with its first failure hides that failure from rate(): all start at 0.
    for (const bound of [this.#tries, this.#retries, this.#hedges, this.#shed, this.#lookups]) {
      for (const child of bound.values()) child.inc(0)
    }
  }

  /**
   * A client request was answered. `route` is the pattern that matched, `status` the code sent or `aborted`, `traceId` that
   * of a trace that was kept: it becomes the example of its bucket.
   */
  answered(method: string, route: string, status: string, seconds: number, traceId?: string): void {
    if (traceId !== undefined) {
      this.#duration.observe({
        labels: { method: METHODS.has(method) ? method : 'other', route, status },
        value: seconds,
        exemplarLabels: { trace_id: traceId },
      })
      return
    }
    const key = `${method} ${route} ${status}`
    let child = this.#durations.get(key)
    if (child === undefined) {
      child = this.#duration.labels(METHODS.has(method) ? method : 'other', route, status)
      if (METHODS.has(method)) this.#durations.set(key, child)
    }
    child.observe(seconds)
  }

  tried(outcome: TryOutcome): void {
    this.#tries.get(outcome)?.inc()
  }

  retried(outcome: RetryOutcome): void {
    this.#retries.get(outcome)?.inc()
  }

  hedged(outcome: HedgeOutcome): void {
    this.#hedges.get(outcome)?.inc()
  }

  shed(reason: ShedReason): void {
    this.#shed.get(reason)?.inc()
  }

  lookedUp(outcome: LookupOutcome, seconds: number): void {
    this.#lookups.get(outcome)?.inc()
    this.#lookupDuration.set(seconds)
  }

  breaker(endpoint: string, open: boolean): void {
    this.#breakerOpen.labels(endpoint).set(open ? 1 : 0)
  }

  endpointGone(endpoint: string): void {
    this.#breakerOpen.remove(endpoint)
  }
}
