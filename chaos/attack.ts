import type { Progress } from '../platform/cluster/cluster.ts'
import { MachineryError } from '../platform/errors.ts'
import type { BlastRadius } from './faults/blast-radius.ts'
import { requireWithinBlastRadius } from './faults/blast-radius.ts'
import type { AnyFault } from './faults/catalogue.ts'
import { planFault } from './faults/catalogue.ts'
import { describeAction } from './faults/describe-action.ts'
import { type Effect, proveEffect } from './faults/effect.ts'
import type { Executor } from './faults/executor.ts'
import type { FaultPlan } from './faults/fault.ts'
import { Heartbeat, type Held } from './heartbeat.ts'
import type { Journal } from './journal.ts'
import type { TimelineEvent } from './journal-entry.ts'
import { capabilitiesOf } from './lab/capabilities.ts'
import type { Agents, ApiLeases, Clock, LabReader } from './lab/roles.ts'
import { PendingUndo } from './pending-undo.ts'
import { untilOr } from './waiting.ts'

/** What became of one fault. Times are the runner's clock, Unix milliseconds. */
export type Begun = {
  readonly plan: FaultPlan
  readonly beginMs: number
  /** For a fault from which the system heals by itself: when it had been done. */
  readonly endMs: number
  readonly effect: Effect
}

export type AttackDependencies = {
  readonly runId: string
  readonly executor: Executor
  readonly lab: Pick<LabReader, 'view'>
  readonly agents: Agents
  readonly leases: Pick<ApiLeases, 'take'>
  readonly clock: Clock
  readonly journal: Pick<Journal, 'append' | 'note' | 'folder'>
  readonly progress: Progress
  readonly onEvent: (event: TimelineEvent) => void
  readonly blastRadius: BlastRadius
  /** Of random picks, an unsigned 32-bit integer. */
  readonly seed: number
}

/** How long the attack goes on, and what ends it earlier. */
export type Span = {
  /** Begin of the attack phase, Unix milliseconds of the runner's clock. */
  readonly startMs: number
  readonly holdSeconds: number
  /** Stops everything with an error. */
  readonly signal: AbortSignal
  /** Ends the attack in good order: what is on is undone, what has not begun does not begin. */
  readonly calledOff: AbortSignal
}

/**
 * The faults of one run on their time line. The undo of each is on the disk before it begins, and whatever has begun
 * can be undone at any time, as often as one likes.
 */
export class Attack {
  readonly #dependencies: AttackDependencies
  readonly #heartbeat: Heartbeat
  readonly #pending: PendingUndo
  /** Faults that are on, by their number. */
  readonly #active = new Map<number, FaultPlan>()
  /** Of this attack, so that no two faults ever have the same id. */
  readonly #token: string
  #admitting: Promise<unknown> = Promise.resolve()

  constructor(dependencies: AttackDependencies) {
    this.#dependencies = dependencies
    this.#heartbeat = new Heartbeat(dependencies)
    this.#pending = new PendingUndo(dependencies)
    this.#token = newToken(dependencies.clock.nowMs())
  }

  /**
   * Carries out the time line.
   *
   * @returns what was begun, when the time is over or it was called off, and every fault has ended
   * @throws Halted, MachineryError when a fault ended by itself
   */
  async carryOut(faults: readonly AnyFault[], span: Span): Promise<readonly Begun[]> {
    // One fault that fails stops the others from going on alone.
    const failed = new AbortController()
    const signal = AbortSignal.any([span.signal, failed.signal, this.#heartbeat.lost, this.#pending.lost])
    const either = { ...span, signal }
    const over = faults.map(() => Promise.withResolvers<void>())
    const each = faults.map(async (fault, index) => {
      const previous = fault.after === 'previous' ? over[index - 1]?.promise : undefined
      const isOver = () => over[index]?.resolve()
      // One that failed stops the others by another way.
      return await this.#carryOutOne(index, fault, either, previous, isOver).finally(isOver)
    })
    const begun = Promise.all(each).catch(error => {
      failed.abort(error)
      throw error
    })
    try {
      const endMs = span.startMs + span.holdSeconds * 1000
      const [results] = await Promise.all([
        begun,
        untilOr(this.#dependencies.clock, endMs, signal, span.calledOff),
      ])
      return results.filter(result => result !== null)
    } finally {
      await Promise.allSettled(each)
    }
  }

  /**
   * Undoes what has begun and has not ended. Not to be stopped: it has a time limit of its own.
   *
   * @returns what could not be undone, in words; empty when all is well
   */
  async undoAll(): Promise<readonly string[]> {
    const results = await Promise.all(this.#pending.faults.map(index => this.#pending.undo(index)))
    await this.#heartbeat.stop()
    return results.filter(reason => reason !== null)
  }

  /** @returns null when it was called off before it began */
  async #carryOutOne(
    index: number,
    fault: AnyFault,
    span: Span,
    previous: Promise<void> | undefined,
    isOver: () => void,
  ): Promise<Begun | null> {
    const { clock } = this.#dependencies
    const { signal, calledOff } = span
    if (previous !== undefined) await previous
    const fromMs = previous === undefined ? span.startMs : clock.nowMs()
    await untilOr(clock, fromMs + fault.offsetSeconds * 1000, signal, calledOff)
    if (calledOff.aborted) return null
    const plan = await this.#admit(index, fault)
    const holdEndMs = span.startMs + span.holdSeconds * 1000
    const seconds = 'durationSeconds' in fault ? fault.durationSeconds : undefined
    const over = new AbortController()
    try {
      const { actedAtMs: beginMs, pending } = await this.#begin(
        index,
        plan,
        seconds ?? Math.max(1, (holdEndMs - clock.nowMs()) / 1000),
        AbortSignal.any([signal, over.signal]),
      )
      const doneMs = clock.nowMs()
      // What has no length is over once it has begun; its effect may still be on its way.
      if (seconds === undefined) isOver()
      const untilMs = seconds === undefined ? holdEndMs : beginMs + seconds * 1000
      const effect = await this.#hold(index, plan, beginMs, untilMs, span)
      over.abort()
      await pending
      // What has neither an end of ours nor a duration was over once it was done.
      const endMs = plan.end.length === 0 && seconds === undefined ? doneMs : clock.nowMs()
      await this.#end(index, plan)
      return { plan, beginMs, endMs, effect }
    } finally {
      over.abort()
      this.#active.delete(index)
    }
  }

  /** Until its time is over or it is called off; the effect is told as soon as it shows. */
  async #hold(
    index: number,
    plan: FaultPlan,
    beginMs: number,
    untilMs: number,
    { signal, calledOff }: Span,
  ): Promise<Effect> {
    const { clock, journal, progress } = this.#dependencies
    const either = AbortSignal.any([signal, calledOff])
    const proving = proveEffect(plan, this.#dependencies, beginMs, untilMs, either)
      .catch(error => {
        if (signal.aborted || !calledOff.aborted) throw error
        return { proven: false, detail: 'the attack was called off before an effect was seen' }
      })
      .then(async effect => {
        // A fault without an end of ours has done its work: from now on the lab itself shows who is not well.
        if (plan.end.length === 0) this.#active.delete(index)
        await journal.append({ entry: 'fault-effect', fault: index, ...effect })
        progress(`${plan.kind}: ${effect.proven ? 'proven' : 'NOT proven'}: ${effect.detail}`)
        return effect
      })
    const [effect] = await Promise.all([proving, untilOr(clock, untilMs, signal, calledOff)])
    return effect
  }

  /** One after the other, so that two faults that begin together do not both take the last healthy pod. */
  async #admit(index: number, fault: AnyFault): Promise<FaultPlan> {
    const { lab, agents, blastRadius, seed } = this.#dependencies
    const previous = this.#admitting
    const admitted = (async () => {
      await previous.catch(() => undefined)
      const [view, capabilities] = await Promise.all([lab.view(), capabilitiesOf(agents)])
      const id = `${this.#token}${index.toString(36)}`
      const plan = planFault(fault, view, { id, capabilities: capabilities.sets, seed })
      requireWithinBlastRadius(plan, view, blastRadius, [...this.#active.values()])
      this.#active.set(index, plan)
      return plan
    })()
    this.#admitting = admitted
    return await admitted
  }

  async #begin(index: number, plan: FaultPlan, atMostSeconds: number, signal: AbortSignal) {
    const { executor, journal, runId, onEvent, progress } = this.#dependencies
    signal.throwIfAborted()
    await this.#pending.add(index, `${this.#token}${index.toString(36)}`, plan)
    this.#heartbeat.hold(heldBy(plan))
    const performed = await executor.perform({ runId, actions: plan.begin, atMostSeconds }, signal)
    await journal.append({ entry: 'fault-begun', fault: index, plan })
    const text = plan.begin.map(describeAction).join(', ')
    progress(`${plan.kind}: ${text}`)
    onEvent({ atMs: performed.actedAtMs, source: 'fault', group: 'experiment', text })
    return performed
  }

  async #end(index: number, plan: FaultPlan): Promise<void> {
    // From here on it may end: that is no longer a loss.
    this.#heartbeat.letGo(heldBy(plan))
    const reason = await this.#pending.undo(index)
    if (reason === null) return
    throw new MachineryError(`Cannot end the fault: ${reason}`, "'divergence up' tries again.")
  }
}

/** What agents hold on for a fault. */
function heldBy(plan: FaultPlan): readonly Held[] {
  return plan.begin.filter(action => action.action === 'agent-begin')
}

/** `[a-z0-9]{12}`; a second attack in the same millisecond gets another one all the same. */
function newToken(nowMs: number): string {
  const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
  return `${Math.floor(nowMs).toString(36)}${random.toString(36).padStart(7, '0').slice(-4)}`
}
