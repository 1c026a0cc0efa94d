import type { Capability } from './actions/action.ts'
import { ActionError, type Capabilities } from './actions/action.ts'
import { type ActionSpec, definitionOf } from './actions/catalogue.ts'
import { AgentError, messageOf } from './agent-error.ts'
import { Fault, type FaultParts, meansOf, type PreparedAction, type PreparedFault } from './fault.ts'
import type { Resolver } from './node/resolver.ts'
import type { EndedBy, FaultRequest, FaultStatus, Hello } from './protocol.ts'
import type { DiskSwitch } from './records.ts'

/** What tells the actions of one fault apart, after its id: by it each finds its own tables, files and programs. */
const ACTION_MARKS = 'abcdefgh'

/** Faults that are prepared or on at a time. */
const MOST_FAULTS = 32
/** A fault that was prepared is forgotten when nobody begins it. */
const PREPARED_MS = 120_000
/** What is over is told for so long, and for so many. */
const TOLD_MS = 600_000
const MOST_TOLD = 64
/** An id may be used again after this time; ids are random. */
const REMEMBERED_MS = 24 * 3600_000
const SWEEP_EVERY_MS = 600_000
const CHECK_EVERY_MS = 250
const TEND_EVERY_MS = 1_000

export type EngineParts = FaultParts & {
  readonly node: string
  readonly resolver: Resolver
  /** On the node's own disk. */
  readonly halt: DiskSwitch
  /** Whether the API says so; false as long as it was not asked. */
  readonly isHaltedByApi: () => boolean
}

/** All faults of one node: begins them, and sees to it that each of them ends. */
export class Engine {
  readonly #parts: EngineParts
  readonly #faults = new Map<string, { readonly fault: Fault; readonly sinceMs: number }>()
  /** Ids that are being prepared or begun, so that two requests do not do it at the same time. */
  readonly #reserved = new Set<string>()
  #capabilities: Hello['capabilities'] | null = null
  #timers: NodeJS.Timeout[] = []
  #isLeaving = false

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /** Undoes what an earlier agent left on. @returns once everything was tried; what fails is tried on */
  async recover(): Promise<void> {
    const { records, log, dateMs } = this.#parts
    const { records: all, unreadable } = await records.all()
    for (const id of unreadable) log('RECORD UNREADABLE: its fault may still be on', { id })
    for (const id of unreadable)
      this.#add(Fault.found(this.#parts, unreadableStatus(id, this.#parts.node), [], true))
    const open = all.filter(record => !record.over)
    const told = all.filter(({ over, status }) => over && dateMs() - (status.endedAtMs ?? 0) < TOLD_MS)
    for (const { status, end } of told) this.#add(Fault.found(this.#parts, status, end, true))
    await Promise.all(
      open.map(async ({ status, end }) => {
        const fault = Fault.found(this.#parts, status, end, false)
        this.#add(fault)
        log('fault found on the disk', { id: fault.id, kind: status.kind })
        await fault.end('agent-restart')
      }),
    )
  }

  /** From now on leases are watched, and faults may begin. */
  start(capabilities: Hello['capabilities']): void {
    this.#capabilities = capabilities
    const { log } = this.#parts
    const every = (ms: number, work: () => Promise<void> | void) =>
      setInterval(() => {
        void (async () => work())().catch(error => log('FAILED', { why: messageOf(error) }))
      }, ms)
    this.#timers = [
      every(CHECK_EVERY_MS, () => this.#check()),
      every(TEND_EVERY_MS, () => this.#tend()),
      every(SWEEP_EVERY_MS, () => this.#parts.records.sweep(REMEMBERED_MS)),
    ]
  }

  get isHalted(): boolean {
    return this.#parts.halt.isOn() || this.#parts.isHaltedByApi()
  }

  hello(): Hello {
    const { node } = this.#parts
    return { node, group: 'experiment', halted: this.isHalted, capabilities: this.#known() }
  }

  async prepare(request: FaultRequest): Promise<FaultStatus> {
    this.#requireOpen()
    const { id } = request
    if (this.#faults.get(id)?.fault.hasBegun || (await this.#parts.records.has(id))) throw begunBefore(id)
    const going = [...this.#faults.values()].filter(({ fault }) => fault.id !== id && !fault.isOver)
    if (going.length + this.#reserved.size >= MOST_FAULTS) {
      throw new AgentError('CANNOT_BE_DONE', `Cannot prepare fault '${id}': ${MOST_FAULTS} are on at most`)
    }
    return await this.#reserve(id, async () => {
      const fault = Fault.prepared(this.#parts, await this.#resolve(request))
      this.#add(fault)
      return fault.status
    })
  }

  async #resolve(request: FaultRequest): Promise<PreparedFault> {
    const { id, durationSeconds } = request
    const capabilities = this.#usable()
    const means = meansOf(request.actions, capabilities)
    const target = await this.#parts.resolver.resolve(request.target)
    const prepareOne = async (spec: ActionSpec, index: number): Promise<PreparedAction> => {
      const definition = definitionOf(spec)
      if (!definition.on.includes(target.kind)) {
        throw new ActionError(`${spec.action} cannot be done to a ${target.kind}`)
      }
      const mark = `${id}${ACTION_MARKS[index]}`
      const subject = { spec, target, id: mark, capabilities, durationSeconds }
      const prepared = { ...subject, before: await definition.read(subject, this.#parts.probe) }
      // Pure: whatever it has against the target is heard before anything happens.
      definition.begin(prepared)
      definition.end(prepared)
      return prepared
    }
    try {
      return { request, target, actions: await Promise.all(request.actions.map(prepareOne)), means }
    } catch (error) {
      if (!(error instanceof ActionError)) throw error
      throw new AgentError('CANNOT_BE_DONE', `Cannot prepare ${request.kind}: ${error.message}`)
    }
  }

  async begin(id: string): Promise<FaultStatus> {
    this.#requireOpen()
    const fault = this.#faults.get(id)?.fault
    if (fault?.hasBegun || (await this.#parts.records.has(id))) throw begunBefore(id)
    const prepared = fault?.prepared
    if (fault === undefined || !prepared) throw unknown(id)
    return await this.#reserve(id, async () => {
      await this.#parts.resolver.confirm(prepared.request.target, prepared.target)
      // Asked again: a halt may have come while the target was looked at.
      this.#requireOpen()
      if (this.#faults.get(id)?.fault !== fault) throw unknown(id)
      await fault.begin()
      return fault.status
    })
  }

  heartbeat(runId: string): readonly FaultStatus[] {
    const own = [...this.#faults.values()].map(({ fault }) => fault).filter(fault => fault.runId === runId)
    for (const fault of own) fault.renewLease()
    return own.map(fault => fault.status)
  }

  status(): readonly FaultStatus[] {
    return [...this.#faults.values()].map(({ fault }) => fault.status)
  }

  async end(id: string): Promise<FaultStatus> {
    const fault = this.#faults.get(id)?.fault
    if (fault === undefined) throw unknown(id)
    if (fault.hasBegun) await fault.end('request')
    // What never began has nothing to undo.
    else this.#faults.delete(id)
    return fault.status
  }

  /** Ends everything, and refuses what is new until `release`, also after a restart. */
  async halt(): Promise<readonly FaultStatus[]> {
    const written = this.#parts.halt.set(true)
    await this.endAll('halt')
    await written
    return this.status()
  }

  async release(): Promise<readonly FaultStatus[]> {
    await this.#parts.halt.set(false)
    return this.status()
  }

  /** @returns once each was tried */
  async endAll(why: EndedBy): Promise<void> {
    const begun = [...this.#faults.values()].filter(({ fault }) => fault.hasBegun && !fault.isOver)
    await Promise.all(begun.map(({ fault }) => fault.end(why)))
  }

  /** Ends everything and begins nothing any more. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.endAll('agent-restart')
    for (const timer of this.#timers) clearInterval(timer)
  }

  #check(): void {
    const now = this.#parts.nowMs()
    if (this.isHalted) void this.endAll('halt')
    for (const [id, { fault, sinceMs }] of this.#faults) {
      fault.check()
      if (!fault.hasBegun && now - sinceMs > PREPARED_MS && !this.#reserved.has(id)) this.#faults.delete(id)
    }
    const over = [...this.#faults].filter(([, { fault }]) => fault.isOver)
    const tooMany = over.slice(0, Math.max(0, over.length - MOST_TOLD))
    const tooOld = over.filter(
      ([, { fault }]) => this.#parts.dateMs() - (fault.status.endedAtMs ?? this.#parts.dateMs()) > TOLD_MS,
    )
    for (const [id] of [...tooMany, ...tooOld]) this.#faults.delete(id)
  }

  async #tend(): Promise<void> {
    await Promise.all([...this.#faults.values()].map(({ fault }) => fault.tend()))
  }

  #add(fault: Fault): void {
    this.#faults.set(fault.id, { fault, sinceMs: this.#parts.nowMs() })
  }

  async #reserve<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (this.#reserved.has(id)) throw new AgentError('ALREADY_BEGUN', `Fault '${id}' is being begun`)
    this.#reserved.add(id)
    try {
      return await work()
    } finally {
      this.#reserved.delete(id)
    }
  }

  #known(): Hello['capabilities'] {
    if (this.#capabilities !== null) return this.#capabilities
    throw new AgentError('FAILED', 'Cannot answer yet: this agent is starting')
  }

  #usable(): Capabilities {
    const all = Object.entries(this.#known()) as [Capability, { readonly has: boolean }][]
    return new Set(all.filter(([, { has }]) => has).map(([name]) => name))
  }

  #requireOpen(): void {
    if (this.#isLeaving) throw new AgentError('HALTED', 'Cannot begin anything: this agent is leaving')
    if (this.isHalted) throw new AgentError('HALTED', 'Cannot begin anything: all faults are halted')
  }
}

function begunBefore(id: string): AgentError {
  return new AgentError('ALREADY_BEGUN', `Cannot begin fault '${id}': an id begins at most once`)
}

function unknown(id: string): AgentError {
  return new AgentError('UNKNOWN_FAULT', `Cannot find fault '${id}': it was not prepared here`)
}

/** Nobody can undo what cannot be read: it is told until a person has looked. */
function unreadableStatus(id: string, node: string): FaultStatus {
  return {
    ...{ id, runId: 'unknown', kind: 'unknown', target: { kind: 'node', node }, state: 'stuck', means: [] },
    ...{ begunAtMs: null, endedAtMs: null, endedBy: null, proof: null },
    problem:
      'Cannot undo it: its record on the disk is unreadable. Look at the node, then remove the record.',
  }
}
