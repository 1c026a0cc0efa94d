import type { Group } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Phase, Sample } from '../measurement/sample.ts'
import { QUANTILES } from './estimate.ts'
import { quantile } from './quantile.ts'
import { at, bySecond, type Seconds, total } from './seconds.ts'
import type { SignalSpec } from './verdict.ts'

/** Seconds within the margin that separate one disturbance from the next. */
const CALM_SECONDS = 5
/** A request that started up to this long before the fault can be caught by it. */
const CAUGHT_SECONDS = 1
/** Largest chance of a start so soon after the fault at which the fault counts as its cause. */
const LARGEST_CHANCE = 0.05

/** A short time outside the margin that the fault set off. */
export type Disturbance = {
  /** From the fault's begin to the first second outside the margin; -1 if a request under way was caught. */
  readonly delaySeconds: number
  readonly lengthSeconds: number
  /** Chance that an unrelated one starts at least as soon after an instant, in (0, `LARGEST_CHANCE`]. */
  readonly chance: number
  /** Seconds of the attack phase that it takes up, [from, until). */
  readonly from: number
  readonly until: number
}

/**
 * Finds what the fault set off at once, as a failover does: seconds in which the experiment's own value of the signal
 * was outside the margin of its baseline.
 *
 * A few such seconds among many quiet ones are a single event, and resampling seconds as if they came at random
 * would often leave the event out: the interval would say "cannot tell" of a tail that was twenty times slower for the
 * eight seconds after the fault. But the fault's instant was ours to choose, so its nearness is evidence: with p the share
 * of instants without any fault (the experiment's baseline, the control throughout) after which a disturbance began as
 * soon, the event counts as an effect when p <= 5 %, and is then kept in every replicate instead of being drawn.
 * Where such seconds are common, p is large, and nothing changes.
 *
 * @returns null when there is none, when chance explains it, or when it takes up more than half of the attack
 * @see Fisher 1935, The Design of Experiments, on the randomisation test; the random choice here is the time
 */
export function disturbance(
  samples: readonly Sample[],
  input: JudgeInput,
  signal: SignalSpec,
): Disturbance | null {
  const { phases } = input
  const beginMs = input.fault.beginMs + input.clockOffsetMs
  const outside = (group: Group, phase: Phase) =>
    secondsOutside(bySecond(samples, group, phase), bySecond(samples, group, phases.baseline), signal)
  // Both stretches are counted from the fault, so that their seconds coincide with its own.
  const before = Math.floor((beginMs - phases.baseline.startMs) / 1000)
  const startMs = beginMs - before * 1000
  const experiment = outside('experiment', { startMs, endMs: phases.attack.endMs })
  const control = outside('control', { startMs, endMs: phases.recovery.endMs })
  const earliest = Math.max(0, before - CAUGHT_SECONDS)
  const first = experiment.indexOf(true, earliest)
  if (first < 0 || !startsAt(experiment, first)) return null

  const reach = first - earliest + 1
  const untouched = [experiment.slice(0, earliest), control]
  const instants = untouched.reduce((sum, { length }) => sum + Math.max(0, length - reach + 1), 0)
  const alike = untouched.reduce((sum, series) => sum + startsWithin(series, reach), 0)
  const chance = (alike + reach) / (instants + reach)
  if (chance > LARGEST_CHANCE) return null

  const end = endOf(experiment, first)
  const toAttack = (beginMs - phases.attack.startMs) / 1000 - before
  const length = Math.ceil((phases.attack.endMs - phases.attack.startMs) / 1000)
  const from = Math.max(0, Math.floor(first + toAttack))
  const until = Math.min(length, Math.ceil(end + toAttack))
  if (until <= from || until - from > length / 2) return null
  return { delaySeconds: first - before, lengthSeconds: end - first, chance, from, until }
}

/** For each second, whether the signal in it alone was outside the margin of the group's own baseline. */
function secondsOutside(seconds: Seconds, baseline: Seconds, { name, margin }: SignalSpec): boolean[] {
  if (name === 'success_ratio') {
    const usual = total(baseline.failures) / Math.max(1, total(baseline.requests))
    return Array.from(seconds.failures, (failures, second) => {
      const requests = at(seconds.requests, second)
      return requests > 0 && failures / requests > usual + margin
    })
  }
  const usual = quantile(baseline.latency, QUANTILES[name])
  const { durationMs, second, perSecond } = seconds.latency
  const slow = new Uint32Array(seconds.count)
  if (usual !== null) {
    for (let position = durationMs.length - 1; position >= 0; position--) {
      if (at(durationMs, position) <= usual.valueMs * margin) break
      slow[at(second, position)] = at(slow, at(second, position)) + 1
    }
  }
  return Array.from(slow, (count, index) => count > (1 - QUANTILES[name]) * at(perSecond, index))
}

/** Whether a disturbance begins at `second`: outside now, inside for `CALM_SECONDS` before. */
function startsAt(outside: readonly boolean[], second: number): boolean {
  return outside[second] === true && !outside.slice(Math.max(0, second - CALM_SECONDS), second).includes(true)
}

/** Instants after which a disturbance begins within `reach` seconds. */
function startsWithin(outside: readonly boolean[], reach: number): number {
  let instants = 0
  for (let instant = 0; instant + reach <= outside.length; instant++) {
    const ahead = Array.from({ length: reach }, (_, step) => instant + step)
    if (ahead.some(second => startsAt(outside, second))) instants++
  }
  return instants
}

/** The second after the last one outside before `CALM_SECONDS` inside. */
function endOf(outside: readonly boolean[], first: number): number {
  let last = first
  for (let second = first; second < outside.length && second - last <= CALM_SECONDS; second++) {
    if (outside[second] === true) last = second
  }
  return last + 1
}
