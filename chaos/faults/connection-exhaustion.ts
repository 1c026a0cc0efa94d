import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import { databaseSelect, selectDatabases } from './database.ts'
import type { FaultDefinition } from './fault.ts'
import { lasting } from './timing.ts'

/** Somebody holds so many connections to the database that it takes no more. */
const schema = z.strictObject({
  kind: z.literal('connection-exhaustion'),
  select: databaseSelect,
  ...lasting,
  sessions: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(120)
    .describe('connections that are opened and held; as many as there are, if fewer'),
})

export const connectionExhaustion: FaultDefinition<typeof schema> = {
  kind: 'connection-exhaustion',
  level: 'dependency',
  summary: 'Idle sessions hold connections until the database takes no more.',
  schema,
  plan({ kind, select, durationSeconds, sessions }, view, context) {
    return containerFault(
      kind,
      selectDatabases(select, view, context.seed),
      () => [{ action: 'sql', mode: 'connections', sessions }],
      { durationSeconds, what: 'connections held' },
      context,
    )
  },
}
