import type { Capabilities, Finding, Probe, Reading, Subject, Target } from './actions/action.ts'
import { type ActionSpec, definitionOf } from './actions/catalogue.ts'
import { AgentError, messageOf } from './agent-error.ts'
import { type Lease, whyOver } from './lease.ts'
import type { Log } from './log.ts'
import type { Executor } from './node/executor.ts'
import type { EndedBy, FaultRequest, FaultStatus } from './protocol.ts'
import type { EndStep, Records } from './records.ts'

/** Between two tries of an undo that fails, milliseconds. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000
/** An undo does not wait longer than this for the last reading of the effect. */
const LAST_READING_MS = 500
const READING_LIMIT_MS = 8_000

export type FaultParts = {
  readonly executor: Executor
  readonly probe: Probe
  readonly records: Records
  readonly log: Log
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** One action of a fault with all that its definition wants to know; each has an id of its own. */
export type PreparedAction = Subject<ActionSpec> & { readonly before: Reading }

export type PreparedFault = {
  readonly request: FaultRequest
  readonly target: Target
  readonly actions: readonly PreparedAction[]
  readonly means: readonly string[]
}

/**
 * One fault's life. Its undo is on the disk before the first command, and is done until it succeeds.
 *
 *   prepared -> active -> ending -> ended
 *                           \-> stuck -> ended
 */
export class Fault {
  readonly #parts: FaultParts
  readonly #prepared: PreparedFault | null
  readonly #end: readonly EndStep[]
  readonly #findings: (Finding | null)[]
  #status: FaultStatus
  #lease: Lease | null = null
  #beginning: Promise<void> = Promise.resolve()
  #renewing: Promise<void> = Promise.resolve()
  #ending: Promise<void> | null = null
  #firstTry: Promise<void> = Promise.resolve()
  #over = false
  #unsaved = false
  #saving: Promise<void> = Promise.resolve()
  readonly #busy = new Set<'renew' | 'measure'>()

  private constructor(
    parts: FaultParts,
    status: FaultStatus,
    end: readonly EndStep[],
    prepared: PreparedFault | null,
  ) {
    this.#parts = parts
    this.#status = status
    this.#end = end
    this.#prepared = prepared
    this.#findings = prepared?.actions.map(() => null) ?? []
  }

  static prepared(parts: FaultParts, prepared: PreparedFault): Fault {
    const { id, runId, kind, target } = prepared.request
    const status: FaultStatus = {
      ...{ id, runId, kind, target, state: 'prepared', means: prepared.means },
      ...{ begunAtMs: null, endedAtMs: null, endedBy: null, proof: null, problem: null },
    }
    // What began last ends first.
    const end = prepared.actions.toReversed().flatMap(subject =>
      definitionOf(subject.spec)
        .end(subject)
        .map(command => ({ mark: subject.id, command })),
    )
    return new Fault(parts, status, end, prepared)
  }

  /** As the disk tells it: begun by an agent that is no more. */
  static found(parts: FaultParts, status: FaultStatus, end: readonly EndStep[], over: boolean): Fault {
    const fault = new Fault(parts, status, end, null)
    fault.#over = over
    return fault
  }

  get id(): string {
    return this.#status.id
  }

  get runId(): string {
    return this.#status.runId
  }

  get status(): FaultStatus {
    return this.#status
  }

  get isOver(): boolean {
    return this.#over
  }

  get hasBegun(): boolean {
    return this.#lease !== null || this.#ending !== null || this.#over
  }

  get prepared(): PreparedFault | null {
    return this.#prepared
  }

  /** @throws AgentError when it could not begin: what had begun is undone then */
  async begin(): Promise<void> {
    const { durationSeconds, leaseSeconds } = this.#requirePrepared().request
    const { nowMs, dateMs, log } = this.#parts
    const now = nowMs()
    this.#lease = { begunMs: now, renewedMs: now, durationSeconds, leaseSeconds }
    const work = (async () => {
      this.#set({ state: 'active', begunAtMs: dateMs() })
      await this.#write()
      await this.#doBegin()
    })()
    this.#beginning = work.catch(() => undefined)
    try {
      await work
      log('fault begun', { id: this.id, kind: this.#status.kind, means: this.#status.means })
    } catch (error) {
      await this.end('begin-failed')
      throw error instanceof AgentError
        ? error
        : new AgentError('FAILED', `Cannot begin ${this.#status.kind}: ${messageOf(error)}`, { cause: error })
    }
  }

  async #doBegin(): Promise<void> {
    for (const subject of this.#requirePrepared().actions) {
      for (const command of definitionOf(subject.spec).begin(subject)) {
        // Whoever ends it waits for this: no more is begun than has to be undone.
        if (this.#ending !== null) throw new AgentError('FAILED', 'Cannot begin: it was ended meanwhile')
        if ((await this.#parts.executor.execute(command, subject.id)) === 'gone') {
          throw new AgentError('TARGET_GONE', `Cannot begin ${this.#status.kind}: its target is gone`)
        }
      }
    }
  }

  renewLease(): void {
    if (this.#lease !== null) this.#lease = { ...this.#lease, renewedMs: this.#parts.nowMs() }
  }

  /** Ends it when its time is over. */
  check(): void {
    if (this.#lease === null || this.#ending !== null || this.#over) return
    const why = whyOver(this.#lease, this.#parts.nowMs())
    if (why !== null) void this.end(why)
  }

  /** What is due about once a second while it is on: fuses in the kernel are renewed, the effect is read. */
  async tend(): Promise<void> {
    if (this.#unsaved) await this.#save()
    // A reading may take seconds, and a fuse may not wait for it.
    await Promise.all([
      this.#unlessBusy('renew', () => {
        this.#renewing = this.#renewFuses()
        return this.#renewing
      }),
      this.#unlessBusy('measure', () => this.#measure()),
    ])
  }

  async #unlessBusy(what: 'renew' | 'measure', work: () => Promise<void>): Promise<void> {
    const isOn = this.#status.state === 'active' && this.#ending === null
    if (!isOn || this.#busy.has(what)) return
    this.#busy.add(what)
    try {
      await this.#beginning
      if (this.#ending === null) await work()
    } finally {
      this.#busy.delete(what)
    }
  }

  async #renewFuses(): Promise<void> {
    for (const subject of this.#prepared?.actions ?? []) {
      for (const command of definitionOf(subject.spec).renew?.(subject) ?? []) {
        if (this.#ending !== null) return
        try {
          await this.#parts.executor.execute(command, subject.id)
        } catch (error) {
          // The target may be gone, or the fuse has ended it: the proof shows what is left of it.
          this.#parts.log('fuse not renewed', { id: this.id, why: messageOf(error) })
        }
      }
    }
  }

  /** Ends it and tries again until it is undone. @returns when the first try is over */
  async end(why: EndedBy): Promise<void> {
    if (this.#over) return
    if (this.#ending === null) {
      const first = Promise.withResolvers<void>()
      this.#firstTry = first.promise
      this.#ending = this.#undo(why, first.resolve)
    }
    await this.#firstTry
  }

  async #undo(why: EndedBy, firstTryOver: () => void): Promise<void> {
    const { log, sleep, dateMs } = this.#parts
    const wasStuck = this.#status.state === 'stuck'
    this.#set({ state: wasStuck ? 'stuck' : 'ending', endedBy: this.#status.endedBy ?? why })
    if (why === 'request' || why === 'duration') await within(LAST_READING_MS, this.#measure())
    await this.#beginning
    await this.#renewing
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      const problems = await this.#tryToUndo()
      if (problems.length === 0) break
      this.#set({ state: 'stuck', problem: problems.join('; ') })
      log('UNDO FAILED', { id: this.id, kind: this.#status.kind, problems, nextTryMs: retryMs })
      firstTryOver()
      await sleep(retryMs)
    }
    this.#over = true
    this.#set({ state: 'ended', endedAtMs: dateMs() })
    await this.#save()
    log('fault ended', { id: this.id, kind: this.#status.kind, by: this.#status.endedBy })
    firstTryOver()
  }

  /** One command that fails does not keep the others from being done. */
  async #tryToUndo(): Promise<readonly string[]> {
    const problems: string[] = []
    for (const { mark, command } of this.#end) {
      try {
        await this.#parts.executor.execute(command, mark)
      } catch (error) {
        problems.push(messageOf(error))
      }
    }
    return problems
  }

  /** What is not on the disk is undone once more by the next agent, which does no harm. */
  async #save(): Promise<void> {
    try {
      await this.#write()
      this.#unsaved = false
    } catch (error) {
      this.#unsaved = true
      this.#parts.log('record not written', { id: this.id, why: messageOf(error) })
    }
  }

  /** One write after the other, each of what is so when its turn comes. */
  #write(): Promise<void> {
    const write = this.#saving.then(() =>
      this.#parts.records.write({ status: this.#status, end: this.#end, over: this.#over }),
    )
    this.#saving = write.catch(() => undefined)
    return write
  }

  /** An effect that showed once was there: what is read later does not take that back. */
  async #measure(): Promise<void> {
    const actions = this.#prepared?.actions ?? []
    for (const [index, subject] of actions.entries()) {
      const definition = definitionOf(subject.spec)
      const previous = this.#findings[index]
      try {
        const now = await limited(READING_LIMIT_MS, definition.read(subject, this.#parts.probe))
        const finding = definition.finding(subject.spec, subject.before, now)
        if (finding.proven || !previous?.proven) this.#findings[index] = finding
      } catch (error) {
        if (!previous?.proven) {
          this.#findings[index] = { proven: false, detail: `Cannot be read: ${messageOf(error)}` }
        }
      }
    }
    const findings = this.#findings.filter(each => each !== null)
    if (findings.length === 0) return
    const wasProven = this.#status.proof?.proven === true
    this.#set({
      proof: {
        proven: findings.length === actions.length && findings.every(each => each.proven),
        detail: findings.map(each => each.detail).join('; '),
      },
    })
    // That it happened is known also when this agent is killed.
    if (!wasProven && this.#status.proof?.proven && !this.#over) await this.#save()
  }

  #requirePrepared(): PreparedFault {
    if (this.#prepared !== null) return this.#prepared
    throw new AgentError('ALREADY_BEGUN', `Cannot begin fault '${this.id}': it began before`)
  }

  #set(change: Partial<FaultStatus>): void {
    this.#status = { ...this.#status, ...change }
  }
}

/** How the actions are done with what this node has: the first of their ways for which nothing is missing. */
export function meansOf(actions: readonly ActionSpec[], capabilities: Capabilities): readonly string[] {
  return actions.map(spec => {
    const ways = definitionOf(spec).needs(spec)
    const way = ways.find(each => each.every(capability => capabilities.has(capability)))
    if (way !== undefined) return way.length === 0 ? spec.action : `${spec.action} by ${way.join(' and ')}`
    if (ways.length === 0) return spec.action
    const wanted = ways.map(each => each.join(' and ')).join(', or ')
    throw new AgentError('CAPABILITY_MISSING', `Cannot do ${spec.action} on this node: it needs ${wanted}`)
  })
}

async function limited<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  await limited(limitMs, work).catch(() => undefined)
}
