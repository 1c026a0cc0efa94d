import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, selectContainers } from './select.ts'
import { lasting } from './timing.ts'

/** Work that nobody asked for, in the target's own control group: it pays for it out of its own share. */
const schema = z.strictObject({
  kind: z.literal('cpu'),
  select: containerSelect,
  ...lasting,
  workers: z.number().int().min(1).max(64).default(1).describe('processes that do nothing but compute'),
  loadPercent: z.number().min(1).max(100).default(100).describe('of one core, each worker'),
})

export const cpu: FaultDefinition<typeof schema> = {
  kind: 'cpu',
  level: 'container',
  summary: 'Processes that only compute run in the container and take its share of the processor.',
  schema,
  plan({ kind, select, durationSeconds, workers, loadPercent }, view, context) {
    return containerFault(
      kind,
      selectContainers(select, view, context.seed),
      () => [{ action: 'stress', resource: 'cpu', workers, loadPercent }],
      { durationSeconds, what: 'processor time taken in the container' },
      context,
    )
  },
}
