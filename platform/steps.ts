import { Listr, PRESET_TIMER } from 'listr2'
import type { Progress } from './cluster/cluster.ts'

/** After so long without a line, plain output says what is still being done. */
const QUIET_MS = 30_000

/** Where progress is shown. `interactive`: a terminal that can redraw lines; else one plain line per event. */
export type StepOutput = {
  readonly stream: { write(text: string): unknown }
  readonly interactive: boolean
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
}

/** Lines that begin with the seconds since this was called. */
export function elapsedLines({ stream, nowMs }: Pick<StepOutput, 'stream' | 'nowMs'>): Progress {
  const beganMs = nowMs()
  return message => void stream.write(`${((nowMs() - beganMs) / 1000).toFixed(1).padStart(7)}s  ${message}\n`)
}

type Step = {
  readonly title: string
  readonly needs: readonly Promise<unknown>[]
  readonly start: (progress: Progress) => Promise<void>
}

/**
 * Long work as a graph: each step starts as soon as the steps it needs are done, and all tell their progress.
 * The first failure aborts the rest, and `run` waits until they have stopped before it throws.
 */
export class Steps {
  readonly #output: StepOutput
  readonly #steps: Step[] = []
  readonly #failure = new AbortController()
  /** Given to the work of every step: aborted by the caller's signal or by the first failing step. */
  readonly signal: AbortSignal

  constructor(output: StepOutput, signal: AbortSignal) {
    this.#output = output
    this.signal = AbortSignal.any([signal, this.#failure.signal])
  }

  /** Adds a step; the promise has its result once `run` has been called and the step is done. */
  add<T>(
    title: string,
    needs: readonly Promise<unknown>[],
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    // The failure is thrown by run(); a step that nobody needs must not end the process by itself.
    promise.catch(() => undefined)
    const start = async (progress: Progress) => {
      try {
        await Promise.all(needs)
        this.signal.throwIfAborted()
        resolve(await work(progress))
      } catch (error) {
        reject(error)
        if (!this.#failure.signal.aborted) this.#failure.abort(error)
        throw error
      }
    }
    this.#steps.push({ title, needs, start })
    return promise
  }

  /** @throws the error of the step that failed first */
  async run(): Promise<void> {
    if (this.#output.interactive) await this.#runInteractive()
    else await this.#runPlain()
    if (this.#failure.signal.aborted) throw this.#failure.signal.reason
  }

  async #runInteractive(): Promise<void> {
    const tasks = this.#steps.map(step => ({
      title: step.title,
      task: (_: unknown, task: { output: string }) =>
        step.start(message => {
          task.output = message
        }),
    }))
    const options = { timer: PRESET_TIMER, showErrorMessage: false, collapseErrors: false }
    await new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      renderer: 'default',
      rendererOptions: options,
    }).run()
  }

  async #runPlain(): Promise<void> {
    const { nowMs } = this.#output
    const told = elapsedLines(this.#output)
    const working = new Map<string, string>()
    let toldMs = nowMs()
    const line = (title: string, message: string) => {
      toldMs = nowMs()
      told(`${title}: ${message}`)
    }
    const stillHere = setInterval(() => {
      if (nowMs() - toldMs < QUIET_MS) return
      for (const [title, message] of working) line(title, `still: ${message}`)
    }, QUIET_MS / 10)
    await Promise.allSettled(
      this.#steps.map(async step => {
        await Promise.allSettled(step.needs)
        if (this.signal.aborted) return step.start(() => undefined)
        const stepBeganMs = nowMs()
        const tell = (message: string) => {
          working.set(step.title, message)
          line(step.title, message)
        }
        tell('started')
        try {
          await step.start(tell)
          line(step.title, `done in ${((nowMs() - stepBeganMs) / 1000).toFixed(1)} s`)
        } catch (error) {
          line(step.title, `failed: ${error instanceof Error ? error.message : String(error)}`)
          throw error
        } finally {
          working.delete(step.title)
        }
      }),
    )
    clearInterval(stillHere)
  }
}
