/** The four answers a run can have; see docs/ARCHITECTURE.md. */
export const OUTCOMES = ['resilient', 'diverged', 'inconclusive', 'invalid'] as const
export type Outcome = (typeof OUTCOMES)[number]

export const SIGNAL_NAMES = ['success_ratio', 'latency_p50', 'latency_p95', 'latency_p99'] as const
export type SignalName = (typeof SIGNAL_NAMES)[number]

/**
 * A steady-state signal with the margin inside which the groups count as equal.
 * `success_ratio`: largest tolerated fall of the ratio, in (0, 1). Latencies: largest tolerated factor, > 1.
 * At most three signals are `primary`; the rest is exploratory and cannot decide the verdict.
 */
export type SignalSpec = { readonly name: SignalName; readonly margin: number; readonly primary: boolean }

export type SignalResult = {
  readonly name: SignalName
  /** `ratio` (success), `milliseconds` (latency). */
  readonly unit: 'ratio' | 'milliseconds'
  /** Value of each group in the attack phase; null when there was no data. */
  readonly control: number | null
  readonly experiment: number | null
  /** Difference in differences: success in ratio points (experiment - control), latency as a factor. */
  readonly effect: number | null
  /** Ends of the 90 % interval of `effect`; null where the data set no bound on that side. */
  readonly low: number | null
  readonly high: number | null
  readonly margin: number
  readonly primary: boolean
  readonly outcome: 'inside' | 'outside' | 'undecided' | 'no_data'
  /** The experiment's quantile fell among requests that timed out: `experiment` and `effect` are lower bounds. */
  readonly censored: boolean
  /** Effect that 80 % of such runs would have seen, in the unit of `effect`; null without data. */
  readonly smallestVisible: number | null
  /** Length of the blocks of seconds that the bootstrap drew; null without data. */
  readonly blockSeconds: { readonly baseline: number; readonly attack: number } | null
  /**
   * Seconds outside the margin that the fault set off, from its begin; `chance` is the share of instants without a fault after which
   * such a time began as soon. null when there was none, or when it could be chance.
   */
  readonly disturbance: {
    readonly delaySeconds: number
    readonly lengthSeconds: number
    readonly chance: number
  } | null
}

export type ValidityCheck = { readonly check: string; readonly ok: boolean; readonly detail: string }

/** Seconds; null = did not recover while it was watched. */
export type Recovery = {
  readonly fromFaultStartSeconds: number | null
  readonly fromFaultEndSeconds: number | null
}

export type Verdict = {
  readonly verdict: Outcome
  readonly aborted: boolean
  /** Sentences a person can check against the numbers below. */
  readonly reasons: readonly string[]
  readonly signals: readonly SignalResult[]
  readonly validity: readonly ValidityCheck[]
  readonly recovery: Recovery
}
