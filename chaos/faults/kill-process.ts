import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { KILL_SECONDS } from './kill-container.ts'
import { containerSelect, selectContainers } from './select.ts'
import { starting } from './timing.ts'

/** Every process of one program is killed; the container lives on, if its process 1 can go on without them. */
const schema = z.strictObject({
  kind: z.literal('kill-process'),
  select: containerSelect,
  ...starting,
  process: z
    .string()
    .regex(/^[\w][\w.+-]{0,63}$/, 'name of a program, without its folder')
    .refine(name => name !== 'main', { message: "another name; for process 1 there is 'kill-container'" })
    .describe('name of the program, such as postgres'),
})

export const killProcess: FaultDefinition<typeof schema> = {
  kind: 'kill-process',
  level: 'container',
  summary: 'All processes of a program in the container are killed at once.',
  schema,
  plan({ kind, select, process }, view, context) {
    const plan = containerFault(
      kind,
      selectContainers(select, view, context.seed),
      () => [{ action: 'signal', signal: 'KILL', process }],
      { durationSeconds: KILL_SECONDS, what: `processes ${process} gone` },
      context,
    )
    return { ...plan, end: [] }
  },
}
