import { at } from './seconds.ts'

/** Lags in a row that must be insignificant before correlation counts as gone; K_N of the paper, whose sqrt(log10 n) stays below it. */
const QUIET_LAGS = 5

/**
 * Block length for the circular block bootstrap, chosen from the series itself.
 *
 * b = (2 G^2 / D)^(1/3) n^(1/3), where with the flat-top window w and autocovariance R
 * G = sum w(k/M) |k| R(k), D = 4/3 (sum w(k/M) R(k))^2, k = -M..M, and M is twice the lag after which
 * `QUIET_LAGS` autocorrelations in a row stay within 2 sqrt(log10(n) / n). At most min(3 sqrt(n), n/3).
 *
 * @param series equally spaced values, any unit
 * @returns length in steps of the series, >= 1 (1 for a constant or very short series: nothing to keep together)
 * @see Politis & White 2004, Econometric Reviews 23(1), 53-70; correction: Patton, Politis & White 2009, 28(4), 372-375
 */
export function blockLength(series: ArrayLike<number>): number {
  const n = series.length
  if (n < 4) return 1
  const largestLag = Math.min(n - 1, Math.ceil(Math.sqrt(n)) + QUIET_LAGS)
  const covariance = autocovariance(series, largestLag)
  const variance = at(covariance, 0)
  if (!(variance > 1e-24)) return 1
  const window = Math.min(largestLag, 2 * Math.max(1, lastLoudLag(covariance, n)))
  let spectrum = variance
  let slope = 0
  for (let lag = 1; lag <= window; lag++) {
    const weighted = 2 * flatTop(lag / window) * at(covariance, lag)
    spectrum += weighted
    slope += lag * weighted
  }
  const longest = Math.ceil(Math.min(3 * Math.sqrt(n), n / 3))
  const spread = (4 / 3) * spectrum ** 2
  if (!(spread > 0)) return 1
  return Math.min(longest, Math.max(1, ((2 * slope ** 2) / spread) ** (1 / 3) * n ** (1 / 3)))
}

/** The lag before the first `QUIET_LAGS` insignificant ones; when they never come, the last significant lag. */
function lastLoudLag(covariance: Float64Array, n: number): number {
  const threshold = 2 * Math.sqrt(Math.log10(n) / n)
  let last = 0
  for (let lag = 1; lag < covariance.length; lag++) {
    if (Math.abs(at(covariance, lag)) / at(covariance, 0) >= threshold) last = lag
    else if (lag - last >= QUIET_LAGS) return last
  }
  return last
}

function autocovariance(series: ArrayLike<number>, largestLag: number): Float64Array {
  const n = series.length
  let mean = 0
  for (let index = 0; index < n; index++) mean += at(series, index) / n
  const covariance = new Float64Array(largestLag + 1)
  for (let lag = 0; lag <= largestLag; lag++) {
    let sum = 0
    for (let index = lag; index < n; index++) {
      sum += (at(series, index) - mean) * (at(series, index - lag) - mean)
    }
    covariance[lag] = sum / n
  }
  return covariance
}

/** Trapezoidal flat-top lag window. */
function flatTop(position: number): number {
  return position <= 0.5 ? 1 : 2 * (1 - position)
}
