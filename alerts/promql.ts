/** Words of PromQL that are neither metrics nor functions. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'and',
  'or',
  'unless',
  'atan2',
  'bool',
  'offset',
  'inf',
  'nan',
])

/** What is written in brackets after these are names of labels. */
const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g

/**
 * Names of the metrics that a PromQL expression asks for, each once, sorted. It knows as much of the language as our rules
 * use: a metric by its name, not by a matcher on `__name__`.
 *
 * @throws RangeError for `__name__`: what it asks for cannot be told
 */
export function metricsOf(expr: string): readonly string[] {
  if (expr.includes('__name__')) {
    throw new RangeError(
      `Cannot list the metrics of an expression: it asks for __name__, current value is ${expr}`,
    )
  }
  const bare = expr
    .replace(/#[^\n]*/g, ' ')
    .replace(/"(?:[^"\\]|\\.)*"/g, ' ')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(LABEL_LISTS, ' ')
    // Numbers, those with an exponent or a unit included.
    .replace(/(?<![\w:])\d[\w.]*/g, ' ')
  const names = [...bare.matchAll(/[A-Za-z_:][A-Za-z0-9_:]*(?!\w)(?!\s*\()/g)].map(([name]) => name)
  return [...new Set(names.filter(name => !KEYWORDS.has(name.toLowerCase())))].sort()
}
