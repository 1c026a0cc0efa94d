import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, selectContainers } from './select.ts'
import { lasting } from './timing.ts'
import { volume, volumeOf } from './volume.ts'

/** One file takes the room of a volume, up to a bound: volumes may share a disk with what is not attacked. */
const schema = z.strictObject({
  kind: z.literal('disk-fill'),
  select: containerSelect,
  ...lasting,
  volume,
  leaveFreeMiB: z.number().int().min(0).max(1_048_576).default(0).describe('room that is left'),
  atMostMiB: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe(
      'size of the file at most; a volume with more room than that is not filled, and the fault refused',
    ),
})

export const diskFill: FaultDefinition<typeof schema> = {
  kind: 'disk-fill',
  level: 'container',
  summary: 'A volume of the container has no room left, or only so much.',
  schema,
  plan({ kind, select, durationSeconds, volume: wanted, leaveFreeMiB, atMostMiB }, view, context) {
    return containerFault(
      kind,
      selectContainers(select, view, context.seed),
      ({ pod }) => [{ action: 'fill', volume: volumeOf(pod, wanted), leaveFreeMiB, atMostMiB }],
      { durationSeconds, what: 'room left on the volume' },
      context,
    )
  },
}
