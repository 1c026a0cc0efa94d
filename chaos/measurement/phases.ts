import type { Experiment } from '../experiment.ts'
import type { Phases } from './sample.ts'

/** Instants on which the phases hang, Unix milliseconds of one clock. */
export type PhaseEdges = {
  /** End of the warm-up. */
  readonly warmMs: number
  /** Begin of the first fault; without a fault the end of the baseline. */
  readonly attackMs: number
  /** When the attack was ended before its time; absent: it was not. */
  readonly calledOffMs?: number | undefined
  /** No request is sent any more. */
  readonly loadEndMs: number
}

/**
 * The phases as they really were, on the clock of the edges.
 *
 *   warm-up | baseline | transition | attack (hold) | recovery
 *
 * Only the end of the baseline is trimmed: requests on their way when the fault begins belong to neither side. The first
 * seconds of the attack are what it is about, and those after its end are the recovery. An attack that was called off
 * lasts whole seconds all the same, since requests are counted by the second: what is left of its last one is its own.
 */
export function phasesOf(
  lengths: Pick<Experiment['phases'], 'holdSeconds' | 'recoverySeconds' | 'transitionSeconds'>,
  { warmMs, attackMs, calledOffMs, loadEndMs }: PhaseEdges,
): { readonly phases: Phases; readonly attackEndMs: number; readonly recoveryEndMs: number } {
  const attackEndMs =
    calledOffMs === undefined
      ? attackMs + lengths.holdSeconds * 1000
      : attackMs + wholeSeconds(calledOffMs - attackMs, loadEndMs - attackMs)
  const recoveryEndMs = Math.min(attackEndMs + lengths.recoverySeconds * 1000, loadEndMs)
  return {
    phases: {
      baseline: { startMs: warmMs, endMs: attackMs - lengths.transitionSeconds * 1000 },
      attack: { startMs: attackMs, endMs: attackEndMs },
      recovery: { startMs: attackEndMs, endMs: recoveryEndMs },
    },
    attackEndMs,
    recoveryEndMs,
  }
}

/** Rounds up while there is load, else down; nothing shorter than a second is left out. */
function wholeSeconds(lengthMs: number, mostMs: number): number {
  const up = Math.ceil(lengthMs / 1000) * 1000
  return up <= mostMs ? up : Math.floor(lengthMs / 1000) * 1000 || lengthMs
}
