import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'
import { QUANTILES } from './estimate.ts'
import { quantile } from './quantile.ts'
import { bySecond, type Seconds, total } from './seconds.ts'
import type { Recovery, SignalName, SignalSpec } from './verdict.ts'

/** Length of the windows in which recovery is looked for, seconds. */
export const WINDOW_SECONDS = 5

/** The worst window of one signal after the fault began. */
export type WorstWindow = {
  readonly name: SignalName
  /** Start of the window after the fault's begin, seconds. */
  readonly afterFaultSeconds: number
  readonly control: number
  readonly experiment: number
}

export type Aftermath = { readonly recovery: Recovery; readonly worst: readonly WorstWindow[] }

/** Both groups in the windows that begin 0, 1, 2, ... seconds after an instant; a missing one has no samples. */
type Windows = readonly { readonly control: Seconds; readonly experiment: Seconds }[]

/**
 * Follows the primary signals from the fault's begin to the end of the run, untrimmed, in windows of
 * `WINDOW_SECONDS` that begin every second.
 *
 * Recovery is the time to the start of the first two consecutive windows back inside every margin; from the
 * fault's start it is counted after the first window outside (0 if there was none before the fault's end), so that
 * the calm second before the system notices is not taken for its recovery. A window is inside when the
 * experiment, less its difference from the control in the baseline, is within the margin of the control; the
 * control counts with its window or its whole attack phase, whichever is slower, because a window holds few requests.
 */
export function aftermath(samples: readonly Sample[], input: JudgeInput): Aftermath {
  const beginMs = input.fault.beginMs + input.clockOffsetMs
  const endMs = input.fault.endMs + input.clockOffsetMs
  const primary = input.signals.filter(signal => signal.primary)
  const scales = primary.map(signal => scaleOf(samples, input, signal))
  const lastMs = input.phases.recovery.endMs
  const sinceBegin = windowsFrom(samples, beginMs, lastMs)
  const sinceEnd = windowsFrom(samples, endMs, lastMs)
  const inside = (window: Windows[number]) => scales.every(isInside => isInside(window))
  const insideSinceBegin = sinceBegin.map(inside)
  const faultSeconds = Math.max(0, Math.ceil((endMs - beginMs) / 1000))
  const departure = insideSinceBegin.slice(0, faultSeconds).indexOf(false)
  return {
    recovery: {
      fromFaultStartSeconds: departure < 0 ? 0 : firstReturn(insideSinceBegin, departure),
      fromFaultEndSeconds: firstReturn(sinceEnd.map(inside), 0),
    },
    worst: input.signals.flatMap(({ name }) => worstOf(sinceBegin, name) ?? []),
  }
}

function windowsFrom(samples: readonly Sample[], startMs: number, lastMs: number): Windows {
  const found: { control: Seconds; experiment: Seconds }[] = []
  const length = WINDOW_SECONDS * 1000
  // Each window filters only the samples near it, or the cost would grow with the square of the run's length.
  const near = bucketsOf(samples, startMs)
  for (let second = 0; startMs + second * 1000 + length <= lastMs; second++) {
    const phase = { startMs: startMs + second * 1000, endMs: startMs + second * 1000 + length }
    const within = Array.from({ length: WINDOW_SECONDS }, (_, ahead) => near.get(second + ahead) ?? []).flat()
    found.push({
      control: bySecond(within, 'control', phase),
      experiment: bySecond(within, 'experiment', phase),
    })
  }
  return found
}

function bucketsOf(samples: readonly Sample[], startMs: number): Map<number, Sample[]> {
  const buckets = new Map<number, Sample[]>()
  for (const sample of samples) {
    const second = Math.floor((sample.startMs - startMs) / 1000)
    const bucket = buckets.get(second)
    if (bucket) bucket.push(sample)
    else buckets.set(second, [sample])
  }
  return buckets
}

/** Seconds to the first window at or after `from` that is inside together with the one that follows it. */
function firstReturn(inside: readonly boolean[], from: number): number | null {
  for (let second = from; second + WINDOW_SECONDS < inside.length; second++) {
    if (inside[second] === true && inside[second + WINDOW_SECONDS] === true) return second
  }
  return null
}

/** Whether a window is inside the margin of one signal. */
function scaleOf(samples: readonly Sample[], input: JudgeInput, { name, margin }: SignalSpec) {
  const value = (group: 'control' | 'experiment', phase: 'baseline' | 'attack') =>
    signalIn(bySecond(samples, group, input.phases[phase]), name)
  const before = { control: value('control', 'baseline'), experiment: value('experiment', 'baseline') }
  const usual = value('control', 'attack')
  return (window: Windows[number]): boolean => {
    const control = signalIn(window.control, name)
    const experiment = signalIn(window.experiment, name)
    if (control === null || experiment === null || before.control === null || before.experiment === null) {
      return false
    }
    if (name === 'success_ratio')
      return experiment - control - (before.experiment - before.control) >= -margin
    return experiment <= Math.max(control, usual ?? 0) * (before.experiment / before.control) * margin
  }
}

function worstOf(windows: Windows, name: SignalName): WorstWindow | null {
  let worst: WorstWindow | null = null
  const sign = name === 'success_ratio' ? 1 : -1
  windows.forEach((window, afterFaultSeconds) => {
    const control = signalIn(window.control, name)
    const experiment = signalIn(window.experiment, name)
    if (control === null || experiment === null) return
    if (worst === null || (experiment - worst.experiment) * sign < 0) {
      worst = { name, afterFaultSeconds, control, experiment }
    }
  })
  return worst
}

/** Success ratio, or latency quantile in milliseconds (a censored one counts as its time-out). */
function signalIn(seconds: Seconds, name: SignalName): number | null {
  if (name !== 'success_ratio') return quantile(seconds.latency, QUANTILES[name])?.valueMs ?? null
  const requests = total(seconds.requests)
  return requests === 0 ? null : 1 - total(seconds.failures) / requests
}
