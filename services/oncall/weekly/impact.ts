import { INDICATOR } from './policy.ts'

/*
 * When users felt that a service broke its promise, from the moments that were bad. Pure.
 *
 * An instant tells of the window before it: a bad event is seen from the next step on, for as long as the window.
 *
 *   event     x
 *   instant   .  5  10  15          step 5 s, window 15 s
 *   bad?         yes yes yes no
 */

const STEP_MS = INDICATOR.stepSeconds * 1000
const WINDOW_MS = INDICATOR.windowSeconds * 1000

/**
 * Bad moments this close are one impact, milliseconds. The quickest rule looks at 30 s to say that it still goes on: who was
 * well for less than two of these was not well again.
 */
export const IMPACT_GAP_MS = 60_000

/**
 * Fewer bad events than this are chance, as for the rules that open incidents: on a quiet day one slow request in fifteen
 * seconds is more than a promise of one in a hundred allows.
 */
const FEWEST_BAD_EVENTS = 20

/** More than this of what is lost must be lost in the control group as well, to have one cause. */
const SAME_SHARE = 0.5

/** A promise at one instant, in one group, at which more was bad than it allows. */
export type BadMoment = {
  readonly slo: string
  readonly atMs: number
  /** Share of events that may be bad, (0, 1). */
  readonly budget: number
  /** Share of events that were, [0, 1]. */
  readonly badRatio: number
  /** Bad events per second, over the window. */
  readonly badPerSecond: number
  /** The same ratio of the control group at the same moment; 0 where it is not known, and for the control group itself. */
  readonly controlRatio: number
}

/** A stretch of impact. */
export type Impact = {
  /** The first bad event came after it, and within a step. */
  readonly fromMs: number
  /** The last bad event came until then. */
  readonly toMs: number
  /** Last bad instant. */
  readonly lastMs: number
  /** Of the promise that had the most. */
  readonly badEvents: number
  readonly slos: readonly string[]
}

/**
 * Whether a moment counts: what the control group loses at the same time is nobody's doing here, so it is taken off, and
 * the rest must be more than the promise allows.
 */
export function isImpact({ badRatio, controlRatio, budget }: BadMoment): boolean {
  return badRatio - controlRatio > budget
}

/**
 * Stretches of impact, oldest first. Of both ends the one that makes it longer is taken: the first bad event came within the
 * step before the first bad instant, the last one within the first step of the last bad window.
 *
 * @param moments of one service in one group, all its promises, in any order
 */
export function impactsOf(moments: readonly BadMoment[]): readonly Impact[] {
  const bad = moments.filter(isImpact).sort((one, other) => one.atMs - other.atMs)
  const stretches: BadMoment[][] = []
  for (const moment of bad) {
    const current = stretches.at(-1)
    const lastMs = current?.at(-1)?.atMs
    if (current === undefined || lastMs === undefined || moment.atMs - lastMs >= IMPACT_GAP_MS) {
      stretches.push([moment])
    } else current.push(moment)
  }
  return stretches.map(stretch => {
    const firstMs = stretch[0]?.atMs ?? 0
    const lastMs = stretch.at(-1)?.atMs ?? firstMs
    return {
      fromMs: firstMs - STEP_MS,
      // So few bad events that only some windows of theirs are bad: no earlier than they were first seen.
      toMs: Math.max(firstMs, lastMs - (WINDOW_MS - STEP_MS)),
      lastMs,
      badEvents: badEventsOf(stretch),
      slos: [...new Set(stretch.map(({ slo }) => slo))].sort(),
    }
  })
}

/** An event is in as many windows as steps go into one, and each counts it for a share of its length: in all, once. */
function badEventsOf(stretch: readonly BadMoment[]): number {
  const bySlo = Map.groupBy(stretch, ({ slo }) => slo)
  const sums = [...bySlo.values()].map(own =>
    own.reduce((sum, { badPerSecond }) => sum + badPerSecond * INDICATOR.stepSeconds, 0),
  )
  return Math.max(...sums)
}

/** Those that are more than chance; where none is, the heaviest: an incident is not about nothing. */
export function heavyOf(impacts: readonly Impact[]): readonly Impact[] {
  const heavy = impacts.filter(({ badEvents }) => badEvents >= FEWEST_BAD_EVENTS)
  if (heavy.length > 0) return heavy
  const most = Math.max(...impacts.map(({ badEvents }) => badEvents))
  return impacts.filter(({ badEvents }) => badEvents === most).slice(0, 1)
}

/**
 * Whether the control group was as bad for most of the time: it broke the promise too, and at least half as badly. Then what
 * is left after taking it off says little of an attack on the other group.
 *
 * @param moments at which the experiment was bad, the control's share not taken off
 */
export function hasSharedCause(moments: readonly BadMoment[]): boolean {
  const shared = moments.filter(
    ({ badRatio, controlRatio, budget }) => controlRatio > budget && controlRatio >= SAME_SHARE * badRatio,
  )
  return shared.length > moments.length / 2
}
