import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { deletePod, gone } from './pods.ts'
import { commonZone, experimentGroup, selectPrimary } from './select.ts'
import { starting } from './timing.ts'

/** The pod of the Postgres leader is killed at once, whatever zone it is in; a standby has to take over. */
const schema = z.strictObject({
  kind: z.literal('kill-primary'),
  select: z.strictObject({ group: experimentGroup }),
  ...starting,
})

export const killPrimary: FaultDefinition<typeof schema> = {
  kind: 'kill-primary',
  level: 'pod',
  summary: 'The pod of the Postgres leader is killed at once, without grace.',
  schema,
  plan({ kind }, view) {
    const primary = selectPrimary(view)
    return {
      kind,
      targets: [primary.name],
      zone: commonZone([primary]),
      begin: [deletePod(primary)],
      end: [],
      proofs: [gone(primary), { proof: 'primary-moved', uidBefore: primary.uid }],
    }
  },
}
