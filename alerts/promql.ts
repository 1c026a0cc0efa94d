/** A metric that an expression asks for, and how. */
export type Selector = {
  readonly metric: string
  readonly matchers: readonly Matcher[]
  /** What stands between the brackets, such as `5m`; null for the newest value. */
  readonly range: string | null
  /** Functions around it, from the outside in; aggregations are not among them. */
  readonly within: readonly string[]
}
export type Matcher = { readonly label: string; readonly operator: string; readonly value: string }

/** In front of a list of labels, which is no list of metrics. */
const LABEL_LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'atan2', 'start', 'end'])
const AGGREGATIONS = new Set(
  'sum min max avg group stddev stdvar count count_values bottomk topk quantile'.split(' '),
)

const TOKEN =
  /(?:\s|#[^\n]*)+|(?<text>"(?:[^"\\]|\\.)*")|(?<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?<range>\[[^\]]*\])|(?<number>[0-9.]+[a-z]*)|(?<sign>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},@])/y

type Token = { readonly kind: 'text' | 'word' | 'range' | 'number' | 'sign'; readonly text: string }

/**
 * The metrics of an expression in PromQL, each time one is asked for.
 *
 * It reads what rules and dashboards write, not everything there is: Prometheus itself says whether an expression is right.
 *
 * @throws SyntaxError for what it cannot read, and for brackets that do not match
 */
export function selectorsOf(expression: string): readonly Selector[] {
  const tokens = tokensOf(expression)
  const found: Selector[] = []
  /** What each open bracket belongs to; '' for one of an aggregation or for grouping only. */
  const open: string[] = []
  let at = 0
  while (at < tokens.length) {
    const { kind, text } = tokens[at] as Token
    const next = tokens[at + 1]?.text
    if (kind === 'word' && LABEL_LISTS.has(text)) {
      at = next === '(' ? closing(tokens, at + 1, ')', expression) + 1 : at + 1
    } else if (kind === 'word' && next === '(') {
      open.push(AGGREGATIONS.has(text) || WORDS.has(text) ? '' : text)
      at += 2
    } else if (kind === 'word' && !WORDS.has(text) && !AGGREGATIONS.has(text)) {
      const end = next === '{' ? closing(tokens, at + 1, '}', expression) : at
      const after = tokens[end + 1]
      const range = after?.kind === 'range' ? after.text.slice(1, -1) : null
      const matchers = matchersOf(tokens.slice(at + 2, end))
      found.push({ metric: text, matchers, range, within: open.filter(name => name !== '') })
      at = end + (range === null ? 1 : 2)
    } else {
      if (text === '(') open.push('')
      if (text === ')' && open.pop() === undefined) throw unreadable(expression, 'a bracket too many')
      at++
    }
  }
  if (open.length > 0) throw unreadable(expression, 'a bracket is never closed')
  return found
}

/**
 * Names of the metrics that an expression asks for, each once, sorted.
 *
 * @throws RangeError for `__name__`: what it asks for cannot be told
 */
export function metricsOf(expression: string): readonly string[] {
  if (expression.includes('__name__')) {
    throw new RangeError(
      `Cannot list the metrics of an expression: it asks for __name__, current value is ${expression}`,
    )
  }
  return [...new Set(selectorsOf(expression).map(({ metric }) => metric))].sort()
}

/** Labels by which an expression adds up, and joins what it added up; null when it keeps them all. */
export function labelsKept(expression: string): readonly string[] | null {
  const lists = (words: string) =>
    [...expression.matchAll(new RegExp(String.raw`\b(?:${words})\s*\(([^)]*)\)`, 'g'))].map(
      match => match[1] ?? '',
    )
  if (lists('by').length === 0) return null
  return [...new Set(lists('by|on').flatMap(list => list.split(',').map(label => label.trim())))]
}

function matchersOf(tokens: readonly Token[]): readonly Matcher[] {
  const matchers: Matcher[] = []
  for (let at = 0; at + 2 < tokens.length; at += 4) {
    const [label, operator, value] = tokens.slice(at, at + 3) as [Token, Token, Token]
    matchers.push({ label: label.text, operator: operator.text, value: value.text.slice(1, -1) })
  }
  return matchers
}

/** Where the bracket at `from` is closed; lists hold no brackets of their kind. */
function closing(tokens: readonly Token[], from: number, sign: string, expression: string): number {
  const end = tokens.findIndex((token, index) => index > from && token.text === sign)
  if (end < 0) throw unreadable(expression, `'${sign}' is missing`)
  return end
}

function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < expression.length) {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(expression)
    if (match === null) throw unreadable(expression, `'${expression.slice(from, from + 10)}' is none of it`)
    const entry = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)
    if (entry !== undefined) tokens.push({ kind: entry[0] as Token['kind'], text: entry[1] ?? '' })
  }
  return tokens
}

function unreadable(expression: string, why: string): SyntaxError {
  return new SyntaxError(`Cannot read the expression '${expression}': ${why}`)
}
