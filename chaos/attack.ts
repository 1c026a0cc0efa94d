import type { Progress } from '../platform/cluster/cluster.ts'
import { MachineryError } from '../platform/errors.ts'
import type { AnyFault } from './faults/catalogue.ts'
import { planFault } from './faults/catalogue.ts'
import { type Effect, proveEffect } from './faults/effect.ts'
import { describeAction, type Executor } from './faults/executor.ts'
import type { FaultPlan } from './faults/fault.ts'
import type { Journal } from './journal.ts'
import type { TimelineEvent } from './journal-entry.ts'
import type { Clock, LabReader } from './lab/roles.ts'
import { type UndoRecipe, writeUndoFile } from './undo-file.ts'

/** What became of one fault. Times are the runner's clock, Unix milliseconds. */
export type Begun = {
  readonly plan: FaultPlan
  readonly beginMs: number
  /** For a fault from which the system heals by itself: when it had been done. */
  readonly endMs: number
  readonly effect: Effect
}

/** Time for one try to undo, and for how many tries; then a person has to. */
const UNDO_LIMIT_MS = 60_000
const UNDO_TRIES = 3
const UNDO_AGAIN_AFTER_MS = 1_000

export type AttackDependencies = {
  readonly executor: Executor
  readonly lab: Pick<LabReader, 'view'>
  readonly clock: Clock
  readonly journal: Pick<Journal, 'append' | 'note' | 'folder'>
  readonly progress: Progress
  readonly onEvent: (event: TimelineEvent) => void
}

/**
 * The faults of one run on their time line. The undo of each is on the disk before it begins, and whatever has begun
 * can be undone at any time, as often as one likes.
 */
export class Attack {
  readonly #dependencies: AttackDependencies
  readonly #pending = new Map<number, UndoRecipe>()

  constructor(dependencies: AttackDependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Carries out the time line.
   *
   * @param startMs begin of the attack phase, runner's clock
   * @returns when `holdSeconds` are over and every fault has ended
   */
  async carryOut(
    faults: readonly AnyFault[],
    startMs: number,
    holdSeconds: number,
    signal: AbortSignal,
  ): Promise<readonly Begun[]> {
    const { clock } = this.#dependencies
    // One fault that fails stops the others from going on alone.
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    const endMs = startMs + holdSeconds * 1000
    const each = faults.map((fault, index) => this.#carryOutOne(index, fault, startMs, endMs, either))
    const begun = Promise.all(each).catch(error => {
      failed.abort(error)
      throw error
    })
    try {
      const [results] = await Promise.all([begun, sleepUntil(clock, endMs, either)])
      return results
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
    const stuck: string[] = []
    for (const index of [...this.#pending.keys()]) {
      const reason = await this.#tryToUndo(index)
      if (reason !== null) stuck.push(reason)
    }
    return stuck
  }

  async #carryOutOne(
    index: number,
    fault: AnyFault,
    startMs: number,
    holdEndMs: number,
    signal: AbortSignal,
  ): Promise<Begun> {
    const { clock, lab, journal, progress } = this.#dependencies
    await sleepUntil(clock, startMs + fault.offsetSeconds * 1000, signal)
    const plan = planFault(fault, await lab.view())
    const beginMs = await this.#begin(index, plan, signal)
    const doneMs = clock.nowMs()
    const untilMs = 'durationSeconds' in fault ? beginMs + fault.durationSeconds * 1000 : holdEndMs
    const proving = proveEffect(plan, lab, clock, beginMs, untilMs, signal)
    await Promise.all([proving, sleepUntil(clock, untilMs, signal)])
    const effect = await proving
    await journal.append({ entry: 'fault-effect', fault: index, ...effect })
    progress(`${plan.kind}: ${effect.proven ? 'proven' : 'NOT proven'}: ${effect.detail}`)
    if (plan.end.length === 0) return { plan, beginMs, endMs: doneMs, effect }
    const endMs = clock.nowMs()
    await this.#end(index)
    return { plan, beginMs, endMs, effect }
  }

  async #begin(index: number, plan: FaultPlan, signal: AbortSignal): Promise<number> {
    const { executor, journal } = this.#dependencies
    const recipe = { fault: index, kind: plan.kind, targets: plan.targets, actions: plan.end }
    if (plan.end.length > 0) {
      await writeUndoFile(journal.folder, [...this.#pending.values(), recipe])
      await journal.append({ entry: 'undo-recipe', recipe })
      this.#pending.set(index, recipe)
    }
    const beginMs = await executor.perform(plan.begin, signal)
    await journal.append({ entry: 'fault-begun', fault: index, plan })
    this.#tell(plan, beginMs, plan.begin.map(describeAction).join(', '))
    return beginMs
  }

  async #end(index: number): Promise<void> {
    const reason = await this.#tryToUndo(index)
    if (reason === null) return
    throw new MachineryError(`Cannot end the fault: ${reason}`, "'divergence up' tries again.")
  }

  /** @returns why it could not be undone, or null */
  async #tryToUndo(index: number): Promise<string | null> {
    const { clock, executor, journal } = this.#dependencies
    const recipe = this.#pending.get(index)
    if (recipe === undefined) return null
    const what = `${recipe.kind} of ${recipe.targets.join(', ')}`
    const limit = AbortSignal.timeout(UNDO_LIMIT_MS)
    for (let attempt = 1; ; attempt++) {
      const atMs = clock.nowMs()
      try {
        await within(executor.perform(recipe.actions, limit), limit)
      } catch (error) {
        const reason = `${what} is not undone: ${messageOf(error)}`
        journal.note({ entry: 'undo-failed', fault: index, reason })
        if (attempt >= UNDO_TRIES || limit.aborted) return reason
        await clock.sleep(UNDO_AGAIN_AFTER_MS, limit).catch(() => undefined)
        continue
      }
      this.#pending.delete(index)
      this.#tell(recipe, atMs, recipe.actions.map(describeAction).join(', '))
      return await this.#recordEnd(index).then(
        () => null,
        error => `${what} is undone, but that cannot be written down: ${messageOf(error)}`,
      )
    }
  }

  async #recordEnd(index: number): Promise<void> {
    const { journal } = this.#dependencies
    await writeUndoFile(journal.folder, [...this.#pending.values()])
    await journal.append({ entry: 'fault-ended', fault: index })
  }

  #tell(what: { readonly kind: string }, atMs: number, text: string): void {
    this.#dependencies.progress(`${what.kind}: ${text}`)
    this.#dependencies.onEvent({ atMs, source: 'fault', group: 'experiment', text })
  }
}

/** Sleeps until an instant of `clock`; returns at once when it has passed. */
export async function sleepUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const remainingMs = atMs - clock.nowMs()
  if (remainingMs > 0) await clock.sleep(remainingMs, signal)
}

/** The result of `work`, or the reason of `limit` when that comes first. */
async function within<T>(work: Promise<T>, limit: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(limit.reason)
  limit.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    limit.removeEventListener('abort', onAbort)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
