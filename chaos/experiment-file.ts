import { isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'

/** One thing wrong with a file, where it stands. */
export type Problem = {
  /** One-based. */
  readonly line: number
  /** `phases.holdSeconds`, `faults[0].select.zone`; empty for the file itself. */
  readonly path: string
  /** Value and what is allowed. */
  readonly text: string
}

type Path = readonly PropertyKey[]

/** A YAML document that remembers where everything stands. */
export type YamlSource = {
  readonly value: unknown
  /** Syntax errors. */
  readonly problems: readonly Problem[]
  get(path: Path): unknown
  problem(path: Path, text: string): Problem
  /**
   * An issue of zod in words: value and what is allowed.
   *
   * @param schema JSON Schema of the whole document, for the keys that are allowed beside an unknown one
   */
  describe(issue: z.core.$ZodIssue, schema: JsonSchema): readonly Problem[]
}

type JsonSchema = z.core.JSONSchema.BaseSchema

/** Reads YAML 1.2 with positions. A key that is there twice is a problem, not a surprise. */
export function readDocument(file: string, text: string): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const lineAt = (offset: number | undefined) =>
    offset === undefined ? 1 : Math.max(1, lines.linePos(offset).line)
  const get = (path: Path): unknown => {
    const node = document.getIn(path)
    return isNode(node) ? node.toJS(document) : node
  }
  const lineOf = (path: Path): number => {
    for (let length = path.length; length > 0; length--) {
      const offset = offsetOf(document.contents, path.slice(0, length))
      if (offset !== undefined) return lineAt(offset)
    }
    return 1
  }
  const problem = (path: Path, words: string): Problem => ({
    line: lineOf(path),
    path: pathText(path),
    text: words,
  })
  const problems = document.errors.map(error => ({
    line: lineAt(error.pos[0]),
    path: '',
    text: `not YAML: ${error.message}`,
  }))
  return {
    value: problems.length > 0 ? undefined : document.toJS(),
    problems,
    get: path => (problems.length > 0 ? undefined : get(path)),
    problem,
    describe: (issue, schema) =>
      problems.length > 0 ? [] : describeIssue(issue, problem, get, file, schema),
  }
}

/** All problems of a file, in the order of its lines. */
export function listed(file: string, problems: readonly Problem[]): string {
  const lines = [...problems]
    .sort((one, other) => one.line - other.line)
    .map(({ line, path, text }) => `  ${file}:${line} ${path === '' ? '' : `${path}: `}${text}`)
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return `${count}\n${lines.join('\n')}`
}

/** A value of the document that is right by itself; undefined where it is not. */
export function part<Schema extends z.ZodType>(
  schema: Schema,
  source: YamlSource,
  path: readonly (string | number)[],
): z.infer<Schema> | undefined {
  const parsed = schema.safeParse(source.get(path))
  return parsed.success ? parsed.data : undefined
}

/** Where the key of the last step stands, or its value in a list. */
function offsetOf(contents: unknown, path: Path): number | undefined {
  let node: unknown = contents
  let offset: number | undefined
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isPair(item) && isScalar(item.key) && item.key.value === step)
      if (pair === undefined) return undefined
      offset = (pair.key as Node).range?.[0]
      node = pair.value
    } else {
      const items = (node as { items?: unknown[] } | null)?.items
      const item = items?.[Number(step)]
      if (!isNode(item)) return undefined
      offset = item.range?.[0]
      node = item
    }
  }
  return offset
}

function pathText(path: Path): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('')
}

function describeIssue(
  issue: z.core.$ZodIssue,
  problem: (path: Path, text: string) => Problem,
  get: (path: Path) => unknown,
  file: string,
  schema: JsonSchema,
): readonly Problem[] {
  const { path } = issue
  const value = show(get(path))
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => {
        const hint = keyHint(key, get([...path, key]))
        return problem(
          [...path, key],
          `unknown key${hint}; allowed: ${allowedKeys(schema, path, get).join(', ')}`,
        )
      })
    case 'invalid_value':
      return [
        problem(
          path,
          `${value} is not allowed; allowed: ${issue.values.join(', ')}${controlHint(path, get(path))}`,
        ),
      ]
    case 'invalid_union':
      return [problem(path, unionText(issue, path, get))]
    case 'invalid_type':
      if (get(path) === undefined || get(path) === null) {
        return [
          problem(path, path.length === 0 ? `${file} is empty` : `missing; expected: ${issue.expected}`),
        ]
      }
      return [problem(path, `${value} is not allowed; expected: ${issue.expected}${unitHint(get(path))}`)]
    case 'too_small':
      return [
        problem(
          path,
          `${value} is not allowed; allowed: ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${sizeUnit(issue.origin)}`,
        ),
      ]
    case 'too_big':
      return [
        problem(
          path,
          `${value} is not allowed; allowed: ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${sizeUnit(issue.origin)}`,
        ),
      ]
    case 'not_multiple_of':
      return [problem(path, `${value} is not allowed; allowed: multiples of ${issue.divisor}`)]
    default:
      return [problem(path, `${value} is not allowed; allowed: ${issue.message}`)]
  }
}

function unionText(issue: z.core.$ZodIssueInvalidUnion, path: Path, get: (path: Path) => unknown): string {
  const value = get(path)
  const allowed = (issue as { options?: readonly unknown[] }).options
  const list = allowed === undefined ? issue.message : allowed.map(String).join(', ')
  return value === undefined ? `missing; allowed: ${list}` : `${show(value)} is not allowed; allowed: ${list}`
}

/** Keys that the schema knows at `path`; of several alternatives the one whose fixed values the document has. */
function allowedKeys(schema: JsonSchema, path: Path, get: (path: Path) => unknown): string[] {
  let node: JsonSchema | undefined = chosen(schema, [], get)
  for (const [index, step] of path.entries()) {
    const next = typeof step === 'number' ? node?.items : node?.properties?.[String(step)]
    if (typeof next !== 'object' || Array.isArray(next)) return []
    node = chosen(next as JsonSchema, path.slice(0, index + 1), get)
  }
  return Object.keys(node?.properties ?? {})
}

function chosen(node: JsonSchema, path: Path, get: (path: Path) => unknown): JsonSchema | undefined {
  const alternatives = (node.oneOf ?? node.anyOf) as readonly JsonSchema[] | undefined
  if (alternatives === undefined) return node
  return alternatives.find(
    alternative =>
      // What has no keys at all is meant for another kind of value.
      alternative.properties !== undefined &&
      Object.entries(alternative.properties).every(([key, value]) => {
        // What may be left out does not tell alternatives apart.
        if (!alternative.required?.includes(key)) return true
        const fixed = (value as JsonSchema).const ?? (value as JsonSchema).enum
        if (fixed === undefined) return true
        const actual = get([...path, key])
        return Array.isArray(fixed) ? fixed.includes(actual as string) : fixed === actual
      }),
  )
}

/** `duration: 5m` where `durationSeconds: 300` is meant is the commonest slip. */
function keyHint(key: string, value: unknown): string {
  const withUnit = KEYS_WITH_UNIT[key]
  if (withUnit === undefined) return ''
  const seconds = typeof value === 'string' ? secondsOf(value) : typeof value === 'number' ? value : null
  return `; did you mean '${withUnit}${seconds === null ? "'" : `: ${seconds}'`}? Units stand in the key, the value is a number`
}

const KEYS_WITH_UNIT: Readonly<Record<string, string>> = {
  duration: 'durationSeconds',
  offset: 'offsetSeconds',
  warmup: 'warmupSeconds',
  baseline: 'baselineSeconds',
  hold: 'holdSeconds',
  recovery: 'recoverySeconds',
  transition: 'transitionSeconds',
  ready: 'readySeconds',
  rate: 'requestsPerSecond',
  rps: 'requestsPerSecond',
  delay: 'delayMs',
  jitter: 'jitterMs',
  skew: 'skewMs',
  loss: 'lossPercent',
}

function unitHint(value: unknown): string {
  const seconds = typeof value === 'string' ? secondsOf(value) : null
  return seconds === null ? '' : ` of seconds: write ${seconds}`
}

function controlHint(path: Path, value: unknown): string {
  return path.at(-1) === 'group' && value === 'control' ? ': the control group is never attacked' : ''
}

/** `5m` -> 300; null for what is no duration. */
function secondsOf(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*$/.exec(text)
  const factor = { ms: 0.001, s: 1, m: 60, h: 3600 }[match?.[2] ?? '']
  return match === null || factor === undefined ? null : Number(match[1]) * factor
}

function sizeUnit(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
