import type { JudgeInput, TimelineEvent } from '../journal-entry.ts'
import { plural } from '../judgement/wording.ts'
import { html, type Markup, raw } from './markup.ts'
import { sinceFault } from './words.ts'

/** Shapes of the drawing; the wide one has the axis of the charts, so that instants stand under each other. */
const SHAPES = {
  wide: { width: 888, left: 64, right: 16, tickSeconds: 10 },
  narrow: { width: 358, left: 14, right: 14, tickSeconds: 20 },
} as const
/** Radius of a numbered dot, and how far apart the centres of two must be. */
const RADIUS = 9
const APART = 19
/** Height of one row of dots. */
const ROW = 22
const MOST_ROWS = 4

/** More events than this are too many to read: single pods that come and go are then folded away. */
const MOST_EVENTS = 24

/** Events in order of time, parted into those to show and single pods that came and went among many others. */
export function partEvents(input: JudgeInput): Record<'shown' | 'folded', readonly TimelineEvent[]> {
  const events = input.events.toSorted((one, other) => one.atMs - other.atMs)
  if (events.length <= MOST_EVENTS) return { shown: events, folded: [] }
  const isRoutine = ({ source, text }: TimelineEvent) => source === 'cluster' && text.startsWith('pod ')
  return { shown: events.filter(event => !isRoutine(event)), folded: events.filter(isRoutine) }
}

/** Events as a strip of numbered dots and as a list with the same numbers. */
export function drawTimeline(input: JudgeInput): Markup {
  const { shown, folded } = partEvents(input)
  if (shown.length + folded.length === 0) return html`<p class="note">No events were recorded.</p>`
  const more =
    folded.length === 0
      ? null
      : html`<details><summary>${plural(folded.length, 'change')} of single pods</summary><ul class="events">${folded.map(event => item(event, null, input))}</ul></details>`
  return html`${strip(shown, folded, input, 'wide')}${strip(shown, folded, input, 'narrow')}<ol class="events">${shown.map(
    (event, index) => item(event, index, input),
  )}</ol>${more}`
}

function item(event: TimelineEvent, index: number | null, input: JudgeInput): Markup {
  const { source, group, zone, service, text, atMs } = event
  const where = [group, zone && `zone ${zone}`, service].filter(Boolean).join(' · ')
  const place = html`<span class="where">${where === '' ? source : where}</span>`
  return html`<li><span class="index">${index === null ? '' : index + 1}</span><span class="time">${sinceFault(atMs, input)}</span><span class="${source}">${text} ${place}</span></li>`
}

function strip(
  events: readonly TimelineEvent[],
  folded: readonly TimelineEvent[],
  input: JudgeInput,
  shape: keyof typeof SHAPES,
): Markup {
  const { width, left, right, tickSeconds } = SHAPES[shape]
  const { fault, phases, clockOffsetMs } = input
  const sinceBegin = (ms: number) => (ms - fault.beginMs) / 1000
  // The phases are on the generator's clock, events and fault on the runner's.
  const start = sinceBegin(phases.baseline.startMs - clockOffsetMs)
  const end = sinceBegin(phases.recovery.endMs - clockOffsetMs)
  const x = (second: number) =>
    round(left + ((second - start) / Math.max(1, end - start)) * (width - left - right))
  const isWithin = ({ atMs }: TimelineEvent) => sinceBegin(atMs) >= start - 1 && sinceBegin(atMs) <= end + 1
  const numbered = events.flatMap((event, index) =>
    isWithin(event) ? [{ place: x(sinceBegin(event.atMs)), number: index + 1 }] : [],
  )
  const rows = rowsOf(numbered.map(({ place }) => place))
  const axis = 10 + ROW * (Math.max(0, ...rows.map(row => row ?? 0)) + 1)
  const dots = numbered.map(({ place, number }, index) => {
    const row = rows[index] ?? null
    if (row === null) return `<path class="tick" d="M${place} ${axis - 5}v5"/>`
    const y = axis - 14 - ROW * row
    return `<path class="stem" d="M${place} ${axis}V${y}"/><circle class="dot" cx="${place}" cy="${y}" r="${RADIUS}"/><text class="dot-text" x="${place}" y="${y + 4}">${number}</text>`
  })
  const small = folded.filter(isWithin).map(({ atMs }) => `M${x(sinceBegin(atMs))} ${axis - 5}v5`)
  const held = `<rect class="attack" x="${x(0)}" y="2" width="${round(x(sinceBegin(fault.endMs)) - x(0))}" height="${axis - 2}"/>`
  const first = Math.ceil(start / tickSeconds)
  const times = Array.from(
    { length: Math.max(0, Math.floor(end / tickSeconds) - first + 1) },
    (_, index) => (first + index) * tickSeconds,
  ).map(second => {
    const text = second === 0 ? '0 s' : `${second > 0 ? '+' : '−'}${Math.abs(second)}`
    return `<path class="axis" d="M${x(second)} ${axis}v5"/><text x="${x(second)}" y="${axis + 18}" text-anchor="middle">${text}</text>`
  })
  const ticks = small.length === 0 ? '' : `<path class="tick" d="${small.join('')}"/>`
  return raw(
    `<svg class="chart strip ${shape}" viewBox="0 0 ${width} ${axis + 24}" aria-hidden="true">${held}<path class="axis" d="M${left} ${axis}H${width - right}"/>${times.join('')}${ticks}${dots.join('')}</svg>`,
  )
}

/** A row for each dot, the lowest in which it does not touch the one before it; null where there is no room. */
function rowsOf(places: readonly number[]): (number | null)[] {
  const ends = new Array<number>(MOST_ROWS).fill(Number.NEGATIVE_INFINITY)
  return places.map(place => {
    const free = ends.findIndex(end => place - end >= APART)
    if (free < 0) return null
    ends[free] = place
    return free
  })
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
