import type { Progress } from '../platform/cluster/cluster.ts'
import type { ApiUndo, EndedBy } from '../services/agent/protocol.ts'
import { describeAction } from './faults/describe-action.ts'
import type { Executor } from './faults/executor.ts'
import type { Action, FaultPlan } from './faults/fault.ts'
import type { Journal } from './journal.ts'
import type { TimelineEvent } from './journal-entry.ts'
import type { Agents, ApiLeases, Clock } from './lab/roles.ts'
import { messageOf } from './message-of.ts'
import { type UndoRecipe, writeUndoFile } from './undo-file.ts'
import { within } from './waiting.ts'

/** Time to undo one fault, all tries together; then a person has to, or the next command. */
const UNDO_WITHIN_MS = 60_000
const UNDO_AGAIN_AFTER_MS = 1_000

export type UndoDependencies = {
  readonly runId: string
  readonly executor: Executor
  readonly agents: Pick<Agents, 'ask'>
  readonly leases: Pick<ApiLeases, 'take'>
  readonly clock: Clock
  readonly journal: Pick<Journal, 'append' | 'note' | 'folder'>
  readonly progress: Progress
  readonly onEvent: (event: TimelineEvent) => void
}

type Pending = { readonly recipe: UndoRecipe; readonly release: () => Promise<void> }

/**
 * What has to be undone and is not yet: on the disk before the fault begins, and, for what is done in the API, promised
 * there by a lease that the agents keep when the runner dies.
 */
export class PendingUndo {
  readonly #dependencies: UndoDependencies
  readonly #pending = new Map<number, Pending>()
  readonly #lost = new AbortController()
  #writing: Promise<void> = Promise.resolve()

  constructor(dependencies: UndoDependencies) {
    this.#dependencies = dependencies
  }

  /** Numbers of the faults that have not been undone. */
  get faults(): readonly number[] {
    return [...this.#pending.keys()]
  }

  /** Aborted with the reason when an agent kept a promise although we live. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Nothing to undo is no error: from many faults the system heals by itself. */
  async add(index: number, id: string, { kind, targets, end }: FaultPlan): Promise<void> {
    if (end.length === 0) return
    const { journal, leases, runId } = this.#dependencies
    const recipe = { fault: index, kind, targets, actions: end }
    this.#pending.set(index, { recipe, release: async () => undefined })
    await this.#write()
    await journal.append({ entry: 'undo-recipe', recipe })
    const undo = apiUndosOf(end)
    if (undo.length === 0) return
    const lease = await leases.take({ name: `fault-${id}`, runId, undo })
    this.#pending.set(index, { recipe, release: () => lease.release() })
    lease.lost.addEventListener('abort', () => this.#lost.abort(lease.lost.reason), { once: true })
  }

  /**
   * Tries until it is done or the time for it is over. It is not to be stopped.
   *
   * @returns why it could not be undone, or null
   */
  async undo(index: number): Promise<string | null> {
    const { clock, journal } = this.#dependencies
    const pending = this.#pending.get(index)
    if (pending === undefined) return null
    const { recipe } = pending
    const what = `${recipe.kind} of ${recipe.targets.join(', ')}`
    const untilMs = clock.nowMs() + UNDO_WITHIN_MS
    const limit = AbortSignal.timeout(UNDO_WITHIN_MS)
    for (;;) {
      const atMs = clock.nowMs()
      try {
        await within(this.#perform(pending, limit), limit)
      } catch (error) {
        const reason = `${what} is not undone: ${messageOf(error)}`
        journal.note({ entry: 'undo-failed', fault: index, reason })
        if (clock.nowMs() + UNDO_AGAIN_AFTER_MS >= untilMs || limit.aborted) return reason
        await clock.sleep(UNDO_AGAIN_AFTER_MS, limit).catch(() => undefined)
        continue
      }
      this.#pending.delete(index)
      this.#tell(recipe, atMs)
      return await this.#record(index, recipe).then(
        () => null,
        error => `${what} is undone, but that cannot be written down: ${messageOf(error)}`,
      )
    }
  }

  async #perform({ recipe, release }: Pending, limit: AbortSignal): Promise<void> {
    const { executor, runId } = this.#dependencies
    const work = { runId, actions: recipe.actions, atMostSeconds: UNDO_WITHIN_MS / 1000 }
    await executor.perform(work, limit)
    // Only now: until it is undone, somebody else has to be able to.
    await release()
  }

  async #record(index: number, recipe: UndoRecipe): Promise<void> {
    await this.#write()
    await this.#dependencies.journal.append({
      entry: 'fault-ended',
      fault: index,
      endedBy: await this.#endings(recipe),
    })
  }

  /** Who ended it on each node: the runner's word, its time, or something else. */
  async #endings({ actions }: UndoRecipe): Promise<Readonly<Record<string, EndedBy | null>>> {
    const ends = actions.filter(action => action.action === 'agent-end')
    const found = await Promise.all(
      ends.map(async ({ node, id }): Promise<[string, EndedBy | null]> => {
        // It ended; that its agent does not say how must not make it look as if it had not.
        const statuses = await this.#dependencies.agents.ask(node, { op: 'status' }).catch(() => [])
        return [id, statuses.find(status => status.id === id)?.endedBy ?? null]
      }),
    )
    return Object.fromEntries(found)
  }

  /** One file for all: one writer at a time. */
  #write(): Promise<void> {
    const previous = this.#writing
    this.#writing = (async () => {
      await previous.catch(() => undefined)
      const recipes = [...this.#pending.values()].map(({ recipe }) => recipe)
      await writeUndoFile(this.#dependencies.journal.folder, recipes)
    })()
    return this.#writing
  }

  #tell({ kind, actions }: UndoRecipe, atMs: number): void {
    const text = actions.map(describeAction).join(', ')
    this.#dependencies.progress(`${kind}: ${text}`)
    this.#dependencies.onEvent({ atMs, source: 'fault', group: 'experiment', text })
  }
}

function apiUndosOf(actions: readonly Action[]): readonly ApiUndo[] {
  return actions.flatMap(action => (action.action === 'api-undo' ? [action.undo] : []))
}
