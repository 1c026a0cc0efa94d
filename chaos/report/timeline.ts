import type { JudgeInput, TimelineEvent } from '../journal-entry.ts'
import { html, type Markup, raw } from './markup.ts'
import { sinceFault } from './words.ts'

/** Shapes of the drawing; the wide one has the axis of the charts, so that instants stand under each other. */
const SHAPES = {
  wide: { width: 888, left: 64, right: 84, tickSeconds: 10 },
  narrow: { width: 358, left: 14, right: 14, tickSeconds: 20 },
} as const
/** Radius of a numbered dot, and how far apart the centres of two must be. */
const RADIUS = 9
const APART = 20
/** Height of one row of dots. */
const ROW = 22
const MOST_ROWS = 4

/** Events as a strip of numbered dots and as a list with the same numbers. */
export function drawTimeline(input: JudgeInput): Markup {
  const events = input.events.toSorted((one, other) => one.atMs - other.atMs)
  if (events.length === 0) return html`<p class="note">No events were recorded.</p>`
  return html`${strip(events, input, 'wide')}${strip(events, input, 'narrow')}<ol class="events">${events.map(
    (event, index) => item(event, index, input),
  )}</ol>`
}

function item(event: TimelineEvent, index: number, input: JudgeInput): Markup {
  const { source, group, zone, service, text, atMs } = event
  const where = [group, zone && `zone ${zone}`, service].filter(Boolean).join(' · ')
  const place = html`<span class="where">${where === '' ? source : where}</span>`
  return html`<li><span class="index">${index + 1}</span><span class="time">${sinceFault(atMs, input)}</span><span class="${source}">${text} ${place}</span></li>`
}

function strip(events: readonly TimelineEvent[], input: JudgeInput, shape: keyof typeof SHAPES): Markup {
  const { width, left, right, tickSeconds } = SHAPES[shape]
  const { fault, phases, clockOffsetMs } = input
  // The phases are on the generator's clock, events and fault on the runner's.
  const onRunner = (ms: number) => (ms - clockOffsetMs - fault.beginMs) / 1000
  const from = onRunner(phases.baseline.startMs)
  const to = Math.max(
    onRunner(phases.recovery.endMs),
    ...events.map(({ atMs }) => (atMs - fault.beginMs) / 1000),
  )
  const start = Math.min(from, ...events.map(({ atMs }) => (atMs - fault.beginMs) / 1000))
  const x = (second: number) =>
    Math.round((left + ((second - start) / Math.max(1, to - start)) * (width - left - right)) * 10) / 10
  const places = events.map(({ atMs }) => x((atMs - fault.beginMs) / 1000))
  const rows = rowsOf(places)
  const axis = 8 + ROW * (Math.max(...rows) + 1)
  const height = axis + 24
  const dots = places.map((place, index) => {
    const y = axis - 14 - ROW * (rows[index] ?? 0)
    return `<path class="stem" d="M${place} ${axis}V${y}"/><circle class="dot" cx="${place}" cy="${y}" r="${RADIUS}"/><text class="dot-text" x="${place}" y="${y + 4}">${index + 1}</text>`
  })
  const held = `<rect class="attack" x="${x(0)}" y="2" width="${Math.round((x((fault.endMs - fault.beginMs) / 1000) - x(0)) * 10) / 10}" height="${axis - 2}"/>`
  const first = Math.ceil(start / tickSeconds)
  const ticks = Array.from({ length: Math.floor(to / tickSeconds) - first + 1 }, (_, index) => {
    const second = (first + index) * tickSeconds
    const text = second === 0 ? '0 s' : `${second > 0 ? '+' : '−'}${Math.abs(second)}`
    return `<path class="axis" d="M${x(second)} ${axis}v5"/><text x="${x(second)}" y="${axis + 18}" text-anchor="middle">${text}</text>`
  })
  return raw(
    `<svg class="chart strip ${shape}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${held}<path class="axis" d="M${left} ${axis}H${width - right}"/>${ticks.join('')}${dots.join('')}</svg>`,
  )
}

/** A row for each dot, the lowest in which it does not touch the one before it; the last row takes what finds no room. */
function rowsOf(places: readonly number[]): number[] {
  const ends = new Array<number>(MOST_ROWS).fill(Number.NEGATIVE_INFINITY)
  return places.map(place => {
    const free = ends.findIndex(end => place - end >= APART)
    const row = free < 0 ? MOST_ROWS - 1 : free
    ends[row] = place
    return row
  })
}
