import { z } from 'zod'
import { networkFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/** The pod's line is narrow: what is sent faster has to wait, and is lost when too much waits. */
const schema = z.strictObject({
  kind: z.literal('bandwidth'),
  select: podSelect,
  ...lasting,
  kbitPerSecond: z.number().int().min(8).max(10_000_000).describe('that go through, 1 kbit being 1000 bits'),
  direction: z.enum(['in', 'out', 'both']).default('both').describe('as the target sees it'),
})

export const bandwidth: FaultDefinition<typeof schema> = {
  kind: 'bandwidth',
  level: 'network',
  summary: "No more than so much goes through the pod's interface.",
  schema,
  plan({ kind, select, durationSeconds, kbitPerSecond, direction }, view, context) {
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      () => [{ action: 'shape', kbitPerSecond, direction }],
      { durationSeconds, what: 'packets that had to wait or were dropped' },
      context,
    )
  },
}
