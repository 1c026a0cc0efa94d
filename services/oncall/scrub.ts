/*
 * What must not be kept goes before anything is written: secrets by the name of their field, and secrets that show in
 * text by their form. What is cut for its size says so.
 */

export const SCRUBBED = '[scrubbed]'
const CUT = '…'

/** Field names that hold secrets, whatever they are joined with: `x-auth-token`, `dbPassword`, `SENTRY_DSN`. */
const SECRET_NAME =
  /authoriz|auth(?!or)|cookie|token|secret|passw|pwd$|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|sentry[-_]?key|session|credential|csrf|xsrf|dsn|signature/i

/** Forms of secrets in text. The name before a secret stays, so that one sees what was there. */
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, SCRUBBED],
  [/\b(Bearer|Basic|Digest|Token)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${SCRUBBED}`],
  [/\beyJ[A-Za-z0-9_-]{5,500}\.[A-Za-z0-9_-]{5,2000}\.?[A-Za-z0-9_-]{0,1000}/g, SCRUBBED],
  // scheme://user:password@host, and a DSN's scheme://key@host.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@'"<>]+@/gi, `$1${SCRUBBED}@`],
  [
    /((?:authorization|auth|cookie|token|secret|password|passwd|pwd|api[-_]?key|access[-_]?key|sentry[-_]?key|session(?:[-_]?id)?|credentials?|csrf|dsn|signature)["']?\s*[=:]\s*)("[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s,;&"'}\])]+)/gi,
    `$1${SCRUBBED}`,
  ],
]

/** What a cut may have left of a secret that shows only by what comes after it, or by its length. */
const CUT_SECRET: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic|Digest|Token)\s+[A-Za-z0-9._~+/=-]*$/i, `$1 ${SCRUBBED}`],
  [/\beyJ[A-Za-z0-9_.-]*$/, SCRUBBED],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@'"<>]*$/i, `$1${SCRUBBED}`],
]

/** How much is kept of one value. Counts, and characters of text. */
export type Limits = {
  readonly depth: number
  readonly entries: number
  readonly text: number
}

/** `text` without secrets, at most `longest` characters. */
export function scrubText(text: string, longest: number): string {
  if (text.length <= longest) return bounded(replaced(text, SECRET_TEXT), longest)
  // Cut first, so that a long text costs no more.
  const cut = replaced(text.slice(0, longest - 1), CUT_SECRET)
  return bounded(`${replaced(cut, SECRET_TEXT)}${CUT}`, longest)
}

function replaced(text: string, patterns: readonly (readonly [RegExp, string])[]): string {
  return patterns.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text)
}

/** What stands for a secret may be longer than the secret was. */
function bounded(clean: string, longest: number): string {
  return clean.length > longest ? `${clean.slice(0, longest - 1)}${CUT}` : clean
}

/** Whether a field of this name may hold a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** A copy of `value` without secrets and within `limits`. */
export function scrub(value: unknown, limits: Limits): unknown {
  if (typeof value === 'string') return scrubText(value, limits.text)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return null
  if (limits.depth === 0) return Array.isArray(value) ? `[${CUT}]` : `{${CUT}}`
  const deeper = { ...limits, depth: limits.depth - 1 }
  if (Array.isArray(value)) return value.slice(0, limits.entries).map(one => scrub(one, deeper))
  return scrubObject(value as Record<string, unknown>, limits)
}

/** The same for an object, whose fields may be secrets by their names. */
export function scrubObject(
  value: Readonly<Record<string, unknown>>,
  limits: Limits,
): Record<string, unknown> {
  const deeper = { ...limits, depth: limits.depth - 1 }
  const entries = Object.entries(value)
    .slice(0, limits.entries)
    .map(([name, one]): [string, unknown] => [
      scrubText(name, 200),
      isSecretName(name) && one !== null && one !== undefined ? SCRUBBED : scrub(one, deeper),
    ])
  return Object.fromEntries(entries)
}
