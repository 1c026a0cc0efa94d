import type { Group } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'
import { QUANTILES } from './estimate.ts'
import { perSecond } from './per-second.ts'
import { quantile } from './quantile.ts'
import { bySecond, type Seconds, total } from './seconds.ts'
import type { SignalSpec } from './verdict.ts'

/** Seconds within the margin that separate one disturbance from the next. */
const CALM_SECONDS = 5
/** A request that started up to this long before the fault can be caught by it. */
const CAUGHT_SECONDS = 1
/** Seconds in which a disturbance has to set in, from `CAUGHT_SECONDS` before the fault: fixed, so that its chance is. */
const ONSET_SECONDS = 4
/** Largest chance of such a disturbance so soon after an instant at which the fault counts as its cause. */
const LARGEST_CHANCE = 0.05

/** A short time outside the margin that the fault set off. */
export type Disturbance = {
  /** From the fault's begin to the first second outside the margin; -1 if a request under way was caught. */
  readonly delaySeconds: number
  readonly lengthSeconds: number
  /** Chance that an unrelated one, at least as severe, starts as soon after an instant, in (0, `LARGEST_CHANCE`]. */
  readonly chance: number
  /** Seconds of the attack phase that it takes up, [from, until). */
  readonly from: number
  readonly until: number
}

/** The signal of one group, second by second, as harm: the larger the worse. */
type Course = {
  readonly harm: readonly number[]
  /** Whether the second alone was outside the margin of the group's own baseline. */
  readonly outside: readonly boolean[]
}

/**
 * Finds what the fault set off at once, as a failover does: seconds in which the experiment's own value of the signal
 * was outside the margin of its baseline.
 *
 * A few such seconds among many quiet ones are a single event, and resampling seconds as if they came at random
 * would often leave the event out: the interval would say "cannot tell" of a tail that was twenty times slower for the
 * eight seconds after the fault. But the fault's instant was ours to choose, so its nearness is evidence: with p the share
 * of instants without any fault (the experiment's baseline, the control throughout) at which a disturbance with as high
 * a peak began as soon, the event counts as an effect when p <= 5 %, and is then kept in every replicate instead of
 * being drawn. Where such seconds are common, p is large, and nothing changes.
 *
 * @returns null when there is none, when chance explains it, or when it takes up more than half of the attack
 * @see Fisher 1935, The Design of Experiments, on the randomisation test; what is random here is the instant
 */
export function disturbance(
  samples: readonly Sample[],
  input: JudgeInput,
  signal: SignalSpec,
): Disturbance | null {
  const { phases } = input
  const beginMs = input.fault.beginMs + input.clockOffsetMs
  // Both stretches are counted from the fault, so that their seconds coincide with its own.
  const before = Math.floor((beginMs - phases.baseline.startMs) / 1000)
  const startMs = beginMs - before * 1000
  const course = (group: Group, endMs: number) =>
    courseOf(bySecond(samples, group, { startMs, endMs }), bySecond(samples, group, phases.baseline), signal)
  const experiment = course('experiment', phases.attack.endMs)
  const control = course('control', phases.recovery.endMs)
  const earliest = Math.max(0, before - CAUGHT_SECONDS)
  const first = experiment.outside.indexOf(true, earliest)
  if (first < 0 || first >= earliest + ONSET_SECONDS || !startsAt(experiment, first)) return null

  const end = endOf(experiment, first)
  const peak = peakOf(experiment, first)
  const untouched = [
    { harm: experiment.harm.slice(0, earliest), outside: experiment.outside.slice(0, earliest) },
    control,
  ]
  const instants = untouched.reduce((sum, { harm }) => sum + Math.max(0, harm.length - ONSET_SECONDS + 1), 0)
  const alike = untouched.reduce((sum, one) => sum + instantsBefore(one, peak), 0)
  const chance = (alike + ONSET_SECONDS) / (instants + ONSET_SECONDS)
  if (chance > LARGEST_CHANCE) return null

  const toAttack = (beginMs - phases.attack.startMs) / 1000 - before
  const length = Math.ceil((phases.attack.endMs - phases.attack.startMs) / 1000)
  const from = Math.max(0, Math.floor(first + toAttack))
  const until = Math.min(length, Math.ceil(end + toAttack))
  if (until <= from || until - from > length / 2) return null
  return { delaySeconds: first - before, lengthSeconds: end - first, chance, from, until }
}

function courseOf(seconds: Seconds, baseline: Seconds, { name, margin }: SignalSpec): Course {
  const values = perSecond(seconds, name)
  if (name === 'success_ratio') {
    const usual = total(baseline.failures) / Math.max(1, total(baseline.requests))
    const harm = values.map(ratio => (ratio === null ? 0 : 1 - ratio))
    return { harm, outside: harm.map(failures => failures > usual + margin) }
  }
  const limit = (quantile(baseline.latency, QUANTILES[name])?.valueMs ?? Number.POSITIVE_INFINITY) * margin
  const harm = values.map(durationMs => durationMs ?? 0)
  return { harm, outside: harm.map(durationMs => durationMs > limit) }
}

/** Whether a disturbance begins at `second`: outside now, inside for `CALM_SECONDS` before. */
function startsAt({ outside }: Course, second: number): boolean {
  return outside[second] === true && !outside.slice(Math.max(0, second - CALM_SECONDS), second).includes(true)
}

/** Instants at which a disturbance with a peak of at least `peak` begins within `ONSET_SECONDS`. */
function instantsBefore(course: Course, peak: number): number {
  const begins = course.outside.map((_, second) => startsAt(course, second) && peakOf(course, second) >= peak)
  let instants = 0
  for (let instant = 0; instant + ONSET_SECONDS <= begins.length; instant++) {
    if (begins.slice(instant, instant + ONSET_SECONDS).includes(true)) instants++
  }
  return instants
}

/** The worst second of the disturbance that begins at `first`. */
function peakOf(course: Course, first: number): number {
  return Math.max(...course.harm.slice(first, endOf(course, first)))
}

/** The second after the last one outside before `CALM_SECONDS` inside. */
function endOf({ outside }: Course, first: number): number {
  let last = first
  for (let second = first; second < outside.length && second - last <= CALM_SECONDS; second++) {
    if (outside[second] === true) last = second
  }
  return last + 1
}
