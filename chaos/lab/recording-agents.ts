import { MachineryError } from '../../platform/errors.ts'
import { nodeName, ZONES } from '../../platform/topology.ts'
import { CAPABILITIES } from '../../services/agent/actions/action.ts'
import {
  type ApiUndo,
  DEFAULT_LEASE_SECONDS,
  type FaultRequest,
  type FaultStatus,
  type Hello,
  type NodeSnapshot,
} from '../../services/agent/protocol.ts'
import type { Action } from '../faults/fault.ts'
import { AgentRefusal } from './agent-refusal.ts'
import type { AgentCall, AgentReply, Agents, ApiFaults, ApiLease, ApiLeases, Clock, Halt } from './roles.ts'

/** Agents that remember what they were told, prove every fault, and end one whose lease runs out. */
export class RecordedAgents implements Agents {
  readonly #clock: Clock
  readonly #faults = new Map<
    string,
    FaultStatus & { readonly node: string; untilMs: number; leaseMs: number }
  >()
  /** `node op id`, in order; without the heartbeats and looks. */
  readonly told: string[] = []
  readonly nodes: string[] = ZONES.map(zone => nodeName('experiment', zone))
  readonly silent = new Set<string>()
  readonly halted = new Set<string>()
  /** What `prepare` refuses with, by node. */
  readonly refusals = new Map<string, AgentRefusal>()
  /** What each node shows; a test changes it. */
  readonly snapshots = new Map<string, NodeSnapshot>()
  missing: readonly string[] = []
  proves = true
  closed = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async list() {
    return this.nodes.map(node => ({ node, ready: !this.silent.has(node) }))
  }

  async ask<Call extends AgentCall>(node: string, call: Call): Promise<AgentReply[Call['op']]> {
    if (this.silent.has(node) || !this.nodes.includes(node)) {
      throw new MachineryError(`Cannot reach the agent on ${node}: it is silent`, '')
    }
    return this.#answer(node, call) as AgentReply[Call['op']]
  }

  close(): void {
    this.closed++
  }

  /** What is on now. */
  active(): readonly FaultStatus[] {
    return this.#statuses().filter(({ state }) => state === 'active')
  }

  /** Begins a fault on a node, as a run does. */
  async hold(node: string, id: string, runId: string): Promise<void> {
    const target = { kind: 'node', node } as const
    const fault: FaultRequest = {
      id,
      runId,
      kind: 'loss',
      target,
      actions: [],
      durationSeconds: 3600,
      leaseSeconds: DEFAULT_LEASE_SECONDS,
    }
    await this.ask(node, { op: 'prepare', fault })
    await this.ask(node, { op: 'begin', id })
  }

  /** Ends a fault as the agent itself does. */
  endAlone(id: string, endedBy: NonNullable<FaultStatus['endedBy']>): void {
    const fault = this.#faults.get(id)
    if (fault !== undefined) this.#faults.set(id, { ...fault, state: 'ended', endedBy, endedAtMs: 0 })
  }

  #answer(node: string, call: AgentCall): unknown {
    switch (call.op) {
      case 'hello':
        return this.#hello(node)
      case 'prepare':
        return this.#prepare(node, call.fault)
      case 'begin':
        return this.#change(node, call.op, call.id, {
          state: 'active',
          begunAtMs: this.#clock.nowMs(),
          proof: { proven: this.proves, detail: 'measured' },
        })
      case 'end': {
        if (!this.#faults.has(call.id)) throw new AgentRefusal(node, 'UNKNOWN_FAULT', call.id)
        const known = this.#statuses().find(({ id }) => id === call.id)
        return this.#change(
          node,
          call.op,
          call.id,
          known?.state === 'ended' ? {} : { state: 'ended', endedBy: 'request' },
        )
      }
      case 'heartbeat':
        for (const fault of this.#faults.values()) {
          if (fault.node === node && fault.runId === call.runId) fault.leaseMs = this.#leaseEnd()
        }
        return this.#statuses().filter(({ id }) => this.#faults.get(id)?.node === node)
      case 'status':
        return this.#statuses().filter(({ id }) => this.#faults.get(id)?.node === node)
      case 'snapshot':
        return this.snapshots.get(node) ?? {}
      case 'halt':
        this.halted.add(node)
        for (const { id } of this.active()) if (this.#faults.get(id)?.node === node) this.endAlone(id, 'halt')
        return null
      case 'release':
        this.halted.delete(node)
        return null
    }
  }

  #hello(node: string): Hello {
    const has = (name: string) => !this.missing.includes(name)
    const entries = CAPABILITIES.map(name => [name, { has: has(name), detail: 'tried' }])
    return {
      node,
      group: 'experiment',
      halted: this.halted.has(node),
      capabilities: Object.fromEntries(entries) as Hello['capabilities'],
    }
  }

  #prepare(node: string, fault: FaultRequest): FaultStatus {
    const refusal = this.refusals.get(node)
    if (refusal !== undefined) throw refusal
    if (this.halted.has(node)) throw new AgentRefusal(node, 'HALTED', 'halted')
    this.told.push(`${node} prepare ${fault.kind}`)
    const { id, runId, kind, target, actions, durationSeconds } = fault
    const status: FaultStatus = {
      id,
      runId,
      kind,
      target,
      state: 'prepared',
      begunAtMs: null,
      endedAtMs: null,
      endedBy: null,
      means: actions.map(({ action }) => `${action} as recorded`),
      proof: null,
      problem: null,
    }
    const untilMs = this.#clock.nowMs() + durationSeconds * 1000
    this.#faults.set(id, { ...status, node, untilMs, leaseMs: this.#leaseEnd() })
    return status
  }

  #change(node: string, op: string, id: string, change: Partial<FaultStatus>): FaultStatus {
    const fault = this.#faults.get(id)
    if (fault === undefined) throw new AgentRefusal(node, 'UNKNOWN_FAULT', id)
    this.told.push(`${node} ${op} ${fault.kind}`)
    const next = { ...fault, ...change }
    this.#faults.set(id, next)
    return next
  }

  #leaseEnd(): number {
    return this.#clock.nowMs() + DEFAULT_LEASE_SECONDS * 1000
  }

  #statuses(): readonly FaultStatus[] {
    const nowMs = this.#clock.nowMs()
    for (const [id, fault] of this.#faults) {
      if (fault.state !== 'active') continue
      if (nowMs > fault.leaseMs) this.endAlone(id, 'lease')
      else if (nowMs > fault.untilMs) this.endAlone(id, 'duration')
    }
    return [...this.#faults.values()]
  }
}

/** An API that remembers what was done to it. */
export class RecordedApi implements ApiFaults {
  readonly done: string[] = []
  readonly undone: ApiUndo[] = []
  /** Evictions that a budget refuses before it lets one through. */
  refusedEvictions = 0
  failingUndos = 0
  mayNot: readonly string[] = []

  async evict(pod: { readonly name: string }): Promise<boolean> {
    if (this.refusedEvictions > 0) {
      this.refusedEvictions--
      return false
    }
    this.done.push(`evict ${pod.name}`)
    return true
  }

  async cordon(node: string): Promise<void> {
    this.done.push(`cordon ${node}`)
  }

  async scale(action: Extract<Action, { readonly action: 'scale' }>): Promise<void> {
    this.done.push(`scale ${action.name} ${action.replicas}`)
  }

  async occupy(action: Extract<Action, { readonly action: 'occupy' }>): Promise<void> {
    this.done.push(`occupy ${action.name}`)
  }

  async undo(undo: ApiUndo): Promise<void> {
    if (this.failingUndos > 0) {
      this.failingUndos--
      throw new MachineryError('the API server does not answer', '')
    }
    this.undone.push(undo)
  }

  async forbidden(): Promise<readonly string[]> {
    return this.mayNot
  }
}

/** Promises that are kept in memory. */
export class RecordedLeases implements ApiLeases {
  readonly current = new Map<string, ApiLease & { readonly lost: AbortController }>()
  /** Names, in the order in which they were taken. */
  readonly taken: string[] = []

  async take(lease: Parameters<ApiLeases['take']>[0]) {
    const lost = new AbortController()
    this.taken.push(lease.name)
    this.current.set(lease.name, { ...lease, expired: false, lost })
    return { lost: lost.signal, release: () => this.remove(lease.name) }
  }

  async list(): Promise<readonly ApiLease[]> {
    return [...this.current.values()].map(({ name, runId, undo, expired }) => ({
      name,
      runId,
      undo,
      expired,
    }))
  }

  async remove(name: string): Promise<void> {
    this.current.delete(name)
  }

  /** An agent keeps the promise, as it does when nobody renews it. */
  lose(name: string): void {
    this.current.get(name)?.lost.abort(new MachineryError(`The lease ${name} ran out`, ''))
    this.current.delete(name)
  }
}

/** The switch, in memory. */
export class RecordedHalt implements Halt {
  current: string | null = null

  async reason(): Promise<string | null> {
    return this.current
  }

  async set(reason: string): Promise<void> {
    this.current ??= reason
  }

  async release(): Promise<void> {
    this.current = null
  }
}
