import { seededRandom } from '../../platform/random.ts'
import { type Cells, estimate } from './estimate.ts'
import { ALPHA, harmMargin, VISIBLE_STANDARD_ERRORS, Z_ONE_SIDED } from './signals.ts'
import { FEWEST_SECONDS } from './validity.ts'
import { SIGNAL_NAMES, type SignalName, type SignalSpec } from './verdict.ts'

/** Keeps its draws apart from those of the judge, which has the same seed. */
const STREAM = 16

/** What a run could see of one signal, told before its attack. */
export type Foresight = {
  readonly name: SignalName
  readonly margin: number
  /** Effect that 80 % of such runs would see, in the unit of an effect; null: the baseline cannot tell. */
  readonly smallestVisible: number | null
  /** Whether an effect as large as the margin would be seen; false where the baseline cannot tell. */
  readonly isEnough: boolean
}

/**
 * The smallest effect that this run would see in four of five cases, 2.8 standard errors, from its baseline alone.
 *
 * The effect is the difference of the groups in the attack less that in the baseline. The baseline's own difference has a
 * standard error s, by the same block bootstrap over pairs of seconds as the judge's; as long as nothing is attacked that
 * of the attack is s sqrt(baseline / attack) in lengths, so the effect's is s sqrt(1 + baseline / attack). It comes
 * from comparing the baseline with itself, drawn twice, which gives s sqrt(2). For the success ratio the width of the score
 * interval counts too, as in the judge: without a failure the bootstrap sees no error at all.
 *
 * @param baseline less what is still under way
 * @param attackSeconds planned, > 0
 * @returns the primary signals
 */
export function foresee(
  baseline: Cells['baseline'],
  signals: readonly SignalSpec[],
  attackSeconds: number,
  seed: number,
): readonly Foresight[] {
  const baselineSeconds = baseline.control.count
  const scale = Math.sqrt((1 + baselineSeconds / attackSeconds) / 2)
  return signals
    .filter(({ primary }) => primary)
    .map(signal => {
      const { name, margin } = signal
      const random = seededRandom(seed, STREAM + SIGNAL_NAMES.indexOf(name))
      const twice =
        baselineSeconds < FEWEST_SECONDS ? null : estimate({ baseline, attack: baseline }, name, random)
      if (twice === null || twice.standardError === null) {
        return { name, margin, smallestVisible: null, isEnough: false }
      }
      const { low, high } = twice.interval('effect', ALPHA)
      const width = name === 'success_ratio' ? (high - low) / (2 * Z_ONE_SIDED) : 0
      const harm = VISIBLE_STANDARD_ERRORS * Math.max(twice.standardError, width) * scale
      const smallestVisible = name === 'success_ratio' ? 0 - harm : Math.exp(harm)
      return { name, margin, smallestVisible, isEnough: harm <= harmMargin(signal) }
    })
}
