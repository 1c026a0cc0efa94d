/** How often something may happen: `burst` times at once, then once in `everyMs`. */
export type RateLimit = { readonly burst: number; readonly everyMs: number }

type Bucket = { tokens: number; filledAtMs: number; refused: number }

/** Keys kept; what has been quiet longest is forgotten first. */
const MOST_KEYS = 256

/** Lets each key happen at its rate, and counts what it refused meanwhile. */
export class KeyedLimiter {
  readonly #limit: RateLimit
  readonly #nowMs: () => number
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: RateLimit, nowMs: () => number) {
    this.#limit = limit
    this.#nowMs = nowMs
  }

  /** How many were refused since the last that was let through, or undefined: this one is refused too. */
  take(key: string): number | undefined {
    const nowMs = this.#nowMs()
    const { burst, everyMs } = this.#limit
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs, refused: 0 }
    // Put back at the end: the order of a Map is that of insertion.
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MOST_KEYS) this.#forgetOldest()
    bucket.tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.filledAtMs) / everyMs)
    bucket.filledAtMs = nowMs
    if (bucket.tokens < 1) {
      bucket.refused += 1
      return undefined
    }
    bucket.tokens -= 1
    const { refused } = bucket
    bucket.refused = 0
    return refused
  }

  #forgetOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest)
      return
    }
  }
}
