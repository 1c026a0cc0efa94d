import { z } from 'zod'
import type { ActionSpec } from '../../services/agent/actions/catalogue.ts'
import { containerFault } from './agent-fault.ts'
import { databaseSelect, selectDatabases } from './database.ts'
import type { FaultDefinition } from './fault.ts'
import { lasting } from './timing.ts'

/** Tables of the catalogue that everything waits for when they are locked. */
const TABLES = ['songs', 'plays', 'instruments', 'song_instruments', 'set_neighbours'] as const

/** Each keeps one core of the database busy. */
const DEFAULT_SESSIONS = 4

/** The database answers, but late: somebody holds a lock on a table, or keeps it busy with queries that take long. */
const schema = z
  .strictObject({
    kind: z.literal('slow-database'),
    select: databaseSelect,
    ...lasting,
    mode: z
      .enum(['lock', 'slow-queries'])
      .default('slow-queries')
      .describe('a table is locked, or queries that take long run all the time'),
    table: z.enum(TABLES).optional().describe('that is locked; for lock, and only there'),
    sessions: z
      .number()
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(`that run long queries; for slow-queries, and only there; default: ${DEFAULT_SESSIONS}`),
  })
  .refine(({ mode, table }) => (mode === 'lock') === (table !== undefined), {
    path: ['table'],
    message: 'a table for mode lock, nothing for mode slow-queries',
  })
  .refine(({ mode, sessions }) => mode === 'slow-queries' || sessions === undefined, {
    path: ['sessions'],
    message: 'nothing for mode lock: one session holds it',
  })

export const slowDatabase: FaultDefinition<typeof schema> = {
  kind: 'slow-database',
  level: 'dependency',
  summary: 'The database answers late: a table is locked, or long queries run all the time.',
  schema,
  plan({ kind, select, durationSeconds, mode, table, sessions }, view, context) {
    return containerFault(
      kind,
      selectDatabases(select, view, context.seed),
      () => [
        table === undefined
          ? slow(sessions ?? DEFAULT_SESSIONS)
          : { action: 'sql', mode, table, sessions: 1 },
      ],
      { durationSeconds, what: mode === 'lock' ? `lock held on ${table}` : 'long queries running' },
      context,
    )
  },
}

function slow(sessions: number): ActionSpec {
  return { action: 'sql', mode: 'slow-queries', sessions }
}
