import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { containerSelect, type SelectedContainer, selectContainers } from './select.ts'
import { lasting } from './timing.ts'

/**
 * Somebody else uses memory that counts as the target's, until so much of the limit is in use. Asked to, until the
 * kernel kills the target for it.
 */
const schema = z
  .strictObject({
    kind: z.literal('memory'),
    select: containerSelect,
    ...lasting,
    percentOfLimit: z
      .number()
      .min(1)
      .max(100)
      .optional()
      .describe("in use in the end, the target's own use included"),
    useMiB: z
      .number()
      .int()
      .min(1)
      .max(1_048_576)
      .optional()
      .describe('in use in the end, in place of percentOfLimit'),
    oomKill: z
      .boolean()
      .default(false)
      .describe('whether the kernel kills the target; then neither of the two is given'),
  })
  .refine(
    ({ percentOfLimit, useMiB, oomKill }) =>
      [percentOfLimit !== undefined, useMiB !== undefined, oomKill].filter(Boolean).length === 1,
    { path: ['percentOfLimit'], message: 'one of percentOfLimit, useMiB and oomKill: true' },
  )

type MemoryFault = z.infer<typeof schema>

export const memory: FaultDefinition<typeof schema> = {
  kind: 'memory',
  level: 'container',
  summary: "Memory of the container's limit is taken, up to the kernel's killing it if asked to.",
  schema,
  plan(spec, view, context) {
    const { kind, select, durationSeconds, oomKill } = spec
    const selected = selectContainers(select, view, context.seed)
    // Whom the kernel kills of several processes is its choice: a restart of the container would prove too much.
    return containerFault(
      kind,
      selected,
      each => [{ action: 'memory', percentOfLimit: percentOf(spec, each), killsTarget: oomKill }],
      { durationSeconds, what: oomKill ? 'killed for want of memory' : 'memory in use in the container' },
      context,
    )
  },
}

function percentOf({ percentOfLimit, useMiB }: MemoryFault, { pod, container }: SelectedContainer): number {
  const limitMiB = container.memoryLimitMiB
  if (limitMiB === null) throw beyond(pod.name, 'it has no memory limit')
  if (useMiB === undefined) return percentOfLimit ?? 100
  if (useMiB > limitMiB) throw beyond(pod.name, `its limit is ${limitMiB} MiB, useMiB is ${useMiB}`)
  return (100 * useMiB) / limitMiB
}

function beyond(pod: string, why: string): UserError {
  return new UserError(
    'MEMORY_BEYOND_LIMIT',
    `Cannot take memory of ${pod}: ${why}`,
    'Give percentOfLimit, or a smaller useMiB.',
  )
}
