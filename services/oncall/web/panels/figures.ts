import type { Tokens } from '../tokens.ts'
import { linesOf } from './chart.ts'
import { namedColour } from './colours.ts'
import type { FieldSettings, Panel } from './dashboard.ts'
import { type Point, reduce, type Series } from './result.ts'
import { display, thresholdColor } from './units.ts'

/** One number of a stat, gauge or bar panel. */
export type Figure = {
  readonly name: string
  readonly text: string
  /** null: no threshold or mapping gives it one. */
  readonly colour: string | null
  readonly value: number | null
  /** 0 to 1: how far between the field's least and largest value; null: it has no place. */
  readonly share: number | null
  readonly points: readonly Point[]
}

/** Numbers of a panel that reduces each series to one. */
export function figuresOf(panel: Panel, series: readonly Series[], tokens: Tokens, nowMs: number): Figure[] {
  const reduction = panel.options.reduceOptions as { calcs?: readonly string[]; values?: boolean } | undefined
  const calculation = reduction?.calcs?.[0] ?? 'lastNotNull'
  const reduced = linesOf(panel, series, tokens).map(({ name, field, series: of }) => ({
    name,
    field,
    points: of.points,
    value: reduce(of.points, calculation),
  }))
  const largest = Math.max(0, ...reduced.map(({ value }) => value ?? 0).filter(Number.isFinite))
  return reduced.map(({ name, field, points, value }) => {
    const shown = display(value, field, nowMs)
    const colour = namedColour(shown.color, tokens) ?? coloured(field, value, tokens)
    return { name, points, value, text: shown.text, colour, share: shareOf(value, field, largest) }
  })
}

function coloured(field: FieldSettings, value: number | null, tokens: Tokens): string | null {
  if (field.colorMode === 'fixed') return namedColour(field.fixedColor, tokens)
  if (field.colorMode !== '' && field.colorMode !== 'thresholds') return null
  // A single step says nothing about this value: it is the colour of every value.
  return field.thresholds.length < 2 ? null : namedColour(thresholdColor(value, field), tokens)
}

function shareOf(value: number | null, { unit, min, max }: FieldSettings, largest: number): number | null {
  if (value === null || !Number.isFinite(value)) return null
  const low = min ?? 0
  const high = max ?? (unit === 'percentunit' ? 1 : unit === 'percent' ? 100 : largest)
  return high <= low ? 0 : Math.min(1, Math.max(0, (value - low) / (high - low)))
}
