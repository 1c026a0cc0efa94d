import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'
import { type HarmShown, harmShown } from './called-off.ts'
import { disturbance } from './disturbance.ts'
import type { Cells } from './estimate.ts'
import { reasons } from './reasons.ts'
import { aftermath } from './recovery.ts'
import { bySecond } from './seconds.ts'
import { assess } from './signals.ts'
import { type Check, validityChecks } from './validity.ts'
import type { Outcome, SignalResult, Verdict } from './verdict.ts'

/**
 * Judges one run: did the attacked group diverge from its untouched twin, and how sure is that?
 *
 *   samples -> by second, group and phase -> estimates with intervals -> inside or outside the margins
 *           -> may the run be believed? -> verdict and its reasons
 *
 * Pure: the same samples and input give the same verdict to the bit, since all chance comes from `input.seed`.
 * No data is never a pass, and a run without faults (A/A) is judged like any other.
 */
export function judge(samples: readonly Sample[], input: JudgeInput): Verdict {
  const cells = cellsOf(samples, input)
  const assessments = assess(
    cells,
    input.signals.map(signal => [signal, disturbance(samples, input, signal)]),
    input.seed,
  )
  const signals = assessments.map(({ result }) => result)
  const checks = validityChecks(samples, input, cells, assessments)
  const after = aftermath(samples, input)
  const harm = input.aborted ? harmShown(cells, input.signals) : null
  const verdict = combine(checks, signals, input.writes.experiment.lost, harm)
  return {
    verdict,
    aborted: input.aborted,
    reasons: reasons({ verdict, harm, checks, signals, cells, after, writes: input.writes.experiment }),
    signals,
    validity: checks.map(({ check, ok, detail }) => ({ check, ok, detail })),
    recovery: after.recovery,
  }
}

/** Requests of both groups in the two phases that are compared. */
export function cellsOf(samples: readonly Sample[], { phases }: Pick<JudgeInput, 'phases'>): Cells {
  const pair = (phase: 'baseline' | 'attack') => ({
    control: bySecond(samples, 'control', phases[phase]),
    experiment: bySecond(samples, 'experiment', phases[phase]),
  })
  return { baseline: pair('baseline'), attack: pair('attack') }
}

/**
 * What cannot be trusted is invalid whatever it shows; then what shows too little is inconclusive; then one
 * primary signal outside is divergence, and only all of them inside is resilience. A write that was acknowledged
 * and is gone is divergence however few seconds were measured: no margin covers it and no chance explains it. So is the
 * harm of an attack that was called off for it.
 */
function combine(
  checks: readonly Check[],
  signals: readonly SignalResult[],
  lostWrites: number,
  harm: HarmShown | null,
): Outcome {
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.some(({ failure }) => failure === 'invalid')) return 'invalid'
  if (lostWrites > 0 || harm !== null) return 'diverged'
  if (failed.length > 0) return 'inconclusive'
  // Never empty: without a primary signal the check of the data has failed.
  const primary = signals.filter(signal => signal.primary)
  if (primary.some(({ outcome }) => outcome === 'outside')) return 'diverged'
  return primary.every(({ outcome }) => outcome === 'inside') ? 'resilient' : 'inconclusive'
}
