import type { Token, Tokens } from '../tokens.ts'
import type { FieldSettings } from './dashboard.ts'
import type { Labels } from './result.ts'

/** Hues of Grafana's palette, as colours of this house that reach their contrast in both themes. */
const NAMED: Readonly<Record<string, Token>> = {
  green: 'healthy',
  red: 'down',
  orange: 'experiment',
  yellow: 'recovering',
  blue: 'control',
  purple: 'attacked',
  text: 'ink2',
  gray: 'unknown',
  grey: 'unknown',
  transparent: 'ink2',
}

const CLASSIC: readonly Token[] = [
  'series1',
  'series2',
  'series3',
  'series4',
  'series5',
  'series6',
  'series7',
  'series8',
]

/** Ways to draw the lines of one group apart when it has several: solid, dashes, dots, dash and dot. */
export const DASHES: readonly (readonly number[] | 'solid')[] = [
  'solid',
  [6, 4],
  [2, 3],
  [8, 3, 2, 3],
  [12, 4],
]

/** A colour by Grafana's name (`semi-dark-red`), or one of CSS as it is; null: not known. */
export function namedColour(name: string | null, tokens: Tokens): string | null {
  if (!name) return null
  if (/^#[0-9a-f]{3,8}$/i.test(name) || /^rgba?\([\d\s.,%]+\)$/i.test(name)) return name
  const token = NAMED[name.replace(/^(super-light|light|semi-dark|dark)-/, '')]
  return token === undefined ? null : tokens[token]
}

export type Stroke = { readonly colour: string; readonly dash: readonly number[] | 'solid' }

/**
 * Colours of a chart's lines. What belongs to a group has the group's colour on every page, so that control and
 * experiment are never mixed up; several lines of one group differ by their dashes, and past those by a hue.
 */
export function strokes(
  lines: readonly { readonly name: string; readonly labels: Labels; readonly field: FieldSettings }[],
  tokens: Tokens,
): Stroke[] {
  const used = new Map<string, number>()
  let next = 0
  const sizes = new Map<string, number>()
  for (const { name, labels } of lines) {
    const group = groupOf(name, labels)
    if (group !== null) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }
  return lines.map(({ name, labels, field }) => {
    const fixed = field.colorMode === 'fixed' ? namedColour(field.fixedColor, tokens) : null
    if (fixed !== null) return { colour: fixed, dash: dashOf(field) ?? 'solid' }
    const group = groupOf(name, labels)
    if (group !== null && (sizes.get(group) ?? 0) <= DASHES.length) {
      const number = used.get(group) ?? 0
      used.set(group, number + 1)
      return { colour: tokens[group], dash: dashOf(field) ?? DASHES[number] ?? 'solid' }
    }
    const token = CLASSIC[next % CLASSIC.length] ?? 'series1'
    const dash = dashOf(field) ?? DASHES[Math.floor(next / CLASSIC.length) % DASHES.length] ?? 'solid'
    next++
    return { colour: tokens[token], dash }
  })
}

function groupOf(name: string, labels: Labels): 'control' | 'experiment' | null {
  const group = labels.group ?? /^(control|experiment)\b/.exec(name)?.[1]
  return group === 'control' || group === 'experiment' ? group : null
}

function dashOf(field: FieldSettings): readonly number[] | 'solid' | null {
  const style = field.custom.lineStyle as { fill?: string; dash?: number[] } | undefined
  if (style?.fill === 'dash') return style.dash ?? [10, 10]
  if (style?.fill === 'dot') return style.dash ?? [2, 4]
  return null
}
