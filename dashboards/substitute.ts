/** What a viewer knows when it asks. */
export type Viewed = {
  /** Chosen values of each variable; an empty list stands for "All". */
  readonly choices: Readonly<Record<string, readonly string[]>>
  /** Distance of two points on the screen, seconds; > 0. */
  readonly stepSeconds: number
  /** Length of the time shown, seconds; > 0. */
  readonly rangeSeconds: number
  /** How often the data source is scraped, seconds; > 0. */
  readonly scrapeSeconds: number
}

/**
 * Puts values for the variables of an expression, as Grafana does for a Prometheus data source:
 * - `$__rate_interval` = max(step + scrape interval, 4 scrape intervals), so that a rate always has two points;
 * - `$__interval` = the step, `$__range` = the time shown, in whole seconds;
 * - `$group`, `$zone`: one value as it is, several as `(a|b)`, each escaped for a regular expression; none = `.*`.
 *
 * @throws RangeError naming a variable that is not known: sent as it is, it would match nothing and look like no data
 */
export function substitute(expression: string, viewed: Viewed): string {
  const { choices, stepSeconds, rangeSeconds, scrapeSeconds } = viewed
  const durations: Readonly<Record<string, number>> = {
    __rate_interval: Math.max(stepSeconds + scrapeSeconds, 4 * scrapeSeconds),
    __interval: stepSeconds,
    __range: rangeSeconds,
  }
  return expression.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, bare: string) => {
    const name = braced ?? bare
    const seconds = durations[name]
    if (seconds !== undefined) return `${Math.ceil(seconds)}s`
    const chosen = choices[name]
    if (chosen === undefined) {
      throw new RangeError(`Cannot put a value for '$${name}': known are ${known(durations, choices)}`)
    }
    return alternatives(chosen)
  })
}

function alternatives(values: readonly string[]): string {
  const escaped = values.map(value => value.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\\$&`))
  if (escaped.length === 0) return '.*'
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`
}

function known(...records: readonly Readonly<Record<string, unknown>>[]): string {
  return records.flatMap(record => Object.keys(record).map(name => `$${name}`)).join(', ')
}
