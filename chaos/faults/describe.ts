import { z } from 'zod'
import { FAULTS } from './catalogue.ts'
import type { Level } from './fault.ts'

/** One thing a person may write under a fault. */
export type ParameterRow = {
  /** Path below the fault: `delayMs`, `select.zone`. */
  readonly parameter: string
  /** `ms`, `%`, `MiB`, `s`, `kbit/s`; empty for what has none. */
  readonly unit: string
  /** `1 to 64`, `> 0, <= 10000`, `a | b | c | primary`. */
  readonly range: string
  /** As it would be written; null: has to be given, or is left out. */
  readonly defaultValue: string | null
  readonly required: boolean
  readonly description: string
}

export type FaultRow = {
  readonly kind: string
  readonly level: Level
  readonly summary: string
  /** Its own first; those that many kinds share stand at the end. */
  readonly parameters: readonly ParameterRow[]
}

type Json = z.core.JSONSchema.BaseSchema

/** Parameters that are not the fault's own: where it hits and when. */
const SHARED = ['select', 'offsetSeconds', 'after', 'durationSeconds']

/** Units by the end of a name; the longest end counts. */
const UNITS: Readonly<Record<string, string>> = {
  Ms: 'ms',
  Seconds: 's',
  MiB: 'MiB',
  Percent: '%',
  percent: '%',
  percentOfLimit: '%',
  kbitPerSecond: 'kbit/s',
}

/** The catalogue as rows, read from the schemas that check experiments: what they say is what is allowed. */
export function describeFaults(): readonly FaultRow[] {
  return FAULTS.map(({ kind, level, summary, schema }) => {
    const properties = propertiesOf(z.toJSONSchema(schema, { io: 'input' }))
    const own = properties.filter(({ name }) => name !== 'kind' && !SHARED.includes(name))
    const shared = SHARED.flatMap(name => properties.filter(property => property.name === name))
    return {
      kind,
      level,
      summary,
      parameters: [...own, ...shared].flatMap(property => rows(property, '')),
    }
  })
}

type Property = { readonly name: string; readonly schema: Json; readonly required: boolean }

function propertiesOf({ properties = {}, required = [] }: Json): Property[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    schema: schema as Json,
    required: required.includes(name),
  }))
}

function rows({ name, schema, required }: Property, above: string): readonly ParameterRow[] {
  const parameter = `${above}${name}`
  const below = propertiesOf(schema)
  if (below.length > 0) {
    return below.flatMap(property =>
      rows({ ...property, required: required && property.required }, `${parameter}.`),
    )
  }
  return [
    {
      parameter,
      unit: unitOf(name),
      range: rangeOf(schema),
      defaultValue: schema.default === undefined ? null : String(schema.default),
      required,
      description: schema.description ?? '',
    },
  ]
}

function unitOf(name: string): string {
  const end = Object.keys(UNITS).find(candidate => name.endsWith(candidate))
  return end === undefined ? '' : (UNITS[end] ?? '')
}

function rangeOf(schema: Json): string {
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ')
  if (schema.type === 'array') return `list of ${rangeOf(schema.items as Json)}`
  if (schema.type === 'boolean') return 'true | false'
  if (schema.type === 'number' || schema.type === 'integer') return numbers(schema)
  return schema.pattern === undefined ? String(schema.type) : 'name'
}

function numbers({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Json): string {
  const kind = type === 'integer' ? 'whole, ' : ''
  if (minimum !== undefined && maximum !== undefined) return `${kind}${minimum} to ${maximum}`
  const bounds = [
    ...(minimum === undefined ? [] : [`>= ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`<= ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`< ${exclusiveMaximum}`]),
  ]
  return `${kind}${bounds.join(', ')}`
}
