import type { ExperimentRun } from './experiment-run.ts'

/** What is done beside the faults of a run, and has to be undone after it. */
export type Besides = {
  /** A batch that fails; null: none. */
  readonly batch: { readonly begin: () => Promise<void>; readonly repair: () => Promise<void> } | null
  /** Brings the pods back to where they were. */
  readonly spreadPods: () => Promise<void>
}

/**
 * Waits for a run to its end, whatever happens beside it, and only then undoes what was done: nothing is mended amid an
 * attack. A step that fails keeps none of the others from being done.
 *
 * @throws what failed, or AggregateError when several steps did, the first one first
 */
export async function carryOut(
  run: Pick<ExperimentRun, 'untilAttack' | 'untilOver'>,
  { batch, spreadPods }: Besides,
): Promise<void> {
  const failures: unknown[] = []
  const attempt = (step: () => Promise<void>) =>
    step().catch((failure: unknown) => void failures.push(failure))
  let isBegun = false
  if (batch !== null) {
    await attempt(async () => {
      if (!(await run.untilAttack())) return
      // Whoever fails to begin it may have begun it all the same.
      isBegun = true
      await batch.begin()
    })
  }
  await attempt(() => run.untilOver())
  if (batch !== null && isBegun) await attempt(batch.repair)
  await attempt(spreadPods)
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, failures.map(wordsOf).join('; then: '))
}

const wordsOf = (failure: unknown) => (failure instanceof Error ? failure.message : String(failure))
