import { readFile } from 'node:fs/promises'
import type { Progress } from '../platform/cluster/cluster.ts'
import type { AbortEvidence } from './abort-rule.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { Clock } from './lab/roles.ts'
import { messageOf } from './message-of.ts'

/** An entry of the journal with its number there, from 0. */
export type NumberedEntry = { readonly seq: number; readonly entry: JournalEntry }

/** What is told of a run. Without entries it says that the runner lives. */
export type RunMessage = {
  readonly entries: readonly NumberedEntry[]
  /** Whether the journal is complete with these. */
  readonly closed: boolean
  /** What the abort rule saw last, when that is news. */
  readonly abort?: AbortEvidence
}

/** Where everybody can follow a run. It may be away at any time. */
export interface RunMirror {
  /**
   * Takes entries; those it has are left as they are.
   *
   * @throws MirrorRefused when sending the same again would be in vain
   */
  send(runId: string, message: RunMessage, signal: AbortSignal): Promise<void>
  report(runId: string, html: string, signal: AbortSignal): Promise<void>
}

/** The mirror does not take this, now or later. */
export class MirrorRefused extends Error {
  override readonly name = 'MirrorRefused'
}

export type PublishDependencies = {
  readonly mirror: RunMirror
  readonly clock: Clock
  readonly progress: Progress
}

/** Entries that wait to be mirrored; a run has a few hundred. */
const MOST_WAITING = 5_000
const MOST_AT_ONCE = 100
/** The mirror takes a runner for gone that says nothing for a minute. */
const SILENT_AT_MOST_MS = 5_000
const AGAIN_AFTER_MS = 2_000
const ANSWER_WITHIN_MS = 5_000
/** What is not mirrored by then stays in the journal alone. */
const CLOSE_WITHIN_MS = 5_000

/**
 * Mirrors a run's journal while it grows. The journal on the disk is the truth and this is a courtesy: nothing here ever
 * waits for the mirror on behalf of the run, and a mirror that is away costs one warning.
 */
export class Publisher {
  readonly #runId: string
  readonly #dependencies: PublishDependencies
  readonly #waiting: NumberedEntry[] = []
  /** Only the last counts, and only until it was told. */
  #evidence: AbortEvidence | undefined
  readonly #closing = new AbortController()
  /** Begins with the first entry. */
  #working: Promise<void> | undefined
  #seq = 0
  #hasWarned = false
  #wake: () => void = () => undefined

  constructor(runId: string, dependencies: PublishDependencies) {
    this.#runId = runId
    this.#dependencies = dependencies
  }

  /** For the journal to tell what it writes, in the order of its lines. */
  readonly tell = (entry: JournalEntry): void => {
    const seq = this.#seq++
    if (this.#waiting.length >= MOST_WAITING) {
      this.#warn('more waits than is kept')
      return
    }
    this.#waiting.push({ seq, entry })
    this.#working ??= this.#work()
    this.#wake()
  }

  /** What the abort rule sees now. */
  readonly show = (evidence: AbortEvidence): void => {
    this.#evidence = evidence
    this.#wake()
  }

  /**
   * Sends what is left and the report, as far as the time allows.
   *
   * @param reportFile HTML; it need not be there
   */
  async close(reportFile: string): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await this.#working
    const limit = AbortSignal.timeout(CLOSE_WITHIN_MS)
    try {
      await this.#flush(limit)
      const html = await readFile(reportFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
      if (html !== null) await this.#dependencies.mirror.report(this.#runId, html, limit)
    } catch (error) {
      this.#warn(messageOf(error))
    }
  }

  /** Until it is closed: sends what waits, or a sign of life. */
  async #work(): Promise<void> {
    const { clock, mirror } = this.#dependencies
    const closing = this.#closing.signal
    while (!closing.aborted) {
      const message = this.#message(false)
      try {
        const limit = AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), closing])
        await mirror.send(this.#runId, message, limit)
        this.#taken(message)
      } catch (error) {
        if (closing.aborted) return
        this.#warn(messageOf(error))
        if (error instanceof MirrorRefused) this.#taken(message)
        await clock.sleep(AGAIN_AFTER_MS, closing).catch(() => undefined)
        continue
      }
      if (this.#waiting.length === 0 && this.#evidence === undefined) await this.#untilTold(closing)
    }
  }

  /** What is told next. */
  #message(isLast: boolean): RunMessage {
    const entries = this.#waiting.slice(0, MOST_AT_ONCE)
    const closed = isLast && entries.length === this.#waiting.length
    return { entries, closed, ...(this.#evidence === undefined ? {} : { abort: this.#evidence }) }
  }

  #taken({ entries, abort }: RunMessage): void {
    this.#waiting.splice(0, entries.length)
    // There may be news since.
    if (this.#evidence === abort) this.#evidence = undefined
  }

  async #untilTold(closing: AbortSignal): Promise<void> {
    const told = new AbortController()
    this.#wake = () => told.abort()
    await this.#dependencies.clock
      .sleep(SILENT_AT_MOST_MS, AbortSignal.any([told.signal, closing]))
      .catch(() => undefined)
    this.#wake = () => undefined
  }

  /** The last message says that there are no more. */
  async #flush(limit: AbortSignal): Promise<void> {
    do {
      const message = this.#message(true)
      await this.#dependencies.mirror.send(this.#runId, message, limit)
      this.#taken(message)
    } while (this.#waiting.length > 0)
  }

  #warn(why: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#dependencies.progress(`warning: the run is not shown in the console, only kept here: ${why}`)
  }
}

/** A publisher where there is a mirror, else nothing that does nothing. */
export function publishRun(
  runId: string,
  { mirror, clock, progress }: { readonly mirror?: RunMirror } & Omit<PublishDependencies, 'mirror'>,
): Pick<Publisher, 'tell' | 'show' | 'close'> {
  if (mirror === undefined) {
    return { tell: () => undefined, show: () => undefined, close: async () => undefined }
  }
  return new Publisher(runId, { mirror, clock, progress })
}
