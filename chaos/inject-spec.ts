import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { UserError } from '../platform/errors.ts'
import { GROUP_SERVICES } from '../platform/topology.ts'
import { type BlastRadius, DEFAULT_BLAST_RADIUS } from './faults/blast-radius.ts'
import { type AnyFault, FAULT_KINDS, faultSchema } from './faults/catalogue.ts'

/** What `divergence inject` is asked to do, as a person wrote it. */
export type InjectWords = {
  /** A kind of fault, or a YAML file with a list of faults. */
  readonly what: string
  /** `key=value`; a key may be a path: `select.zone=b`. */
  readonly set: readonly string[]
  /** `30s`, `2m`, or seconds. */
  readonly duration: string | undefined
}

const keepHealthy = z.number().int().min(0)
const fileSchema = z.strictObject({
  faults: z.array(z.unknown()).min(1).max(20),
  blastRadius: z
    .strictObject({
      maxTargets: z.number().int().min(1).max(100),
      keepHealthy: z.union([
        keepHealthy,
        z.strictObject(Object.fromEntries(GROUP_SERVICES.map(name => [name, keepHealthy.optional()]))),
      ]),
    })
    .default(DEFAULT_BLAST_RADIUS),
})

/**
 * Reads the faults to inject.
 *
 * @throws UserError FAULT_INVALID with all that is wrong
 */
export async function faultsToInject({ what, set, duration }: InjectWords): Promise<{
  readonly faults: readonly AnyFault[]
  readonly blastRadius: BlastRadius
}> {
  if (!/\.ya?ml$/.test(what)) {
    return { faults: [oneFault(what, set, duration)], blastRadius: DEFAULT_BLAST_RADIUS }
  }
  if (set.length > 0 || duration !== undefined) {
    throw invalid(what, ['--set and --duration belong to a single kind of fault'])
  }
  const text = await readFile(what, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw invalid(what, [error.code === 'ENOENT' ? 'there is no such file' : error.message])
  })
  const file = fileSchema.safeParse(parse(text))
  if (!file.success) throw invalid(what, issuesOf(file.error))
  const faults = file.data.faults.map((fault, index) => checked(`fault ${index + 1} of ${what}`, fault))
  return { faults, blastRadius: file.data.blastRadius as BlastRadius }
}

function oneFault(kind: string, set: readonly string[], duration: string | undefined): AnyFault {
  if (!FAULT_KINDS.includes(kind)) {
    throw new UserError(
      'FAULT_UNKNOWN',
      `Cannot inject '${kind}': there is no such fault and no such file`,
      "See what there is with 'divergence faults'.",
    )
  }
  const spec: Record<string, unknown> = { kind, select: { group: 'experiment' } }
  for (const word of set) {
    const [, path, value] = /^([A-Za-z][A-Za-z.]*)=(.*)$/s.exec(word) ?? []
    if (path === undefined || value === undefined) throw invalid(kind, [`'${word}' is not key=value`])
    assign(spec, path.split('.'), parse(value))
  }
  if (duration !== undefined) spec.durationSeconds = secondsOf(duration)
  return checked(kind, spec)
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

function checked(name: string, value: unknown): AnyFault {
  const parsed = faultSchema.safeParse(value)
  if (parsed.success && parsed.data.kind !== 'surge') return parsed.data
  if (parsed.success) throw invalid(name, ["a surge needs the load of a run: use 'divergence run'"])
  throw invalid(name, issuesOf(parsed.error))
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

function issuesOf(error: z.ZodError): readonly string[] {
  return error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`)
}

function invalid(name: string, problems: readonly string[]): UserError {
  return new UserError(
    'FAULT_INVALID',
    `Cannot inject ${name}: ${problems.join('; ')}`,
    `See its parameters with 'divergence faults${FAULT_KINDS.includes(name) ? ` ${name}` : ''}'.`,
  )
}
