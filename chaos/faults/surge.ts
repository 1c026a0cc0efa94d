import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { experimentGroup } from './select.ts'
import { lasting } from './timing.ts'

// The generator is told the time before the first fault begins, so it cannot depend on when another one ended.
const { offsetSeconds, durationSeconds } = lasting

/** More users come than usual, to the experimental group alone; the load generator knows of it from the start. */
const schema = z.strictObject({
  kind: z.literal('surge'),
  select: z.strictObject({ group: experimentGroup }),
  offsetSeconds,
  durationSeconds,
  factor: z.number().gt(1).max(20).describe('times the load of the control group'),
})

export const surge: FaultDefinition<typeof schema> = {
  kind: 'surge',
  level: 'load',
  summary: 'The experimental group receives several times the load of the control group.',
  schema,
  plan({ kind, factor }) {
    return {
      kind,
      targets: ['load'],
      zone: null,
      begin: [{ action: 'surge', factor }],
      // The generator was told when to go back to the base before it began.
      end: [],
      proofs: [{ proof: 'load-factor', factor }],
    }
  },
}
