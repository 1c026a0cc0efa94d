import { interval } from '../judgement/reasons.ts'
import type { SignalResult } from '../judgement/verdict.ts'
import { SIGNAL_LABELS, signalEffect, signalMargin } from '../judgement/wording.ts'
import { escapeHtml, type Markup, raw } from './markup.ts'

/** Drawing area in units of the view box. */
const WIDTH = 300
const HEIGHT = 34
/** The axis in margins: 0 is no change, 1 the margin, positive is worse. */
const FROM = -1.25
const TO = 2.5
/** Half the height of the marks that bound an interval. */
const CAP = 5

/**
 * One row of a forest plot: effect and interval against the margin. All rows share one scale, the margin being 1,
 * so that percentage points and factors can be read under each other; what lies beyond the axis ends in an arrow.
 */
export function drawForestRow(signal: SignalResult): Markup {
  const { name, effect, low, high, margin, outcome } = signal
  const middle = HEIGHT / 2
  const zone = `<rect class="zone" x="${x(1)}" y="0" width="${round(WIDTH - x(1))}" height="${HEIGHT}"/>`
  const lines = `<path class="zero" d="M${x(0)} 0V${HEIGHT}"/><path class="margin" d="M${x(1)} 0V${HEIGHT}"/>`
  const label =
    effect === null
      ? `${SIGNAL_LABELS[name]}: no effect known`
      : `${SIGNAL_LABELS[name]}: effect ${signalEffect(name, effect)}, interval ${interval(signal)}, margin ${signalMargin(name, margin)}, ${outcome}`
  // For the success ratio worse is lower, so the ends change places.
  const [better, worse] = name === 'success_ratio' ? [high, low] : [low, high]
  const from = better === null ? Number.NEGATIVE_INFINITY : inMargins(signal, better)
  const to = worse === null ? Number.POSITIVE_INFINITY : inMargins(signal, worse)
  const bar =
    effect === null
      ? ''
      : `<path class="interval" d="M${x(from)} ${middle}H${x(to)}${end(from, middle)}${end(to, middle)}"/>${point(inMargins(signal, effect), [from, to], middle, signalEffect(name, effect))}`
  return raw(
    `<svg class="forest ${outcome}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">${zone}${lines}${bar}</svg>`,
  )
}

/** The scale above the rows. */
export function drawForestScale(): Markup {
  const mark = (place: number, text: string, anchor: string) =>
    `<text x="${x(place)}" y="12" text-anchor="${anchor}">${text}</text>`
  return raw(
    `<svg class="forest scale" viewBox="0 0 ${WIDTH} 17" aria-hidden="true">${mark(FROM, '← better', 'start')}${mark(0, 'no change', 'middle')}${mark(1, 'margin', 'middle')}${mark(TO, 'worse →', 'end')}</svg>`,
  )
}

/** Effect of a signal in margins; positive is worse. */
function inMargins({ name, margin }: SignalResult, effect: number): number {
  if (name === 'success_ratio') return -effect / margin
  return effect <= 0 ? Number.NEGATIVE_INFINITY : Math.log(effect) / Math.log(margin)
}

/** Place on the drawing of a value in margins; the axis ends hold what lies beyond them. */
function x(value: number): number {
  const clamped = Math.min(TO, Math.max(FROM, value))
  return round(8 + ((clamped - FROM) / (TO - FROM)) * (WIDTH - 16))
}

/** A bar across the end of an interval, or an arrow head where it runs off the axis. */
function end(value: number, middle: number): string {
  const place = x(value)
  if (value > TO)
    return `M${round(place - CAP)} ${middle - CAP}L${place} ${middle}L${round(place - CAP)} ${middle + CAP}`
  if (value < FROM)
    return `M${round(place + CAP)} ${middle - CAP}L${place} ${middle}L${round(place + CAP)} ${middle + CAP}`
  return `M${place} ${middle - CAP}V${middle + CAP}`
}

/** The effect as a dot, or as text beside its interval when it lies off the axis. */
function point(value: number, [from, to]: readonly [number, number], middle: number, text: string): string {
  const label = (place: number, anchor: 'start' | 'end') =>
    `<text x="${round(place)}" y="${middle + 4}" text-anchor="${anchor}">${text}</text>`
  if (value > TO) return label(Math.min(x(from), x(TO) - CAP) - 6, 'end')
  if (value < FROM) return label(Math.max(x(to), x(FROM) + CAP) + 6, 'start')
  return `<circle class="effect" cx="${x(value)}" cy="${middle}" r="4.5"/>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
