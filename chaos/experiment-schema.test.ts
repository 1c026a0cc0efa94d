import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { EXPERIMENT_SCHEMA_FILE, experimentJsonSchema } from './experiment-schema.ts'
import { FAULT_KINDS } from './faults/catalogue.ts'

type Schema = {
  readonly $ref?: string
  readonly const?: string
  readonly definitions?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

const text = experimentJsonSchema()
const schema = JSON.parse(text) as Schema

/** What a reference stands for. */
function resolved(part: Schema | undefined): Schema | undefined {
  const name = part?.$ref?.split('/').at(-1)
  return name === undefined ? part : resolved(schema.definitions?.[name])
}

describe('experimentJsonSchema()', () => {
  test('is what is kept for editors', () => {
    // Out of date? `divergence schema > docs/experiment.schema.json`.
    expect(readFileSync(EXPERIMENT_SCHEMA_FILE, 'utf8')).toBe(text)
  })

  test('lets an editor complete every kind of fault', () => {
    const faults = resolved(resolved(schema.properties?.faults)?.items)?.oneOf
    const kinds = faults?.map(fault => resolved(resolved(fault)?.properties?.kind)?.const)
    expect(kinds).toEqual(FAULT_KINDS)
  })

  test('does not ask for what has a default', () => {
    expect(schema.required).not.toContain('abort')
    expect(schema.required).not.toContain('blastRadius')
    expect(schema.required).toContain('faults')
  })

  test('keeps within the width of a line', () => {
    const tooLong = text.split('\n').filter(line => line.length > 110 && /\[.*\]/.test(line))
    expect(tooLong).toEqual([])
  })
})
