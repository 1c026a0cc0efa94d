import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, selectContainers } from './select.ts'
import { lasting } from './timing.ts'
import { volume, volumeOf } from './volume.ts'

/** Somebody else keeps the disk busy, in the target's own control group. */
const schema = z.strictObject({
  kind: z.literal('io'),
  select: containerSelect,
  ...lasting,
  workers: z.number().int().min(1).max(16).default(1).describe('processes that write, sync and read'),
  volume,
})

export const io: FaultDefinition<typeof schema> = {
  kind: 'io',
  level: 'container',
  summary: 'Processes that write, sync and read without end keep a volume of the container busy.',
  schema,
  plan({ kind, select, durationSeconds, workers, volume: wanted }, view, context) {
    return containerFault(
      kind,
      selectContainers(select, view, context.seed),
      ({ pod }) => [{ action: 'stress', resource: 'io', workers, volume: volumeOf(pod, wanted) }],
      { durationSeconds, what: 'bytes written and read by the fault' },
      context,
    )
  },
}
