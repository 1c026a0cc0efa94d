import type { Group } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import { perSecond } from '../judgement/per-second.ts'
import { at, bySecond, type Seconds } from '../judgement/seconds.ts'
import type { Phase, Sample } from '../measurement/sample.ts'

/** One value for each second of the run, null where nothing was measured. */
export type Line = readonly (number | null)[]

/** What both groups did, second by second, from the baseline's start to the recovery's end. */
export type Series = {
  /** Position of the first second on the time axis: seconds after the attack began, <= 0. */
  readonly firstSecond: number
  readonly lines: Readonly<Record<ChartName, Readonly<Record<Group, Line>>>>
}

export const CHART_NAMES = [
  'success_ratio',
  'latency_p50',
  'latency_p95',
  'latency_p99',
  'throughput',
] as const
export type ChartName = (typeof CHART_NAMES)[number]

/** Cuts a run into seconds for drawing. Here a quantile is that of a single second: noisy, but where it was, it was. */
export function seriesOf(samples: readonly Sample[], { phases }: Pick<JudgeInput, 'phases'>): Series {
  const before = Math.ceil((phases.attack.startMs - phases.baseline.startMs) / 1000)
  const phase: Phase = {
    startMs: phases.attack.startMs - before * 1000,
    endMs: phases.recovery.endMs,
  }
  const control = linesOf(bySecond(samples, 'control', phase))
  const experiment = linesOf(bySecond(samples, 'experiment', phase))
  const both = (name: ChartName) => ({ control: control[name], experiment: experiment[name] })
  return {
    firstSecond: -before,
    lines: {
      success_ratio: both('success_ratio'),
      latency_p50: both('latency_p50'),
      latency_p95: both('latency_p95'),
      latency_p99: both('latency_p99'),
      throughput: both('throughput'),
    },
  }
}

function linesOf(seconds: Seconds): Record<ChartName, Line> {
  return {
    success_ratio: perSecond(seconds, 'success_ratio'),
    latency_p50: perSecond(seconds, 'latency_p50'),
    latency_p95: perSecond(seconds, 'latency_p95'),
    latency_p99: perSecond(seconds, 'latency_p99'),
    throughput: Array.from(seconds.requests, (requests, second) => requests - at(seconds.failures, second)),
  }
}
