import { alignColumns } from '../../platform/columns.ts'
import { type Calibration, FEWEST_TRIALS, honesty, type Rate } from '../judgement/calibration.ts'
import { OUTCOMES } from '../judgement/verdict.ts'
import { count, list, percent, plural, SIGNAL_LABELS, signalEffect } from '../judgement/wording.ts'
import { utc } from './words.ts'

const MEANING = {
  honest: 'So the judge keeps its word: at most 1 false alarm in 20.',
  unproven: `Whether that is at most 1 in 20, as the judge promises, so few trials cannot show; ${FEWEST_TRIALS} without any would.`,
  dishonest:
    'That is more than the 1 in 20 which the judge promises: do not trust it here when it says “diverged”.',
} as const

/** How often the judge raises a false alarm, in sentences for a report; or that nobody has counted, and how to. */
export function howOftenItErrs(calibration: Calibration | null, runId: string): string {
  if (calibration === null) {
    return `Not known: nobody has counted how often this judge raises a false alarm under this load, with these phases and margins. “divergence calibrate runs/${runId}/experiment.yaml” counts it over the runs without a fault.`
  }
  const { verdicts, aborted, signals } = calibration
  const outside = signals
    .filter(({ outside: { events } }) => events > 0)
    .map(({ name, outside: { events } }) => `${SIGNAL_LABELS[name]} in ${count(events)}`)
  const beside = outside.length === 0 ? 'No signal was found outside' : `Found outside: ${list(outside)}`
  return `${trialsText(calibration)} ${rateText(verdicts.diverged)} were called diverged by mistake, ${rateText(verdicts.invalid)} invalid, and the abort rule would have ended ${rateText(aborted)}. ${beside}. ${MEANING[honesty(calibration)]}`
}

function trialsText({ verdicts, runs }: Calibration): string {
  const { trials } = verdicts.diverged
  return `Nothing was attacked in ${plural(trials, 'trial')} of the same load, length and margins, cut from ${plural(runs.length, 'run')}:`
}

/** `1 (2.50 %; 95 % interval 0.06 % to 13.16 %)`. */
function rateText({ events, trials, low, high }: Rate): string {
  return `${count(events)} (${percent(events / trials)}; 95 % interval ${percent(low)} to ${percent(high)})`
}

/** A calibration as plain text for a terminal. */
export function calibrationText(calibration: Calibration): string {
  const { scope, atMs, verdicts, signals, aborted } = calibration
  const cells = ({ events, trials, low, high }: Rate) => [
    `${count(events)} of ${count(trials)}`,
    percent(events / trials),
    `${percent(low)} to ${percent(high)}`,
  ]
  const visible = signals.flatMap(({ name, smallestVisible }) =>
    smallestVisible === null ? [] : [`${signalEffect(name, smallestVisible)} in ${SIGNAL_LABELS[name]}`],
  )
  return [
    trialsText(calibration),
    '',
    alignColumns([
      ['what the judge said', 'trials', 'share', '95 % interval'],
      ...OUTCOMES.map(outcome => [outcome, ...cells(verdicts[outcome])]),
      ['called off by the abort rule', ...cells(aborted)],
      ...signals.map(({ name, outside }) => [`${SIGNAL_LABELS[name]} outside`, ...cells(outside)]),
    ]),
    '',
    MEANING[honesty(calibration)],
    ...(visible.length === 0 ? [] : [`Four of five such runs would see a change of ${list(visible)}.`]),
    `Judge ${scope.judge}, ${scope.load.requestsPerSecond} requests/s a group, ${utc(atMs)}.`,
  ].join('\n')
}
