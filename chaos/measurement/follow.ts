import { type FileHandle, open } from 'node:fs/promises'
import { MachineryError } from '../../platform/errors.ts'
import type { Clock, LoadGenerator } from '../lab/roles.ts'
import { DamagedSamples, type LoadRecord, SampleParser } from './samples.ts'

/** Between a broken stream and the next try: long enough not to hammer an API server that has trouble of its own. */
const RESUME_AFTER_MS = 500

/** How often the generator is asked whether it still runs. */
const ASK_EVERY_MS = 1_000

/** A stream that brings nothing for this long although there is more to bring is taken for dead. */
const STALLED_AFTER_MS = 8_000

/** How long the generator may be out of reach before the run gives it up. */
const GIVE_UP_AFTER_MS = 60_000

export type FollowerOptions = {
  readonly generator: Pick<LoadGenerator, 'stream' | 'state' | 'sampleBytes'>
  readonly clock: Clock
  /** Where the raw bytes go while they come. */
  readonly file: string
}

/**
 * Brings the samples here while the load runs. A stream that breaks is taken up again at the next byte, so every
 * sample arrives exactly once.
 */
export class SampleFollower {
  readonly #options: FollowerOptions
  readonly #parser = new SampleParser()
  readonly #records: LoadRecord[] = []
  readonly #first = Promise.withResolvers<number>()
  #bytes = 0
  #lastByteMs = 0
  #resumed = 0
  #stream = new AbortController()

  constructor(options: FollowerOptions) {
    this.#options = options
    // A run that ends before the first sample has another error to tell.
    this.#first.promise.catch(() => undefined)
  }

  /** Start of the earliest request in the first bytes, Unix milliseconds on the generator's clock. */
  get firstStartMs(): Promise<number> {
    return this.#first.promise
  }

  get records(): readonly LoadRecord[] {
    return this.#records
  }

  /** How often the stream had to be taken up again. */
  get resumed(): number {
    return this.#resumed
  }

  /**
   * Follows until the generator has ended and all it wrote is here.
   *
   * @returns the generator's exit code, and what it said last
   * @throws MachineryError when samples are damaged or the generator is out of reach
   */
  async follow(signal: AbortSignal): Promise<{ exitCode: number; log: string }> {
    const done = new AbortController()
    const until = AbortSignal.any([signal, done.signal])
    const file = await open(this.#options.file, 'w')
    const reading = this.#read(file, until)
    const ending = this.#untilEnded(until)
    try {
      const ended = await Promise.race([ending, reading])
      this.#parser.end()
      if (this.#records.length === 0) throw silent(ended)
      return ended
    } catch (error) {
      const told = error instanceof DamagedSamples ? damaged(error) : error
      this.#first.reject(told)
      throw told
    } finally {
      done.abort()
      await Promise.allSettled([reading, ending])
      await file.close()
    }
  }

  /** Never resolves: it reads until it is aborted. */
  async #read(file: FileHandle, until: AbortSignal): Promise<never> {
    const { generator, clock } = this.#options
    for (;;) {
      until.throwIfAborted()
      this.#stream = new AbortController()
      this.#lastByteMs = clock.nowMs()
      try {
        const signal = AbortSignal.any([until, this.#stream.signal])
        for await (const chunk of generator.stream(this.#bytes, signal)) await this.#take(file, chunk)
      } catch (error) {
        if (error instanceof DamagedSamples || until.aborted) throw error
      }
      await clock.sleep(RESUME_AFTER_MS, until)
      this.#resumed++
    }
  }

  async #take(file: FileHandle, chunk: Uint8Array): Promise<void> {
    await file.appendFile(chunk)
    this.#bytes += chunk.length
    this.#lastByteMs = this.#options.clock.nowMs()
    const records = this.#parser.push(chunk)
    if (this.#records.length === 0 && records.length > 0) {
      this.#first.resolve(Math.min(...records.map(record => record.startMs)))
    }
    for (const record of records) this.#records.push(record)
  }

  async #untilEnded(until: AbortSignal): Promise<{ exitCode: number; log: string }> {
    const { clock } = this.#options
    let lastAnswerMs = clock.nowMs()
    for (;;) {
      await clock.sleep(ASK_EVERY_MS, until)
      const state = await this.#look().catch(error => {
        if (clock.nowMs() - lastAnswerMs <= GIVE_UP_AFTER_MS) return null
        throw new MachineryError(
          `Cannot follow the load generator: it has been out of reach for ${GIVE_UP_AFTER_MS / 1000} s`,
          "Check the cluster with 'divergence doctor'.",
          { cause: error },
        )
      })
      if (state === null) continue
      lastAnswerMs = clock.nowMs()
      if (state.exitCode !== null && !state.hasMore) return { exitCode: state.exitCode, log: state.log }
      if (state.isSilent && state.hasMore) this.#stream.abort()
    }
  }

  /** The size of the file is asked only where it decides something: asking takes processor time from the lab. */
  async #look() {
    const { generator, clock } = this.#options
    const { exitCode, log } = await generator.state()
    const isSilent = clock.nowMs() - this.#lastByteMs > STALLED_AFTER_MS
    const hasMore = (exitCode !== null || isSilent) && (await generator.sampleBytes()) > this.#bytes
    return { exitCode, log, isSilent, hasMore }
  }
}

function damaged(cause: DamagedSamples): MachineryError {
  return new MachineryError(
    `Cannot read the samples of the load generator: ${cause.message}`,
    'Run the experiment again.',
    { cause },
  )
}

function silent({ exitCode, log }: { exitCode: number; log: string }): MachineryError {
  return new MachineryError(
    `Cannot drive load: the generator ended with exit code ${exitCode} and without a single request: ${log.trim()}`,
    "Check that both groups answer: 'divergence status'.",
  )
}
