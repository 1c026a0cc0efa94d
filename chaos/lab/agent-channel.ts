import { MachineryError } from '../../platform/errors.ts'
import type { AgentAnswer } from '../../services/agent/protocol.ts'
import { AgentRefusal } from './agent-refusal.ts'
import type { AgentCall } from './roles.ts'

/** An open pipe to something that answers lines with lines. */
export type LinePipe = {
  send(text: string): void
  close(): void
}

/** Longest answer that is read, characters; a node's snapshot is far below it. */
const LONGEST_ANSWER = 8 * 1024 * 1024

type Waiting = { resolve(value: unknown): void; reject(error: Error): void }

/**
 * Requests and answers over one pipe to an agent: several may be on their way at once, and each answer finds its
 * question by its number. A channel that broke is of no more use; another one has to be opened.
 */
export class AgentChannel {
  readonly #node: string
  readonly #waiting = new Map<number, Waiting>()
  #pipe: LinePipe | null = null
  #broken: Error | null = null
  #seq = 0
  #rest = ''

  constructor(node: string) {
    this.#node = node
  }

  get isBroken(): boolean {
    return this.#broken !== null
  }

  /** Gives the channel its pipe; what comes out of the pipe goes to `receive`, its end to `break`. */
  attach(pipe: LinePipe): void {
    this.#pipe = pipe
    // It may have broken while it was being opened.
    if (this.#broken !== null) pipe.close()
  }

  /**
   * @throws AgentRefusal what the agent said
   * @throws MachineryError when the channel breaks, or no answer comes within the time
   */
  async ask(call: AgentCall, withinMs: number): Promise<unknown> {
    if (this.#broken !== null) throw this.#broken
    if (this.#pipe === null) throw unreachable(this.#node, 'the channel is not open')
    const seq = ++this.#seq
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(seq, { resolve, reject })
    const timer = setTimeout(() => {
      const late = unreachable(this.#node, `no answer to '${call.op}' within ${withinMs / 1000} s`)
      reject(late)
      // What is late once will be late again: an open pipe may have nobody at its other end.
      this.break(late)
    }, withinMs)
    try {
      this.#pipe.send(`${JSON.stringify({ seq, ...call })}\n`)
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(seq)
    }
  }

  /** Takes what the agent wrote, however it is cut. */
  receive(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') this.#answer(line)
    if (this.#rest.length > LONGEST_ANSWER) this.break(unreachable(this.#node, 'an answer without end'))
  }

  /** Ends every question that is on its way. */
  break(why: Error): void {
    if (this.#broken !== null) return
    this.#broken = why
    for (const { reject } of this.#waiting.values()) reject(why)
    this.#pipe?.close()
  }

  #answer(line: string): void {
    const answer = parseAnswer(line)
    if (answer === null) {
      this.break(unreachable(this.#node, `it answered what is no answer: ${line.slice(0, 120)}`))
      return
    }
    const waiting = this.#waiting.get(answer.seq)
    if (waiting === undefined) return
    if (answer.ok) waiting.resolve(answer.value)
    else waiting.reject(new AgentRefusal(this.#node, answer.code, answer.message))
  }
}

function parseAnswer(line: string): AgentAnswer | null {
  try {
    const answer = JSON.parse(line) as AgentAnswer
    return typeof answer?.seq === 'number' && typeof answer.ok === 'boolean' ? answer : null
  } catch {
    return null
  }
}

export function unreachable(node: string, why: string): MachineryError {
  return new MachineryError(
    `Cannot reach the agent on ${node}: ${why}`,
    "Look at it with 'kubectl -n chaos get pods -o wide'.",
  )
}
