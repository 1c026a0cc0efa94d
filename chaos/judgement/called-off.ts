import { FailureEvidence } from './e-process.ts'
import type { Cells } from './estimate.ts'
import { sumInterval } from './proportion.ts'
import { total } from './seconds.ts'
import { ALPHA } from './signals.ts'
import type { SignalSpec } from './verdict.ts'

/** Harm that an attack had done when it was called off. */
export type HarmShown = {
  readonly experiment: Count
  readonly control: Count
  /** @see FailureEvidence.eValue */
  readonly eValue: number
  /** So much more of the experiment's requests failed at least, one-sided at 95 %. */
  readonly least: number
  readonly margin: number
}

type Count = { readonly requests: number; readonly failed: number }

/**
 * What an attack that was called off says by that alone. It ended because it looked bad, and left no time for an interval
 * that needs twenty seconds: what decides is evidence that holds however often one looked, e >= 1 / ALPHA, and that the
 * excess of failures is beyond the margin by the score interval of the counts.
 *
 * @returns null when that is not so; then the run is judged like any other
 */
export function harmShown(cells: Cells, signals: readonly SignalSpec[]): HarmShown | null {
  const success = signals.find(({ name, primary }) => primary && name === 'success_ratio')
  if (success === undefined) return null
  const count = (group: 'experiment' | 'control'): Count => ({
    requests: total(cells.attack[group].requests),
    failed: total(cells.attack[group].failures),
  })
  const experiment = count('experiment')
  const control = count('control')
  const evidence = new FailureEvidence()
  evidence.add(experiment, control)
  const least = sumInterval(
    [
      { events: experiment.failed, trials: experiment.requests, sign: 1 },
      { events: control.failed, trials: control.requests, sign: -1 },
    ],
    ALPHA,
  ).low
  const { eValue } = evidence
  const { margin } = success
  return eValue >= 1 / ALPHA && least > margin ? { experiment, control, eValue, least, margin } : null
}
