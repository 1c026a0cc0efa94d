/** How much may be repeated. */
export type BudgetLimits = {
  /** Repeated requests earned by one first request; 0 to 1. */
  readonly ratio: number
  /** Most tokens saved up, and those at the start. */
  readonly burst: number
  /** Tokens that come with time, per second, so that a gateway with little traffic can repeat at all. */
  readonly perSecond: number
}

/**
 * Token bucket that keeps repeated requests (retries and hedges) at a share of the first ones, so that the gateway
 * cannot multiply the load of an upstream that is already failing.
 */
export class RetryBudget {
  readonly #limits: BudgetLimits
  readonly #nowMs: () => number
  #tokens: number
  #refilledAtMs: number

  constructor(limits: BudgetLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
    this.#tokens = limits.burst
    this.#refilledAtMs = nowMs()
  }

  /** A first request was sent: earns `ratio` of a token. */
  earn(): void {
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + this.#limits.ratio)
  }

  /**
   * Takes one token; false when there is none. Writes leave half of the burst alone: while the database elects a new
   * primary they would spend everything in a second, and the reads that the same lost zone slows down need it then.
   */
  take(kind: 'read' | 'write'): boolean {
    const nowMs = this.#nowMs()
    const grown = this.#tokens + ((nowMs - this.#refilledAtMs) / 1000) * this.#limits.perSecond
    this.#refilledAtMs = nowMs
    this.#tokens = Math.min(this.#limits.burst, grown)
    // Ten tenths must make one token: without the tolerance the sum in binary stays just below it.
    const kept = kind === 'write' ? Math.floor(this.#limits.burst / 2) : 0
    if (this.#tokens < kept + 1 - 1e-9) return false
    this.#tokens = Math.max(0, this.#tokens - 1)
    return true
  }
}
