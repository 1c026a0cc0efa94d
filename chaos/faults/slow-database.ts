import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import { databaseSelect, selectDatabases } from './database.ts'
import type { FaultDefinition } from './fault.ts'
import { lasting } from './timing.ts'

/** Tables of the catalogue that everything waits for when they are locked. */
const TABLES = ['songs', 'plays', 'instruments', 'song_instruments', 'set_neighbours'] as const

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
    sessions: z.number().int().min(1).max(100).default(4).describe('connections that are in the way'),
  })
  .refine(({ mode, table }) => (mode === 'lock') === (table !== undefined), {
    path: ['table'],
    message: 'a table for mode lock, nothing for mode slow-queries',
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
      () => [{ action: 'sql', mode, sessions, ...(table === undefined ? {} : { table }) }],
      { durationSeconds, what: mode === 'lock' ? `lock held on ${table}` : 'long queries running' },
      context,
    )
  },
}
