/** What the choices at the top of a page narrow: of series that stand in a zone, and of those that only have a group. */
export const IN_SCOPE = 'group=~"$group",zone=~"$zone"'
export const IN_GROUP = 'group=~"$group"'

/** Growth of a counter in a second, added up over all but the labels `by`. */
export function perSecond(series: string, by: string): string {
  return `${sumBy(by)} (rate(${series}[$__rate_interval]))`
}

/** Growth of a counter between two points of the chart, added up over all but the labels `by`. */
export function growth(series: string, by: string): string {
  return `${sumBy(by)} (increase(${series}[$__rate_interval]))`
}

/**
 * Share of `part` in `whole`, both with the same labels. A part that never was is 0 and not missing; of a whole that is
 * nothing there is no share.
 */
export function share(part: string, whole: string): string {
  return `(${part} or ${whole} * 0) / (${whole} > 0)`
}

/**
 * Quantile of a histogram with classic buckets.
 *
 * @param quantile in (0, 1)
 * @param buckets selector of the series that end in `_bucket`
 */
export function quantileOf(quantile: number, buckets: string, by: string): string {
  return `histogram_quantile(${quantile}, ${perSecond(buckets, by === '' ? 'le' : `${by}, le`)})`
}

function sumBy(by: string): string {
  return by === '' ? 'sum' : `sum by (${by})`
}
