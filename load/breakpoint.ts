import type { Group } from '../platform/topology.ts'
import type { Ramp } from './ramp.ts'

/** What a request has to have for a place in a table of a ramp or a soak. */
export type Outcome = {
  readonly group: Group
  /** Start of the request, Unix milliseconds. */
  readonly startMs: number
  readonly durationMs: number
  /** 0 when no answer came. */
  readonly status: number
  readonly outcome: 'ok' | 'error' | 'timeout'
}

/** Where a group counts as broken. */
export type Limits = {
  /** Largest share of failed requests in a step; 0 <= share < 1. */
  readonly failedShare: number
  /** Largest p95 of a step, milliseconds; > 0. */
  readonly p95Ms: number
}

/** Requests of one group in one stretch of time, as a table shows them. */
export type Tally = {
  /** Requests sent. */
  readonly sent: number
  /** Those of `sent` that got an answer, whichever. */
  readonly completed: number
  /** Those of `sent` that did not get the expected answer, as a share; null when none was sent. */
  readonly failedShare: number | null
  /**
   * Latencies in milliseconds; null without data. A failed request is left out, because a quick error page is not a
   * quick answer; a time-out counts with the time that was waited.
   */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
}

export type Step = Tally & {
  /** Arrivals per second of this group that the schedule asked for. */
  readonly requestsPerSecond: number
  /** Requests that the schedule asked for. */
  readonly offered: number
  /**
   * `failed`, `slow`: beyond the limits. `starved`: not broken, but the generator sent too little to tell, since it had
   * no core or no virtual user left.
   */
  readonly state: 'held' | 'failed' | 'slow' | 'starved'
}

/** What became of one group on a ramp. */
export type GroupSteps = {
  readonly group: Group
  /** As far as the load got. */
  readonly steps: readonly Step[]
  /** Highest rate before the first step that did not hold; null when the first one already did not. */
  readonly heldPerSecond: number | null
  /** The first broken step, with its reason; null when none was, or the generator gave up first. */
  readonly breakpoint: Step | null
}

/** Smallest share of the offered requests that has to be sent for a step to tell anything. */
const LEAST_SENT = 0.95

/**
 * Splits the requests of a ramp into its steps.
 *
 * @param zeroMs start of the first request
 * @param stepsDone whole steps that lie in the past; later ones are left out
 */
export function stepsOf(
  outcomes: readonly Outcome[],
  ramp: Ramp,
  limits: Limits,
  zeroMs: number,
  stepsDone: number = ramp.ratesPerSecond.length,
): readonly GroupSteps[] {
  const stepMs = ramp.stepSeconds * 1000
  return ramp.groups.map(group => {
    const buckets: Outcome[][] = ramp.ratesPerSecond.map(() => [])
    for (const one of outcomes)
      if (one.group === group) buckets[Math.floor((one.startMs - zeroMs) / stepMs)]?.push(one)
    const steps = ramp.ratesPerSecond
      .slice(0, stepsDone)
      .map((rate, index) => stepOf(buckets[index] ?? [], rate, ramp.stepSeconds, limits))
    const first = steps.findIndex(({ state }) => state !== 'held')
    const end = steps[first]
    return {
      group,
      steps,
      heldPerSecond: (first < 0 ? steps.at(-1) : steps[first - 1])?.requestsPerSecond ?? null,
      breakpoint: end === undefined || end.state === 'starved' ? null : end,
    }
  })
}

/** Whether no group has anything left to show: each has had a step that did not hold. */
export function isOver(groups: readonly GroupSteps[]): boolean {
  return groups.every(({ steps }) => steps.some(({ state }) => state !== 'held'))
}

function stepOf(
  outcomes: readonly Outcome[],
  requestsPerSecond: number,
  stepSeconds: number,
  limits: Limits,
): Step {
  const offered = Math.round(requestsPerSecond * stepSeconds)
  const counted = tally(outcomes)
  return { requestsPerSecond, offered, ...counted, state: stateOf(counted, offered, limits) }
}

function stateOf({ sent, failedShare, p95Ms }: Tally, offered: number, limits: Limits): Step['state'] {
  if (failedShare !== null && failedShare > limits.failedShare) return 'failed'
  if (p95Ms !== null && p95Ms > limits.p95Ms) return 'slow'
  return sent < LEAST_SENT * offered ? 'starved' : 'held'
}

/** Counts requests. */
export function tally(outcomes: readonly Outcome[]): Tally {
  const sent = outcomes.length
  const failed = outcomes.filter(({ outcome }) => outcome !== 'ok').length
  const timed = outcomes
    .filter(({ outcome }) => outcome !== 'error')
    .map(({ durationMs }) => durationMs)
    .sort((one, other) => one - other)
  // Nearest rank: a latency that some request really had.
  const quantile = (probability: number) => timed[Math.ceil(probability * timed.length) - 1] ?? null
  return {
    sent,
    completed: outcomes.filter(({ status }) => status !== 0).length,
    failedShare: sent === 0 ? null : failed / sent,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
  }
}
