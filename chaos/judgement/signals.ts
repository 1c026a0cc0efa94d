import { seededRandom } from '../../platform/random.ts'
import type { Bounds } from './bootstrap.ts'
import type { Disturbance } from './disturbance.ts'
import { type Cells, type Estimate, estimate, QUANTILES } from './estimate.ts'
import { quantile } from './quantile.ts'
import { type Seconds, total } from './seconds.ts'
import { SIGNAL_NAMES, type SignalName, type SignalResult, type SignalSpec } from './verdict.ts'

/** Chance taken of calling a signal inside, or outside, its margin when it is just at it. */
export const ALPHA = 0.05

/** Smallest effect seen in 80 % of runs, in standard errors: z(0.975) + z(0.8). */
export const VISIBLE_STANDARD_ERRORS = 2.8

/** Standard normal quantile of 1 - ALPHA: half-width of a 90 % interval in standard errors. */
export const Z_ONE_SIDED = 1.6448536269514722

export type Assessment = {
  readonly spec: SignalSpec
  readonly estimate: Estimate | null
  readonly result: SignalResult
}

/**
 * Places every signal inside or outside its margin, or says that the run cannot.
 *
 * Only worsening counts (non-inferiority): the margin bounds how far success may fall and by what factor latency
 * may rise; a group that gets better has not diverged, though its effect is printed like any other.
 * - `inside`: the worse end of the 90 % interval is within the margin, a one-sided test at 5 %. "Resilient" needs
 *   it of every primary signal at once, an intersection-union test, so nothing needs correcting.
 * - `outside`: the better end is beyond the margin. One such signal is enough to call the run diverged, so the
 *   primary signals share the 5 % by Holm's procedure: of three, the first has to be outside at 1.67 %, and so on.
 * - `undecided`: the interval holds the margin.
 *
 * @see Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680; Berger 1982, Technometrics 24, 295-300; Holm 1979,
 *   Scand. J. Stat. 6, 65-70
 */
export function assess(
  cells: Cells,
  signals: readonly (readonly [SignalSpec, Disturbance | null])[],
  seed: number,
): readonly Assessment[] {
  const estimated = signals.map(([spec, disturbed]) => ({
    spec,
    estimate: estimate(cells, spec.name, seededRandom(seed, SIGNAL_NAMES.indexOf(spec.name)), disturbed),
  }))
  const primary = estimated.filter(({ spec }) => spec.primary)
  const rejected = holm(
    primary.map(one => (alpha: number) => isOutside(one.estimate, one.spec, alpha)),
    ALPHA,
  )
  return estimated.map(one => {
    const place = primary.indexOf(one)
    const outside = place >= 0 ? rejected[place] === true : isOutside(one.estimate, one.spec, ALPHA)
    return { ...one, result: resultOf(cells, one.spec, one.estimate, outside) }
  })
}

/**
 * Holm's step-down procedure with tests that can be asked at any level.
 *
 * @param tests whether each hypothesis is rejected at a level
 * @returns whether each is rejected with the chance of any false rejection held at `alpha`
 */
export function holm(tests: readonly ((alpha: number) => boolean)[], alpha: number): boolean[] {
  const rejected = tests.map(() => false)
  for (let remaining = tests.length; remaining > 0; remaining--) {
    const next = tests.findIndex((test, index) => rejected[index] === false && test(alpha / remaining))
    if (next < 0) break
    rejected[next] = true
  }
  return rejected
}

/** The margin of a signal on the scale of harm. */
export function harmMargin({ name, margin }: SignalSpec): number {
  return name === 'success_ratio' ? margin : Math.log(margin)
}

function isOutside(estimated: Estimate | null, spec: SignalSpec, alpha: number): boolean {
  return estimated !== null && estimated.interval('effect', alpha).low > harmMargin(spec)
}

function resultOf(
  cells: Cells,
  spec: SignalSpec,
  estimated: Estimate | null,
  outside: boolean,
): SignalResult {
  const { name, margin, primary } = spec
  const control = signalIn(cells.attack.control, name)
  const experiment = signalIn(cells.attack.experiment, name)
  const shared = {
    name,
    unit: name === 'success_ratio' ? 'ratio' : 'milliseconds',
    control: control?.value ?? null,
    experiment: experiment?.value ?? null,
    margin,
    primary,
    censored: experiment?.censored ?? false,
  } as const
  if (estimated === null) {
    const none = {
      effect: null,
      low: null,
      high: null,
      smallestVisible: null,
      blockSeconds: null,
      disturbance: null,
    }
    return { ...shared, ...none, outcome: 'no_data' }
  }
  const interval = estimated.interval('effect', ALPHA)
  const inside = interval.high < harmMargin(spec)
  return {
    ...shared,
    ...inUnit(name, estimated.harm.effect, interval),
    smallestVisible: visible(name, estimated.standardError, interval),
    blockSeconds: estimated.blockSeconds,
    disturbance: estimated.disturbance && publicDisturbance(estimated.disturbance),
    outcome: outside ? 'outside' : inside ? 'inside' : 'undecided',
  }
}

/** From harm to the unit that is printed: success turns round, logarithms become factors, no bound becomes null. */
function inUnit(name: SignalName, effect: Bounds, interval: Bounds) {
  const known = Number.isFinite(effect.low) ? effect.low : effect.high
  if (name === 'success_ratio') {
    return { effect: finite(0 - known), low: finite(0 - interval.high), high: finite(0 - interval.low) }
  }
  return {
    effect: finite(Math.exp(known)),
    low: Number.isFinite(interval.low) ? finite(Math.exp(interval.low)) : null,
    high: finite(Math.exp(interval.high)),
  }
}

/** For the success ratio the width of the interval counts too: without a failure the bootstrap sees no error at all. */
function visible(name: SignalName, standardError: number | null, { low, high }: Bounds): number | null {
  if (standardError === null) return null
  const width = name === 'success_ratio' ? (high - low) / (2 * Z_ONE_SIDED) : 0
  const harm = VISIBLE_STANDARD_ERRORS * Math.max(standardError, width)
  return finite(name === 'success_ratio' ? 0 - harm : Math.exp(harm))
}

function signalIn(seconds: Seconds, name: SignalName): { value: number; censored: boolean } | null {
  if (name !== 'success_ratio') {
    const found = quantile(seconds.latency, QUANTILES[name])
    return found && { value: found.valueMs, censored: found.censored }
  }
  const requests = total(seconds.requests)
  return requests === 0 ? null : { value: 1 - total(seconds.failures) / requests, censored: false }
}

function publicDisturbance({
  delaySeconds,
  lengthSeconds,
  chance,
}: Disturbance): SignalResult['disturbance'] {
  return { delaySeconds, lengthSeconds, chance }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
