import type { SurgeArrivals } from '../../load/surge.ts'
import type { Group } from '../../platform/topology.ts'

/**
 * One request as the load generator saw it. Time stamps come from the generator's clock only.
 * A request that ran into its time-out is kept, with `outcome: 'timeout'` and `durationMs` = the time-out (censored).
 */
export type Sample = {
  readonly group: Group
  /** What was asked, a name and not a path: `songs`, `song`, `similar`, `play`, ... */
  readonly route: string
  readonly kind: 'read' | 'write'
  /** Start of the request, Unix milliseconds. */
  readonly startMs: number
  /** Connect + wait + send + receive, milliseconds; >= 0. */
  readonly durationMs: number
  /** HTTP status, 0 when no answer came. */
  readonly status: number
  /** `ok` is the expected status; `error` any other answer or a broken connection; `timeout` no answer in time. */
  readonly outcome: 'ok' | 'error' | 'timeout'
}

/** What the load generator says of itself when it has finished. */
export type LoadSummary = {
  /** Arrivals per second and group that the schedule asked for. */
  readonly targetRate: number
  /** Arrivals that never became a request because no virtual user was free; > 0 makes a run invalid. */
  readonly droppedIterations: number
  /** Requests sent, by group. */
  readonly requests: Readonly<Record<Group, number>>
  /** Windows in which the experiment got more; absent when there was none. */
  readonly surges?: readonly SurgeArrivals[]
}

/** Half-open interval [startMs, endMs) of Unix milliseconds on the generator's clock. */
export type Phase = { readonly startMs: number; readonly endMs: number }

/** Phases of a run, already trimmed by the transition time at their edges. Warm-up is before `baseline`. */
export type Phases = {
  readonly baseline: Phase
  readonly attack: Phase
  readonly recovery: Phase
}
