/** One line of the original system's published load test: how it answered at a rate. */
export type OriginalFigure = {
  /** `/` is a page without data, `database` a route with two queries. */
  readonly route: '/' | 'database'
  readonly requestsPerSecond: number
  /** Mean latency, milliseconds; null where none was published. */
  readonly latencyMs: number | null
  readonly failedShare: number
}

/** Where the original's figures come from. */
export const ORIGINAL_SOURCE = 'the original system, its own published results: EKS, 3 zones, m4.large'

export const ORIGINAL_FIGURES: readonly OriginalFigure[] = [
  { route: '/', requestsPerSecond: 500, latencyMs: 114, failedShare: 0 },
  { route: '/', requestsPerSecond: 750, latencyMs: null, failedShare: 0.42 },
  { route: '/', requestsPerSecond: 1000, latencyMs: null, failedShare: 0.51 },
  { route: 'database', requestsPerSecond: 200, latencyMs: 106, failedShare: 0 },
  { route: 'database', requestsPerSecond: 500, latencyMs: 3555, failedShare: 0.096 },
]
