import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type EventStreams, type Kubernetes, reasonOf } from './kubernetes.ts'

export type Pace = {
  /** How long the server lets a stream go on, seconds; a whole number > 0. All is listed again as often. */
  readonly streamSeconds: number
  /** A stream that goes on this much longer is dead, however open its connection looks. */
  readonly graceMs: number
  /** Before the first attempt after a failure; each failure that follows at once doubles it. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
}

/** A stream may die without a sound when a network is cut: less than 12 s lie between two lists, whatever happens. */
export const PACE: Pace = { streamSeconds: 9, graceMs: 2_500, firstPauseMs: 250, longestPauseMs: 4_000 }

/** A stream that went on for less is as good as none. */
const SHORT_MS = 1_000

export type Followed = {
  /** Of the collection, from the root. */
  readonly path: string
  /** `labelSelector=...` or `fieldSelector=...`, encoded. */
  readonly selector: string
  /** All that there are, listed just now. When it fails, all is listed again after a pause. */
  readonly onList: (items: readonly unknown[]) => void | Promise<void>
  readonly onChange: (object: unknown, isGone: boolean) => void
  /** Why it does not know what there is; it goes on trying. */
  readonly onProblem: (error: unknown) => void
}

const LIST = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
})
const EVENT = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: z.unknown() }),
  z.object({ type: z.literal('ERROR'), object: z.object({ code: z.number(), message: z.string() }) }),
])

/** Knows what there is of something in the API: lists it, then is told what changes, then lists it again. */
export class Follower {
  readonly #kubernetes: Pick<Kubernetes, 'get'> & EventStreams
  readonly #followed: Followed
  readonly #pace: Pace
  /** Of what it waits for at present: a stream or the end of a pause. */
  #waiting: AbortController | null = null

  constructor(kubernetes: Pick<Kubernetes, 'get'> & EventStreams, followed: Followed, pace: Pace = PACE) {
    this.#kubernetes = kubernetes
    this.#followed = followed
    this.#pace = pace
  }

  /** Lists at once, unless it is at it. */
  refresh(): void {
    this.#waiting?.abort()
  }

  async follow(until: AbortSignal): Promise<void> {
    until.addEventListener('abort', () => this.refresh(), { once: true })
    let failures = 0
    while (!until.aborted) {
      try {
        const version = await this.#list()
        if (until.aborted) return
        await this.#watch(version)
        failures = 0
      } catch (error) {
        if (until.aborted) return
        this.#followed.onProblem(error)
        const { firstPauseMs, longestPauseMs } = this.#pace
        await this.#pause(Math.min(longestPauseMs, firstPauseMs * 2 ** failures))
        failures++
      }
    }
  }

  /** @returns the version that changes are told from */
  async #list(): Promise<string> {
    const { path, selector, onList } = this.#followed
    const answer = await this.#kubernetes.get(`${path}?${selector}`)
    if (answer.status !== 200) throw new Error(reasonOf(answer))
    const { metadata, items } = LIST.parse(answer.body)
    await onList(items)
    return metadata.resourceVersion
  }

  /** Until all is to be listed again. */
  async #watch(version: string): Promise<void> {
    const { path, selector, onChange } = this.#followed
    const { streamSeconds, graceMs } = this.#pace
    const query = `${selector}&watch=1&resourceVersion=${encodeURIComponent(version)}&timeoutSeconds=${streamSeconds}`
    const beganMs = performance.now()
    const waiting = new AbortController()
    const silent = new Error(`a stream of ${streamSeconds} s has not ended in time: its connection is dead`)
    const deadline = setTimeout(() => waiting.abort(silent), streamSeconds * 1000 + graceMs)
    this.#waiting = waiting
    try {
      for await (const line of this.#kubernetes.events(`${path}?${query}`, waiting.signal)) {
        const event = EVENT.parse(line)
        // 410: what happened since that version is forgotten.
        if (event.type === 'ERROR')
          throw new Error(reasonOf({ status: event.object.code, body: event.object }))
        onChange(event.object, event.type === 'DELETED')
      }
    } catch (error) {
      if (!waiting.signal.aborted) throw error
    } finally {
      clearTimeout(deadline)
      this.#waiting = null
    }
    if (waiting.signal.reason === silent) throw silent
    if (waiting.signal.aborted || performance.now() - beganMs >= SHORT_MS) return
    throw new Error('the API server ended a stream as soon as it had begun')
  }

  async #pause(ms: number): Promise<void> {
    const waiting = new AbortController()
    this.#waiting = waiting
    await sleep(ms, undefined, { signal: waiting.signal }).catch(() => undefined)
    this.#waiting = null
  }
}
