import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, selectContainers } from './select.ts'
import { lasting } from './timing.ts'

/** A day: what is further off is wrong in the same way. */
const MOST_MS = 86_400_000

/** The processes of the container read another time than the rest of the world; nobody else does. */
const schema = z.strictObject({
  kind: z.literal('clock-skew'),
  select: containerSelect,
  ...lasting,
  skewMs: z
    .number()
    .int()
    .min(-MOST_MS)
    .max(MOST_MS)
    .refine(skew => skew !== 0, { message: 'not 0' })
    .describe('their clock minus the real one; below 0 it is slow'),
})

export const clockSkew: FaultDefinition<typeof schema> = {
  kind: 'clock-skew',
  level: 'state',
  summary: "The container's processes read another time than everybody else.",
  schema,
  plan({ kind, select, durationSeconds, skewMs }, view, context) {
    return containerFault(
      kind,
      selectContainers(select, view, context.seed),
      () => [{ action: 'clock', offsetMs: skewMs }],
      { durationSeconds, what: 'clock read inside' },
      context,
    )
  },
}
