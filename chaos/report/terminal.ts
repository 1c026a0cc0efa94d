import { alignColumns } from '../../platform/columns.ts'
import type { Calibration } from '../judgement/calibration.ts'
import type { SignalResult, Verdict } from '../judgement/verdict.ts'
import { howOftenItErrs } from './calibration.ts'

const number = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits))

/** One signal as the words of a table row; ratios in percent, latencies in milliseconds and as factors. */
function cells(signal: SignalResult): string[] {
  const name = signal.primary ? signal.name : `${signal.name} (exploratory)`
  if (signal.unit === 'ratio') {
    const percent = (value: number | null) => (value === null ? '-' : `${(value * 100).toFixed(2)} %`)
    const points = (value: number | null) =>
      value === null ? '-' : `${value > 0 ? '+' : ''}${(value * 100).toFixed(2)}`
    return [
      name,
      percent(signal.control),
      percent(signal.experiment),
      `${points(signal.effect)} points`,
      `[${points(signal.low)}, ${points(signal.high)}]`,
      `>= -${(signal.margin * 100).toFixed(2)}`,
      signal.outcome,
    ]
  }
  return [
    name,
    `${number(signal.control, 1)} ms`,
    `${number(signal.experiment, 1)} ms`,
    `x ${number(signal.effect, 2)}`,
    `[${number(signal.low, 2)}, ${number(signal.high, 2)}]`,
    `<= x ${signal.margin.toFixed(2)}`,
    signal.outcome,
  ]
}

/**
 * The verdict as plain text for a terminal: the word, its reasons, the signals, what failed of the validity checks,
 * recovery, and how often the judge errs.
 */
export function renderTerminal(verdict: Verdict, runId: string, calibration: Calibration | null): string {
  const heading = ['signal', 'control', 'experiment', 'effect', 'interval', 'margin', 'outcome']
  const failed = verdict.validity.filter(check => !check.ok)
  const { fromFaultStartSeconds: fromStart, fromFaultEndSeconds: fromEnd } = verdict.recovery
  const seconds = (value: number | null) => (value === null ? 'not while watched' : `${value.toFixed(1)} s`)
  return [
    `Verdict: ${verdict.verdict.toUpperCase()}${verdict.aborted ? ' (aborted)' : ''}`,
    ...verdict.reasons.map(reason => `  - ${reason}`),
    '',
    alignColumns([heading, ...verdict.signals.map(cells)]),
    '',
    `Recovery: ${seconds(fromStart)} after the fault began, ${seconds(fromEnd)} after it ended`,
    `Validity: ${verdict.validity.length - failed.length} of ${verdict.validity.length} checks hold`,
    ...failed.map(check => `  - ${check.check}: ${check.detail}`),
    `Calibration: ${howOftenItErrs(calibration, runId)}`,
  ].join('\n')
}
