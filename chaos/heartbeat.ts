import { MachineryError } from '../platform/errors.ts'
import { DEFAULT_LEASE_SECONDS, type FaultStatus, HEARTBEAT_SECONDS } from '../services/agent/protocol.ts'
import type { Agents, Clock } from './lab/roles.ts'

/** Beats that an agent may owe an answer: a lease of them. */
const MOST_ON_THEIR_WAY = DEFAULT_LEASE_SECONDS / HEARTBEAT_SECONDS

/** One target of a fault that an agent holds on for us. */
export type Held = { readonly node: string; readonly id: string }

/** Everything ends because somebody said `divergence halt`. */
export class Halted extends Error {
  override readonly name = 'Halted'
}

export type HeartbeatDependencies = {
  readonly agents: Pick<Agents, 'ask'>
  readonly clock: Clock
  readonly runId: string
}

/**
 * Keeps the leases of a run's faults alive on every node that has one, and notices when an agent ended one by itself:
 * from then on the run measures something else than it says.
 */
export class Heartbeat {
  readonly #dependencies: HeartbeatDependencies
  readonly #held = new Map<string, Held>()
  readonly #beating = new Map<string, Promise<void>>()
  readonly #lost = new AbortController()
  readonly #stopped = new AbortController()

  constructor(dependencies: HeartbeatDependencies) {
    this.#dependencies = dependencies
  }

  /** Aborted with the reason when a fault ended without our asking, or its agent has been silent for a lease. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  hold(faults: readonly Held[]): void {
    for (const fault of faults) this.#held.set(fault.id, fault)
    for (const node of new Set(faults.map(({ node }) => node))) {
      if (!this.#beating.has(node)) this.#beating.set(node, this.#beat(node))
    }
  }

  letGo(faults: readonly Held[]): void {
    for (const { id } of faults) this.#held.delete(id)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#beating.values())
  }

  /**
   * Goes on for as long as the node has a fault of ours. A beat is sent on time whether or not the one before it has
   * been answered: what renews the lease is that it arrives.
   */
  async #beat(node: string): Promise<void> {
    const { agents, clock, runId } = this.#dependencies
    let answeredMs = clock.nowMs()
    let problem: unknown = null
    let onTheirWay = 0
    const send = async () => {
      onTheirWay++
      try {
        const statuses = await agents.ask(node, { op: 'heartbeat', runId })
        answeredMs = clock.nowMs()
        this.#check(node, statuses)
      } catch (error) {
        problem = error
      } finally {
        onTheirWay--
      }
    }
    while (this.#on(node).length > 0 && !this.#stopped.signal.aborted) {
      if (onTheirWay < MOST_ON_THEIR_WAY) void send()
      await clock.sleep(HEARTBEAT_SECONDS * 1000, this.#stopped.signal).catch(() => undefined)
      const silentSeconds = (clock.nowMs() - answeredMs) / 1000
      if (silentSeconds > DEFAULT_LEASE_SECONDS) this.#lose(silent(node, silentSeconds, problem))
    }
    this.#beating.delete(node)
  }

  #check(node: string, statuses: readonly FaultStatus[]): void {
    for (const { id } of this.#on(node)) {
      const status = statuses.find(candidate => candidate.id === id)
      const problem = status === undefined ? null : endedAlone(node, status)
      if (problem !== null) this.#lose(problem)
    }
  }

  #on(node: string): readonly Held[] {
    return [...this.#held.values()].filter(held => held.node === node)
  }

  #lose(error: Error): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(error)
  }
}

/** Why a fault that should be on is not; null when it is, or ended as it was meant to. Pure. */
export function endedAlone(node: string, { kind, endedBy, state, problem }: FaultStatus): Error | null {
  if (endedBy === 'halt') return new Halted(`the agent on ${node} was halted and ended ${kind}`)
  if (endedBy === 'lease' || endedBy === 'agent-restart') {
    return new MachineryError(
      `The agent on ${node} ended ${kind} by itself (${endedBy}): what follows is not under attack`,
      endedBy === 'lease'
        ? 'It heard nothing from the runner for a lease; a machine with less to do helps.'
        : "See why it restarted: 'kubectl -n chaos get pods -o wide'.",
    )
  }
  if (state === 'stuck') {
    return new MachineryError(
      `The agent on ${node} cannot undo ${kind}: ${problem ?? 'no reason given'}`,
      "It goes on trying; look with 'divergence audit'.",
    )
  }
  return null
}

function silent(node: string, seconds: number, cause: unknown): MachineryError {
  const why = cause === null ? 'no answer at all' : cause instanceof Error ? cause.message : String(cause)
  return new MachineryError(
    `The agent on ${node} has not answered for ${seconds.toFixed(0)} s, so it has ended its faults: ${why}`,
    "Look at it with 'kubectl -n chaos get pods -o wide'.",
    { cause },
  )
}
