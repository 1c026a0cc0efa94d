import { median } from 'simple-statistics'
import { GROUPS, type Group } from '../../platform/topology.ts'

/** What Prometheus says of one series. */
export type Series = {
  readonly labels: Readonly<Record<string, string>>
  /** Unix seconds and value, in order of time; a value that is no number is left out. */
  readonly points: readonly (readonly [number, number])[]
}

/** Unix seconds, both ends included. */
export type Stretch = { readonly fromSeconds: number; readonly untilSeconds: number }

/** How a value moves: up, down, or there is none any more because nobody tells. */
export type Direction = 'rises' | 'falls' | 'ends'

/** What an attack has to do to a series. */
export type Wanted = {
  readonly direction: Direction
  /** Smallest difference that counts, beyond all that was seen before; in the panel's unit, seconds of silence for `ends`. */
  readonly least: number
  /** Only what was there before counts, and not what the attack made. */
  readonly isKnown?: true
}

/** How one series went from what it was to what an attack made of it. */
export type Change = {
  /** Labels of the series, without its group: `gateway a`. */
  readonly of: string
  /** In the middle of what was seen before the attack, in the panel's unit; null: there was no series. */
  readonly before: number | null
  /** Farthest from it during the attack; null: there was no series. */
  readonly during: number | null
  readonly moved: boolean
}

/**
 * The change of the series that moved the most.
 *
 * @returns null when none of them has a value, before or during
 */
export function changeOf(
  series: readonly Series[],
  before: Stretch,
  during: Stretch,
  wanted: Wanted,
): Change | null {
  const changes = series.flatMap(one => {
    const change = changeOfOne(one, before, during, wanted)
    return change === null ? [] : [change]
  })
  const most = changes.reduce<(typeof changes)[number] | null>(
    (found, next) => (found === null || next.distance > found.distance ? next : found),
    null,
  )
  if (most === null) return null
  const { distance, ...change } = most
  return { ...change, moved: distance >= wanted.least }
}

function changeOfOne({ labels, points }: Series, before: Stretch, during: Stretch, wanted: Wanted) {
  const calm = valuesIn(points, before)
  const rough = valuesIn(points, during)
  if (calm.length === 0 && rough.length === 0) return null
  if (calm.length === 0 && wanted.isKnown) return null
  const shown = { of: nameOf(labels), before: middleOf(calm) }
  switch (wanted.direction) {
    case 'rises': {
      const highest = highestOf(rough)
      // What was not there at all counts as nothing: the first shed request makes the series.
      const distance = (highest ?? 0) - (highestOf(calm) ?? 0)
      return { ...shown, during: highest, distance }
    }
    case 'falls': {
      const lowest = lowestOf(rough)
      const calmest = lowestOf(calm)
      const distance = lowest === null || calmest === null ? 0 : calmest - lowest
      return { ...shown, during: lowest, distance }
    }
    case 'ends': {
      const distance = calm.length === 0 ? 0 : longestSilence(points, during)
      return { ...shown, during: distance < wanted.least ? (rough.at(-1) ?? null) : null, distance }
    }
  }
}

/** Longest time within a stretch without a value, seconds. */
function longestSilence(points: Series['points'], { fromSeconds, untilSeconds }: Stretch): number {
  const times = points
    .map(([atSeconds]) => atSeconds)
    .filter(atSeconds => atSeconds > fromSeconds && atSeconds < untilSeconds)
  const ends = [fromSeconds, ...times, untilSeconds]
  return Math.max(...ends.slice(1).map((end, index) => end - (ends[index] ?? end)))
}

function valuesIn(points: Series['points'], { fromSeconds, untilSeconds }: Stretch): readonly number[] {
  return points
    .filter(([atSeconds]) => atSeconds >= fromSeconds && atSeconds <= untilSeconds)
    .map(([, value]) => value)
}

const middleOf = (values: readonly number[]) => (values.length === 0 ? null : median([...values]))
const highestOf = (values: readonly number[]) => (values.length === 0 ? null : Math.max(...values))
const lowestOf = (values: readonly number[]) => (values.length === 0 ? null : Math.min(...values))

/** Labels that say whose a series is, which is told beside its name, or that no person knows it by. */
const UNTOLD = ['group', '__name__', 'run', 'instance', 'namespace', 'uid']
/** Labels that follow from the pod. */
const OF_A_POD = ['container', 'job', 'node', 'service', 'zone']

function nameOf(labels: Series['labels']): string {
  const untold = labels.pod === undefined ? UNTOLD : [...UNTOLD, ...OF_A_POD]
  return Object.entries(labels)
    .filter(([label]) => !untold.includes(label))
    .map(([, value]) => value)
    .join(' ')
}

/** Whose a series is: of one of the groups, or of the lab as a whole. */
export type Owner = Group | 'lab'

/**
 * Whose a series is: by its label, by its node, or by the group that the query asks for.
 *
 * @param query PromQL that gave it
 * @returns null for a comparison of the groups: it is nobody's
 */
export function ownerOf(labels: Series['labels'], query: string): Owner | null {
  const { group, node } = labels
  if (group !== undefined) return GROUPS.find(name => name === group) ?? 'lab'
  if (node !== undefined) return GROUPS.find(name => node.startsWith(`${name}-`)) ?? 'lab'
  const asked = GROUPS.filter(name => query.includes(`group="${name}"`))
  if (asked.length > 1) return null
  return asked[0] ?? 'lab'
}

/** What became of an alert in an attack; `fires on` when it fired before as well. */
export type AlertState = 'pending' | 'fires' | 'fires on'

/**
 * States of the alerts of one owner.
 *
 * @param series of `ALERTS`
 * @returns by name, in order of the names; only those that were pending or firing during the attack
 */
export function alertStates(
  series: readonly Series[],
  before: Stretch,
  during: Stretch,
): Readonly<Record<string, AlertState>> {
  const isIn = (stretch: Stretch, name: string, state: string) =>
    series.some(
      ({ labels, points }) =>
        labels.alertname === name && labels.alertstate === state && valuesIn(points, stretch).length > 0,
    )
  const names = [...new Set(series.map(({ labels }) => labels.alertname ?? ''))].sort()
  const stateOf = (name: string): AlertState | null => {
    if (isIn(during, name, 'firing')) return isIn(before, name, 'firing') ? 'fires on' : 'fires'
    return isIn(during, name, 'pending') ? 'pending' : null
  }
  return Object.fromEntries(
    names.flatMap(name => {
      const state = stateOf(name)
      return state === null ? [] : [[name, state] as const]
    }),
  )
}
