/** When an endpoint is left alone. */
export type BreakerLimits = {
  /** Consecutive failures that eject. */
  readonly failures: number
  /** How long, milliseconds. */
  readonly ejectMs: number
}

/**
 * Circuit breaker of one endpoint.
 *
 *   closed --failures in a row, or one to connect--> open --ejectMs--> one probe --answered--> closed
 *                                                     ^----------------- failed ----'
 */
export class Breaker {
  readonly #limits: BreakerLimits
  readonly #nowMs: () => number
  #failuresInARow = 0
  #openUntilMs: number | null = null
  #probing = false

  constructor(limits: BreakerLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  /** Whether the endpoint is ejected, being probed included. */
  get open(): boolean {
    return this.#openUntilMs !== null
  }

  /** Whether a request may go there now. */
  get admits(): boolean {
    return this.#openUntilMs === null || (!this.#probing && this.#nowMs() >= this.#openUntilMs)
  }

  /** A request goes there; after an ejection the first one is the probe, and keeps the others away. */
  begin(): void {
    if (this.#openUntilMs !== null && this.#nowMs() >= this.#openUntilMs) this.#probing = true
  }

  /** The endpoint answered. Returns true when that closed the breaker. */
  succeed(): boolean {
    const closed = this.#openUntilMs !== null
    this.#failuresInARow = 0
    this.#openUntilMs = null
    this.#probing = false
    return closed
  }

  /**
   * The endpoint failed; `hard` failures eject at once, others after some in a row and if they may. Returns true when
   * that opened the breaker, or opened it again after a probe.
   */
  fail(hard: boolean, mayEject: boolean): boolean {
    this.#failuresInARow += 1
    // Late failures of requests sent before the ejection say nothing new: only a probe prolongs it.
    if (this.#openUntilMs !== null && !this.#probing) return false
    const enough = this.#failuresInARow >= this.#limits.failures && mayEject
    if (!hard && !this.#probing && !enough) return false
    this.#openUntilMs = this.#nowMs() + this.#limits.ejectMs
    this.#probing = false
    return true
  }

  /** The request was given up before the endpoint showed anything: the next one may probe. */
  abandon(): void {
    this.#probing = false
  }
}
