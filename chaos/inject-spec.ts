import { readFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { z } from 'zod'
import { UserError } from '../platform/errors.ts'
import { listed, type Problem, readDocument } from './experiment-file.ts'
import { type BlastRadius, blastRadiusSchema } from './faults/blast-radius.ts'
import { type AnyFault, FAULT_KINDS, faultSchema } from './faults/catalogue.ts'
import { timeLineProblems } from './time-line.ts'

/** What `divergence inject` is asked to do, as a person wrote it. */
export type InjectWords = {
  /** A kind of fault, or a YAML file with a list of faults. */
  readonly what: string
  /** `key=value`; a key may be a path: `select.zone=b`. */
  readonly set: readonly string[]
  /** `30s`, `2m`, or seconds. */
  readonly duration: string | undefined
}

const fileSchema = z.strictObject({
  faults: z.array(faultSchema).min(1).max(20),
  blastRadius: blastRadiusSchema,
})

/** What was asked for, wholly checked. */
export type ToInject = { readonly faults: readonly AnyFault[]; readonly blastRadius: BlastRadius }

/**
 * Reads the faults to inject.
 *
 * @throws UserError FAULT_UNKNOWN, DURATION_INVALID; FAULT_INVALID with all that is wrong
 */
export async function faultsToInject({ what, set, duration }: InjectWords): Promise<ToInject> {
  if (!/\.ya?ml$/.test(what)) return oneFault(what, set, duration)
  if (set.length > 0 || duration !== undefined) {
    throw invalid(what, '--set and --duration belong to a single kind of fault')
  }
  const text = await readFile(what, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw invalid(what, error.code === 'ENOENT' ? 'there is no such file' : error.message)
  })
  return checked(what, text, problems => invalid(what, listed(what, problems)))
}

function oneFault(kind: string, set: readonly string[], duration: string | undefined): ToInject {
  if (!FAULT_KINDS.includes(kind)) {
    throw new UserError(
      'FAULT_UNKNOWN',
      `Cannot inject '${kind}': there is no such fault and no such file`,
      "See what there is with 'divergence faults'.",
    )
  }
  const fault: Record<string, unknown> = { kind, select: { group: 'experiment' } }
  for (const word of set) {
    const [, path, value] = /^([A-Za-z][A-Za-z.]*)=(.*)$/s.exec(word) ?? []
    if (path === undefined || value === undefined) throw invalid(kind, `'${word}' is not key=value`)
    const written = readDocument(word, value)
    if (written.problems.length > 0) {
      throw invalid(kind, `the value of '${word}' is ${written.problems.map(({ text }) => text).join('; ')}`)
    }
    assign(fault, path.split('.'), written.value)
  }
  if (duration !== undefined) fault.durationSeconds = secondsOf(duration)
  // The words have no lines, and there is only one fault.
  const inWords = ({ path, text }: Problem) => `${path.replace(/^faults\[0\]\.?/, '') || 'it'}: ${text}`
  return checked(kind, stringify({ faults: [fault] }), problems =>
    invalid(kind, problems.map(inWords).join('; ')),
  )
}

function assign(into: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[key] = value
    return
  }
  const below = into[key]
  const next = typeof below === 'object' && below !== null ? (below as Record<string, unknown>) : {}
  into[key] = next
  assign(next, rest, value)
}

function checked(name: string, text: string, refusal: (problems: readonly Problem[]) => UserError): ToInject {
  const source = readDocument(name, text)
  const parsed = fileSchema.safeParse(source.value)
  const schema = z.toJSONSchema(fileSchema, { io: 'input' })
  const surges = (parsed.data?.faults ?? []).flatMap(({ kind }, index) =>
    kind === 'surge'
      ? [source.problem(['faults', index, 'kind'], "a surge needs the load of a run: use 'divergence run'")]
      : [],
  )
  const problems = [
    ...source.problems,
    ...(parsed.error?.issues ?? []).flatMap(issue => source.describe(issue, schema)),
    ...surges,
    ...timeLineProblems(source, Number.POSITIVE_INFINITY),
  ]
  if (parsed.success && problems.length === 0) return parsed.data as ToInject
  throw refusal(problems)
}

function secondsOf(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(text) ?? []
  if (number === undefined) {
    throw new UserError(
      'DURATION_INVALID',
      `Cannot read the duration '${text}'`,
      "Write seconds or minutes: '30s', '2m'.",
    )
  }
  return Number(number) * (unit === 'm' ? 60 : 1)
}

function invalid(name: string, problems: string): UserError {
  return new UserError(
    'FAULT_INVALID',
    `Cannot inject ${name}: ${problems}`,
    `See its parameters with 'divergence faults${FAULT_KINDS.includes(name) ? ` ${name}` : ''}'.`,
  )
}
