import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, selectContainers } from './select.ts'
import { lasting } from './timing.ts'

/** Every process of the container stands still: connections stay open and nobody answers on them. */
const schema = z.strictObject({ kind: z.literal('pause'), select: containerSelect, ...lasting })

export const pause: FaultDefinition<typeof schema> = {
  kind: 'pause',
  level: 'container',
  summary: 'All processes of the container stand still: it accepts and does not answer.',
  schema,
  plan({ kind, select, durationSeconds }, view, context) {
    return containerFault(
      kind,
      selectContainers(select, view, context.seed),
      () => [{ action: 'freeze' }],
      { durationSeconds, what: 'processes frozen' },
      context,
    )
  },
}
