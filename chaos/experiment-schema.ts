import { z } from 'zod'
import { experimentSchema } from './experiment.ts'

/** Where the schema is kept for editors; every experiment names it in its first line. */
export const EXPERIMENT_SCHEMA_FILE = 'docs/experiment.schema.json'

/** Width of a line, as everywhere in this repository. */
const LINE_WIDTH = 110

/** JSON Schema of an experiment file, as text: what editors complete and check by. */
export function experimentJsonSchema(): string {
  const schema = z.toJSONSchema(experimentSchema, { io: 'input', target: 'draft-7', reused: 'ref' })
  return `${render({ title: 'A chaos experiment of divergence', ...schema }, 0, 0)}\n`
}

/** JSON as the formatter of this repository writes it: a list of plain values on one line where it fits. */
function render(value: unknown, depth: number, column: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const indent = '  '.repeat(depth + 1)
  const end = `\n${'  '.repeat(depth)}`
  if (!Array.isArray(value)) {
    const entries = Object.entries(value).map(([key, item]) => {
      const head = `${indent}${JSON.stringify(key)}: `
      return head + render(item, depth + 1, head.length)
    })
    return entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}${end}}`
  }
  const isPlain = value.every(item => typeof item !== 'object' || item === null)
  const line = `[${value.map(item => JSON.stringify(item)).join(', ')}]`
  // A comma may follow.
  if (isPlain && column + line.length < LINE_WIDTH) return line
  const items = value.map(item => indent + render(item, depth + 1, indent.length))
  return `[\n${items.join(',\n')}${end}]`
}
