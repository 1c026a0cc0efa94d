import type { ShedReason } from './metrics.ts'

export type AdmissionLimits = {
  /** The adaptive limit stays within these. */
  readonly concurrencyMin: number
  readonly concurrencyMax: number
  /** The limit falls while the median time to the first byte is above, milliseconds. */
  readonly latencyTargetMs: number
  readonly queueLength: number
  readonly queueWaitMs: number
}

/** A request at the door. Exactly one of `run` and `shed` is called, unless it leaves first. */
export type Visitor = {
  readonly run: () => void
  readonly shed: (reason: ShedReason) => void
}

/** Samples and time that one decision about the limit takes at least. */
const WINDOW_SAMPLES = 20
const WINDOW_MS = 250
/** The limit shrinks as far as the median is above the target, but no faster and no slower than this. */
const SHRINK_LEAST = 0.9
const SHRINK_MOST = 0.5

type Waiting = { readonly visitor: Visitor; readonly untilMs: number }

/**
 * Door of the gateway: lets as many requests through at a time as the recommender answers quickly, keeps a few waiting
 * for a moment, and turns the rest away at once. What is turned away costs little; what waits long costs everybody.
 *
 * The limit follows the *median* time to the first byte of a window: in an overload every request is slow, whereas
 * with a dead database member or zone only some are, and then requests must be kept, not shed.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #nowMs: () => number
  readonly #queue: Waiting[] = []
  #queueTimer: NodeJS.Timeout | undefined
  #limit: number
  #inside = 0
  #mostInside = 0
  #samplesMs: number[] = []
  #windowStartMs: number

  constructor(limits: AdmissionLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
    this.#limit = limits.concurrencyMax
    this.#windowStartMs = nowMs()
  }

  /** Requests that may be inside at a time now. */
  get limit(): number {
    return this.#limit
  }

  /** Lets `visitor` run now, later or never. Returns what to call when it leaves, whatever became of it. */
  enter(visitor: Visitor): () => void {
    if (this.#inside < this.#limit) return this.#admit(visitor)
    if (this.#queue.length >= this.#limits.queueLength) {
      visitor.shed('queue_full')
      return () => {}
    }
    let leave = (): void => {
      const index = this.#queue.indexOf(waiting)
      if (index >= 0) this.#queue.splice(index, 1)
    }
    const run = (): void => {
      leave = this.#admit(visitor)
    }
    const waiting: Waiting = {
      visitor: { run, shed: visitor.shed },
      untilMs: this.#nowMs() + this.#limits.queueWaitMs,
    }
    this.#queue.push(waiting)
    this.#watchQueue()
    return () => leave()
  }

  /** Learns how long the recommender took to begin a good answer, milliseconds. */
  learn(firstByteMs: number): void {
    this.#samplesMs.push(firstByteMs)
    const nowMs = this.#nowMs()
    if (this.#samplesMs.length < WINDOW_SAMPLES || nowMs - this.#windowStartMs < WINDOW_MS) return
    const sorted = this.#samplesMs.sort((left, right) => left - right)
    const medianMs = sorted[sorted.length >> 1] ?? 0
    const { latencyTargetMs, concurrencyMin, concurrencyMax } = this.#limits
    if (medianMs > latencyTargetMs) {
      const shrink = Math.min(SHRINK_LEAST, Math.max(SHRINK_MOST, latencyTargetMs / medianMs))
      this.#limit = Math.max(concurrencyMin, Math.floor(this.#limit * shrink))
    }
    // A limit that was not reached shows nothing about what a higher one would do.
    else if (this.#mostInside >= this.#limit) {
      this.#limit = Math.min(concurrencyMax, this.#limit + Math.ceil(Math.sqrt(this.#limit)))
    }
    this.#samplesMs = []
    this.#windowStartMs = nowMs
    this.#mostInside = this.#inside
  }

  #admit(visitor: Visitor): () => void {
    this.#inside += 1
    if (this.#inside > this.#mostInside) this.#mostInside = this.#inside
    let left = false
    visitor.run()
    return () => {
      if (left) return
      left = true
      this.#inside -= 1
      this.#admitWaiting()
    }
  }

  #admitWaiting(): void {
    while (this.#inside < this.#limit) {
      const next = this.#queue.shift()
      if (next === undefined) return
      next.visitor.run()
    }
  }

  /** One timer for the oldest in the queue: all wait equally long, so it is always the first to give up. */
  #watchQueue(): void {
    const oldest = this.#queue[0]
    if (oldest === undefined || this.#queueTimer !== undefined) return
    this.#queueTimer = setTimeout(
      () => {
        this.#queueTimer = undefined
        while (this.#queue[0] !== undefined && this.#queue[0].untilMs <= this.#nowMs()) {
          this.#queue.shift()?.visitor.shed('queue_wait')
        }
        this.#watchQueue()
      },
      Math.max(1, Math.ceil(oldest.untilMs - this.#nowMs())),
    )
    // Who waits has a connection open, which is what keeps the process alive.
    this.#queueTimer.unref()
  }
}
