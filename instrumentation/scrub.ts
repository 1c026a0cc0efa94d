/** Names whose values nobody may read. */
const SECRET_NAME = /pass(word|wd)?$|secret|token|authori[sz]ation|cookie|api[-_]?key|private|credential|dsn/i

/** Secrets inside of texts: of URLs, of `name=value` pairs, of authorization headers. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*(?::[^\s/@]*)?@/gi, '$1[removed]@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 [removed]'],
  [
    /\b([\w-]*(?:password|passwd|secret|token|api[-_]?key))(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi,
    '$1$2[removed]',
  ],
]

const REMOVED = '[removed]'

/** Deeper values are cut: an event is a summary, not a dump. */
const MOST_DEPTH = 10

/** The text without the secrets in it. */
export function scrubText(text: string): string {
  return SECRET_TEXTS.reduce((scrubbed, [pattern, to]) => scrubbed.replace(pattern, to), text)
}

/** A copy of plain data without secrets: values under telling names are removed, all texts scrubbed. */
export function scrub<Value>(value: Value): Value {
  return copy(value, 0) as Value
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MOST_DEPTH) return '[cut]'
  if (Array.isArray(value)) return value.map(each => copy(each, depth + 1))
  const entries = Object.entries(value).map(([name, each]) => [
    name,
    SECRET_NAME.test(name) && each !== undefined ? REMOVED : copy(each, depth + 1),
  ])
  return Object.fromEntries(entries)
}
