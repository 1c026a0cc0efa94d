import type { JudgeInput } from '../journal-entry.ts'
import { REPLICATES } from '../judgement/estimate.ts'
import { isBeyondMargin } from '../judgement/reasons.ts'
import type { Outcome, SignalResult, Verdict } from '../judgement/verdict.ts'
import {
  capital,
  count,
  list,
  percent,
  plural,
  points,
  ratio,
  SIGNAL_LABELS,
  seconds,
  signalEffect,
} from '../judgement/wording.ts'

/** The answer in one sentence. */
export const HEADLINES: Readonly<Record<Outcome, string>> = {
  resilient: 'The attacked group stayed with its untouched twin.',
  diverged: 'The attacked group diverged from its untouched twin.',
  inconclusive: 'This run cannot tell whether the attacked group diverged.',
  invalid: 'This run must not be believed, whatever it shows.',
}

export const OUTCOME_WORDS: Readonly<Record<SignalResult['outcome'], string>> = {
  inside: 'inside',
  outside: 'outside',
  undecided: 'undecided',
  no_data: 'no data',
}

/** What the answer means for whoever has to act on it, with what decided it. */
export function meaning(verdict: Verdict, { writes }: JudgeInput): string {
  const text = { resilient, diverged, inconclusive, invalid }[verdict.verdict](
    verdict,
    writes.experiment.lost,
  )
  return verdict.aborted ? `${text} The run was aborted before its end.` : text
}

function resilient({ signals }: Verdict): string {
  const names = signals.filter(({ primary }) => primary).map(({ name }) => SIGNAL_LABELS[name])
  const beside = signals.filter(({ primary, outcome }) => !primary && outcome === 'outside')
  const aside =
    beside.length === 0
      ? ''
      : ` Not everything did: ${list(beside.map(change))}, but was not declared to decide.`
  return `${capital(list(names))} stayed inside ${names.length === 1 ? 'its margin' : 'their margins'} with the whole interval: what the attack changed in them is less than was declared acceptable.${aside}`
}

function diverged({ signals }: Verdict, lostWrites: number): string {
  const outside = signals.filter(({ primary, outcome }) => primary && outcome === 'outside')
  const lost = lostWrites > 0 ? [`${plural(lostWrites, 'acknowledged write')} got lost`] : []
  const what = [...lost, ...outside.map(change)]
  // No signal could be placed in the time that an attack has which is called off.
  return what.length === 0 ? CALLED_OFF : `${capital(list(what))}.`
}

const CALLED_OFF = 'So many more requests failed than in the untouched group that the attack was called off.'

/** What became of a signal that left its margin: `p95 latency rose to 3.10 times (acceptable: 2.00)`. */
function change({ name, effect, margin, censored }: SignalResult): string {
  if (effect === null) return `${SIGNAL_LABELS[name]} left its margin`
  if (name === 'success_ratio') {
    return `${SIGNAL_LABELS[name]} fell by ${unsigned(effect)} (acceptable: ${unsigned(margin)})`
  }
  return `${SIGNAL_LABELS[name]} rose to ${censored ? 'at least ' : ''}${ratio(effect)} times (acceptable: ${ratio(margin)})`
}

function inconclusive({ signals, validity }: Verdict): string {
  const failed = validity.filter(({ ok }) => !ok).map(({ check }) => check)
  const open = signals.filter(({ primary, outcome }) => primary && outcome !== 'inside')
  const why = failed.length > 0 ? `A check failed: ${list(failed)}.` : open.map(openSentence).join(' ')
  return `${why} That is not a pass: run longer or with more load, or declare the margin that matters.`
}

function openSentence(signal: SignalResult): string {
  const label = SIGNAL_LABELS[signal.name]
  if (signal.outcome === 'no_data') return `There is no data on the ${label}.`
  if (isBeyondMargin(signal))
    return `The ${label} is beyond its margin, but not surely enough as one of several signals.`
  return `The interval of the ${label} reaches from inside the margin to outside it.`
}

function invalid({ validity }: Verdict): string {
  const failed = validity.filter(({ ok }) => !ok).map(({ check }) => `“${check}”`)
  return `The run failed ${failed.length === 1 ? 'the check' : 'the checks'} ${list(failed)}, so its numbers say nothing about the system under test. Mend the cause and run again.`
}

function unsigned(difference: number): string {
  return points(Math.abs(difference)).replace('+', '')
}

/** What was done, in a sentence or two. */
export function whatWasDone(input: JudgeInput): string {
  const { faults, fault, load, phases } = input
  const heldSeconds = (fault.endMs - fault.beginMs) / 1000
  const length = (phases.recovery.endMs - phases.baseline.startMs) / 1000
  const drive = `Both groups received the same ${load.targetRate} requests per second for ${seconds(length)}, from the same instant${surgeText(load)}`
  if (faults.length === 0) {
    return `${drive}. No fault was injected: this is an A/A run, in which any difference found would be a false alarm.`
  }
  const attacks = faults.map(({ kind, targets }) => `${kind} on ${list(targets)}`)
  const held = heldSeconds < 1 ? 'all at once' : `held for ${seconds(heldSeconds)}`
  return `${drive}. The experimental group was attacked: ${list(attacks)}, ${held}. The control group was left alone.`
}

function surgeText({ surges }: JudgeInput['load']): string {
  if (surges === undefined) return ''
  const each = surges.map(
    ({ factor, durationSeconds }) => `${ratio(factor)} times as many for ${seconds(durationSeconds)}`,
  )
  return `, but for the surge: ${list(each)} for the experimental group`
}

/** How sure the verdict is, in sentences with numbers. */
export function howSure({ verdict, signals, validity }: Verdict): string {
  const held = validity.filter(({ ok }) => ok).length
  const primary = signals.filter(signal => signal.primary)
  const visible = primary.flatMap(({ name, smallestVisible }) =>
    smallestVisible === null ? [] : [`${signalEffect(name, smallestVisible)} in ${SIGNAL_LABELS[name]}`],
  )
  const checks = `${held} of ${validity.length} checks on the run hold.`
  if (verdict === 'invalid') return `Not at all: only ${checks}`
  const chance =
    'A signal that stood exactly at its margin would be placed inside, or outside, by mistake in at most 1 run of 20.'
  if (visible.length === 0) return `${checks} ${chance}`
  return `${checks} ${chance} Four of five such runs would have shown a change of ${list(visible)}.`
}

/** How the numbers came about, for whoever wants to check them. */
export function method(): string {
  return `Effects are differences in differences: experiment against control, attack against baseline, in percentage points of the success ratio or as a factor of a latency quantile. Intervals hold the true effect with 90 % confidence; they come from ${count(REPLICATES)} replicates of a block bootstrap over pairs of seconds, the same blocks in both groups, so that slow seconds which come in runs, or hit both groups, keep their weight. A signal is inside when the worse end of its interval is within the margin, and outside when the better end is beyond it (Holm's correction over the primary signals). Getting better is never counted as divergence.`
}

/** What is said of the seconds that the fault set off, or null when there were none. */
export function disturbanceText({ disturbance }: SignalResult): string | null {
  if (disturbance === null) return null
  const { delaySeconds, lengthSeconds, chance } = disturbance
  const from = delaySeconds <= 0 ? 'the fault on' : `${seconds(delaySeconds)} after the fault`
  return `disturbed for ${seconds(lengthSeconds)} from ${from}; by chance ${percent(chance)}`
}

/** How long it took to be back inside the margins. */
export function recoveryText({ recovery }: Verdict): string {
  const { fromFaultStartSeconds: start, fromFaultEndSeconds: end } = recovery
  const fromStart =
    start === null
      ? 'not seen back inside the margins after the fault began'
      : start === 0
        ? 'never left the margins for a whole window while the fault was on'
        : `back inside the margins ${seconds(start)} after the fault began`
  const fromEnd =
    end === null
      ? 'not seen back after it ended'
      : end === 0
        ? 'inside them when it ended'
        : `again ${seconds(end)} after it ended`
  return `${fromStart}; ${fromEnd}`
}

/** An instant as seconds after the fault began. */
export function sinceFault(atMs: number, { fault }: JudgeInput): string {
  const elapsed = (atMs - fault.beginMs) / 1000
  const text = Math.abs(elapsed).toFixed(1)
  return `${text === '0.0' ? '' : elapsed < 0 ? '−' : '+'}${text} s`
}

/** Date and time of an instant, UTC. */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
