import {
  type DynamicConfigValue,
  FieldColorModeId,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Group } from '../../platform/topology.ts'
import { type About, type Query, stat, timeSeries } from './panel.ts'

/** The same in every comparison: who reads one chart can read them all. */
const COLORS = { control: 'blue', experiment: 'orange', difference: 'purple' } as const

export type Signal = About & {
  /** The signal in one group: one series without labels. */
  readonly of: (group: Group) => string
  readonly min?: number
  readonly max?: number
  readonly exemplars?: true
}

/** A signal in both groups, and how far they are apart: experiment less control, on an axis of its own. */
export function comparison(signal: Signal): Panel {
  const { of, exemplars, ...chart } = signal
  return timeSeries({
    ...chart,
    queries: sides(of, exemplars),
    lines: {
      control: [color(COLORS.control)],
      experiment: [color(COLORS.experiment)],
      difference: [
        color(COLORS.difference),
        { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 4] } },
        { id: 'custom.axisPlacement', value: 'right' },
        { id: 'custom.axisLabel', value: 'experiment less control' },
        // Bounds of the signal are none of the difference.
        { id: 'min', value: null },
        { id: 'max', value: null },
      ],
    },
  })
}

/** The same, now. */
export function comparisonNow({ of, ...about }: Signal): Panel {
  return stat({ ...about, queries: sides(of) })
}

function sides(of: Signal['of'], exemplars?: true): readonly [Query, ...Query[]] {
  const marked = exemplars === undefined ? {} : { exemplars }
  return [
    { expr: of('control'), legend: 'control', ...marked },
    { expr: of('experiment'), legend: 'experiment', ...marked },
    { expr: `(${of('experiment')}) - (${of('control')})`, legend: 'difference' },
  ]
}

function color(fixedColor: string): DynamicConfigValue {
  return { id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor } }
}
