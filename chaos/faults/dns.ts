import { z } from 'zod'
import type { ActionSpec } from '../../services/agent/actions/catalogue.ts'
import { networkFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

const DNS_PORT = 53

/** Names are not resolved, or late: the answers are lost or held back, the questions still arrive. */
const schema = z
  .strictObject({
    kind: z.literal('dns'),
    select: podSelect,
    ...lasting,
    mode: z.enum(['fail', 'slow']).default('fail').describe('answers never come, or come late'),
    delayMs: z.number().gt(0).max(10_000).optional().describe('of an answer; for slow, and only there'),
  })
  .refine(({ mode, delayMs }) => (mode === 'slow') === (delayMs !== undefined), {
    path: ['delayMs'],
    message: 'a number for mode slow, nothing for mode fail',
  })

export const dns: FaultDefinition<typeof schema> = {
  kind: 'dns',
  level: 'network',
  summary: 'Name servers do not answer, or late.',
  schema,
  plan({ kind, select, durationSeconds, delayMs }, view, context) {
    const answers = { protocol: 'udp', peerPort: DNS_PORT } as const
    const action: ActionSpec =
      delayMs === undefined
        ? { action: 'drop', direction: 'in', probability: 1, ...answers }
        : { action: 'delay', delayMs, jitterMs: 0, ...answers }
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      () => [action],
      { durationSeconds, what: `answers of name servers ${delayMs === undefined ? 'dropped' : 'held back'}` },
      context,
    )
  },
}
