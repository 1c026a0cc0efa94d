import { seededRandom } from '../../platform/random.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'
import { disturbance } from './disturbance.ts'
import { cliffsDelta } from './effect-size.ts'
import { type Estimate, estimate } from './estimate.ts'
import { cellsOf } from './judge.ts'
import { perSecond } from './per-second.ts'
import { ALPHA, harmMargin } from './signals.ts'
import { SIGNAL_NAMES, type SignalName, type SignalSpec } from './verdict.ts'

/** What a reader may make of a signal beside the verdict. It never decides. */
export type Exploration = {
  readonly name: SignalName
  /** Cliff's delta of the signal's values by second, in the attack; null for the success ratio, and without data. */
  readonly delta: number | null
  /** Only of signals that are not primary: how they stand against their margin, all of them taken together. */
  readonly beyond: {
    /** Smallest level at which the signal is outside its margin; 1: not even at one half. */
    readonly pValue: number
    /** The same after Benjamini and Hochberg, over all signals that are not primary. */
    readonly adjusted: number
    /** At most 5 % of the signals so marked are expected to be marked by mistake. */
    readonly isMarked: boolean
  } | null
}

/** Looks at what no verdict depends on: effect sizes, and the signals that were not declared to decide. */
export function explore(samples: readonly Sample[], input: JudgeInput): readonly Exploration[] {
  const cells = cellsOf(samples, input)
  const { control, experiment } = cells.attack
  const beside = input.signals.filter(({ primary }) => !primary)
  const pValues = beside.map(signal => {
    const { name } = signal
    // As the judge draws, so that mark and interval never contradict each other.
    const random = seededRandom(input.seed, SIGNAL_NAMES.indexOf(name))
    const estimated = estimate(cells, name, random, disturbance(samples, input, signal))
    return estimated === null ? 1 : levelBeyond(estimated, signal)
  })
  const adjusted = benjaminiHochberg(pValues)
  return input.signals.map(signal => {
    const { name } = signal
    const place = beside.indexOf(signal)
    const pValue = pValues[place]
    const corrected = adjusted[place]
    return {
      name,
      delta:
        name === 'success_ratio' ? null : cliffsDelta(perSecond(control, name), perSecond(experiment, name)),
      beyond:
        pValue === undefined || corrected === undefined
          ? null
          : { pValue, adjusted: corrected, isMarked: corrected <= ALPHA },
    }
  })
}

/** Levels between which the smallest is looked for; below, the replicates are too few to tell. */
const LEAST_LEVEL = 1e-4
const LARGEST_LEVEL = 0.5
const HALVINGS = 30

/** The smallest level at which the better end of the interval is beyond the margin: the p-value of that test. */
function levelBeyond(estimated: Estimate, signal: SignalSpec): number {
  const isOutside = (alpha: number) => estimated.interval('effect', alpha).low > harmMargin(signal)
  let high = LARGEST_LEVEL - 1e-9
  if (!isOutside(high)) return 1
  let low = LEAST_LEVEL
  if (isOutside(low)) return low
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = Math.sqrt(low * high)
    if (isOutside(middle)) high = middle
    else low = middle
  }
  return high
}

/**
 * P-values after the procedure of Benjamini and Hochberg: of those at most q, a share of at most q is expected to be false.
 *
 * @returns in the order of `pValues`, in [0, 1]
 * @see Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57(1), 289-300
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const byRank = pValues
    .map((pValue, place) => ({ pValue, place }))
    .sort((one, other) => other.pValue - one.pValue)
  const adjusted = pValues.map(() => 1)
  let least = 1
  byRank.forEach(({ pValue, place }, index) => {
    least = Math.min(least, (pValue * pValues.length) / (pValues.length - index))
    adjusted[place] = least
  })
  return adjusted
}
