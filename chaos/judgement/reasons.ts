import type { WriteLedger } from '../journal-entry.ts'
import type { HarmShown } from './called-off.ts'
import type { Cells } from './estimate.ts'
import { type Aftermath, WINDOW_SECONDS } from './recovery.ts'
import { total } from './seconds.ts'
import { ALPHA } from './signals.ts'
import { type Check, lostRequests } from './validity.ts'
import type { Outcome, SignalResult } from './verdict.ts'
import {
  capital,
  count,
  list,
  percent,
  plural,
  ratio,
  SIGNAL_LABELS,
  seconds,
  signalEffect,
  signalMargin,
  signalValue,
} from './wording.ts'

export type Findings = {
  readonly verdict: Outcome
  /** Of an attack that was called off for it. */
  readonly harm: HarmShown | null
  readonly checks: readonly Check[]
  readonly signals: readonly SignalResult[]
  readonly cells: Cells
  readonly after: Aftermath
  /** What became of the experiment's writes. */
  readonly writes: WriteLedger
}

/** The verdict in sentences, the deciding ones first. Each holds the numbers by which a person can check it. */
export function reasons({
  verdict,
  harm,
  checks,
  signals,
  cells,
  after,
  writes,
}: Findings): readonly string[] {
  const failed = checks
    .filter(({ ok }) => !ok)
    .map(({ check, detail }) => `Failed check “${check}”: ${detail}.`)
  const primary = signals.filter(result => result.primary)
  const order = ['outside', 'undecided', 'no_data', 'inside'] as const
  const placed = order.flatMap(outcome =>
    primary.filter(result => result.outcome === outcome).map(signalSentence),
  )
  const beside = signals
    .filter(({ primary: decides, outcome }) => !decides && outcome === 'outside')
    .map(result => `Not declared to decide: ${signalClause(result)}`)
  return [
    ...(harm === null ? [] : [harmSentence(harm)]),
    ...failed,
    ...placed,
    ...beside,
    ...disturbanceSentences(signals),
    ...writesSentence(writes),
    requestsSentence(cells),
    ...aftermathSentences(verdict, after),
  ]
}

function harmSentence({ experiment, control, eValue, least, margin }: HarmShown): string {
  const evidence = `evidence e = ${eValue < 1e6 ? count(Math.round(eValue)) : eValue.toExponential(1)}, ${1 / ALPHA} is enough`
  const counts = `${count(experiment.failed)} of ${plural(experiment.requests, 'request')} to the experiment failed in it, ${count(control.failed)} of ${count(control.requests)} to the control`
  const change = `${signalEffect('success_ratio', -least)} or worse, the margin is ${signalMargin('success_ratio', margin)}`
  return `The attack was called off, and it did harm: ${counts} (${evidence}); that is ${change}.`
}

function signalSentence(result: SignalResult): string {
  return capital(signalClause(result))
}

function signalClause(result: SignalResult): string {
  const { name, control, experiment, effect, margin, outcome } = result
  const label = SIGNAL_LABELS[name]
  if (outcome === 'no_data') return `${label} has no data, which is never a pass.`
  if (control === null || experiment === null)
    return `${label} has no data in one group, which is never a pass.`
  const value = `${result.censored ? 'at least ' : ''}${signalValue(name, experiment)}`
  const values = `${value} in the experiment, ${signalValue(name, control)} in the control`
  const change =
    effect === null
      ? 'an unknown change'
      : `${result.censored ? 'at least ' : ''}${signalEffect(name, effect)}`
  const numbers = `${change} against the control and the baseline (90 % interval ${interval(result)})`
  const limit = signalMargin(name, margin)
  if (outcome === 'inside') return `${label} stayed inside its margin of ${limit}: ${numbers}; ${values}.`
  if (outcome === 'outside') return `${label} left its margin of ${limit}: ${numbers}; ${values}.`
  // Only Holm's correction leaves a signal open whose interval is wholly beyond the margin.
  const open = isBeyondMargin(result)
    ? `lies beyond the margin of ${limit}, but not far enough to decide as one of several signals`
    : `holds the margin of ${limit}`
  return `${label} cannot be placed: ${numbers} ${open}; ${values}.${visibleSentence(result)}`
}

/** The few seconds after the fault that an average over the attack would hide; signals disturbed alike share a sentence. */
function disturbanceSentences(signals: readonly SignalResult[]): string[] {
  const byText = new Map<string, string[]>()
  for (const { name, disturbance } of signals) {
    if (disturbance === null) continue
    const { delaySeconds, lengthSeconds, chance } = disturbance
    const when = delaySeconds <= 0 ? 'with the fault' : `${seconds(delaySeconds)} after the fault began`
    const text = `set in ${when} and lasted ${seconds(lengthSeconds)}; an unrelated one as severe would set in as soon with probability ${percent(chance)}`
    byText.set(text, [...(byText.get(text) ?? []), SIGNAL_LABELS[name]])
  }
  return [...byText].map(([text, names]) => `A disturbance of ${list(names)} ${text}.`)
}

/** Whether the whole printed interval is worse than the margin. */
export function isBeyondMargin({ name, low, high, margin }: SignalResult): boolean {
  return name === 'success_ratio' ? high !== null && high < -margin : low !== null && low > margin
}

/** `low to high`, with an open end where there is no bound. */
export function interval({ name, low, high }: SignalResult): string {
  if (low === null && high === null) return 'without bounds'
  if (low === null) return `up to ${signalEffect(name, high ?? 0)}`
  if (high === null) return `from ${signalEffect(name, low)} up, without bound`
  return `${signalEffect(name, low)} to ${signalEffect(name, high)}`
}

function visibleSentence({ name, smallestVisible }: SignalResult): string {
  if (smallestVisible === null) return ''
  return ` Four of five such runs would have shown a change of ${signalEffect(name, smallestVisible)}.`
}

function requestsSentence(cells: Cells): string {
  const lost = lostRequests(cells)
  const sent = total(cells.attack.experiment.requests)
  const text = `${count(lost.experiment)} of ${plural(sent, 'request')} to the experiment failed during the attack`
  const where =
    lost.experiment > 0 ? ` (${percent(lost.experiment / sent)}, in ${plural(lost.seconds, 'second')})` : ''
  return `${text}${where}, ${count(lost.control)} of ${count(total(cells.attack.control.requests))} to the control.`
}

function writesSentence({ acknowledged, lost, unacknowledged }: WriteLedger): string[] {
  if (acknowledged === 0 && lost === 0) return []
  const kept = `${count(lost)} of ${plural(acknowledged, 'acknowledged write')} to the experiment ${lost === 1 ? 'was' : 'were'} lost`
  const extra =
    unacknowledged > 0 ? `; ${plural(unacknowledged, 'write')} took place without an acknowledgement` : ''
  return [`${kept}${extra}.`]
}

function aftermathSentences(verdict: Outcome, { recovery, worst }: Aftermath): string[] {
  const slowest = worst.filter(({ name }) => name !== 'success_ratio').at(-1)
  const sentences: string[] = []
  if (slowest) {
    const { name, afterFaultSeconds, control, experiment } = slowest
    const began = afterFaultSeconds === 0 ? 'with the fault' : `${seconds(afterFaultSeconds)} after the fault`
    const times = control > 0 ? `${ratio(experiment / control)} times the control's` : "the control's"
    sentences.push(
      `The slowest ${WINDOW_SECONDS} s began ${began}: ${SIGNAL_LABELS[name]} ${signalValue(name, experiment)}, ${times} ${signalValue(name, control)}.`,
    )
  }
  if (verdict === 'invalid') return sentences
  const { fromFaultStartSeconds: start, fromFaultEndSeconds: end } = recovery
  if (start === null && end === null) sentences.push('It was not seen back inside the margins.')
  else if (start === null) sentences.push('It did not come back inside the margins after the fault began.')
  else if (start > 0)
    sentences.push(`It was back inside the margins ${seconds(start)} after the fault began.`)
  if (end === null && start !== null)
    sentences.push('After the fault ended it was not seen back inside the margins.')
  if (end !== null && end > 0)
    sentences.push(`After the fault ended it took ${seconds(end)} to be back inside the margins.`)
  return sentences
}
