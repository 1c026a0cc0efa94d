import type { JudgeInput } from '../journal-entry.ts'
import { REPLICATES } from '../judgement/estimate.ts'
import type { Outcome, SignalResult, Verdict } from '../judgement/verdict.ts'
import { count, percent, plural, SIGNAL_LABELS, seconds, signalEffect } from '../judgement/wording.ts'

/** The answer in one sentence. */
export const HEADLINES: Readonly<Record<Outcome, string>> = {
  resilient: 'The attacked group stayed with its untouched twin.',
  diverged: 'The attacked group diverged from its untouched twin.',
  inconclusive: 'This run cannot tell whether the attacked group diverged.',
  invalid: 'This run must not be believed, whatever it shows.',
}

/** What the answer means for whoever has to act on it. */
const MEANINGS: Readonly<Record<Outcome, string>> = {
  resilient:
    'Every primary signal stayed inside its margin with its whole interval, so the difference that users could have felt is smaller than the one declared acceptable.',
  diverged:
    'At least one primary signal, or an acknowledged write, went beyond what was declared acceptable.',
  inconclusive:
    'The data neither prove that the signals stayed inside their margins nor that they left them. It is not a pass: run longer, or with more load, or declare the margin that matters.',
  invalid:
    'A check on the experiment itself failed, so the numbers below say nothing about the system under test. Mend the cause and run again.',
}

export const OUTCOME_WORDS: Readonly<Record<SignalResult['outcome'], string>> = {
  inside: 'inside',
  outside: 'outside',
  undecided: 'undecided',
  no_data: 'no data',
}

export function meaning({ verdict, aborted }: Verdict): string {
  return aborted ? `${MEANINGS[verdict]} The run was aborted before its end.` : MEANINGS[verdict]
}

/** What was done, in a sentence or two. */
export function whatWasDone(input: JudgeInput): string {
  const { faults, fault, load, phases } = input
  const heldSeconds = (fault.endMs - fault.beginMs) / 1000
  const length = (phases.recovery.endMs - phases.baseline.startMs) / 1000
  const drive = `Both groups received the same ${load.targetRate} requests per second for ${seconds(length)}, from the same instant`
  if (faults.length === 0) {
    return `${drive}. No fault was injected: this is an A/A run, in which any difference found would be a false alarm.`
  }
  const attacks = faults.map(({ kind, targets }) => `${kind} on ${list(targets)}`)
  return `${drive}. The experimental group was attacked: ${list(attacks)}, held for ${seconds(heldSeconds)}. The control group was left alone.`
}

/** How sure the verdict is, in sentences with numbers. */
export function howSure({ signals, validity }: Verdict): string {
  const held = validity.filter(({ ok }) => ok).length
  const primary = signals.filter(signal => signal.primary)
  const visible = primary.flatMap(({ name, smallestVisible }) =>
    smallestVisible === null ? [] : [`${signalEffect(name, smallestVisible)} in ${SIGNAL_LABELS[name]}`],
  )
  const checks = `${held} of ${validity.length} checks on the run hold.`
  const chance =
    'Had every primary signal stood exactly at its margin, the chance of calling any of them outside would have been at most 5 %.'
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
  return `disturbed for ${seconds(lengthSeconds)} from ${seconds(Math.max(0, delaySeconds))} after the fault (chance ${percent(chance)})`
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

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? 'nothing'
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
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

/** The requests of the run in words: `6,000 requests`. */
export function requests(value: number): string {
  return plural(value, 'request')
}
