/** So much at once, and so much a second: what is above waits. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  readonly #nowMs: () => number
  #tokens: number
  #atMs: number

  /**
   * @param perSecond > 0
   * @param burst most that may be saved up, and what is there at the start; >= 1
   * @param nowMs a clock that never goes backwards
   */
  constructor(perSecond: number, burst: number, nowMs: () => number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#nowMs = nowMs
    this.#tokens = burst
    this.#atMs = nowMs()
  }

  /** @returns seconds to wait when there is none left, else 0 and one is gone */
  take(): number {
    const nowMs = this.#nowMs()
    const saved = ((nowMs - this.#atMs) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#burst, this.#tokens + saved)
    this.#atMs = nowMs
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#perSecond
    this.#tokens -= 1
    return 0
  }
}
