import { z } from 'zod'
import { networkFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { peerSelect, peersOf } from './peers.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/** Some packets are lost, each by chance and by itself; what TCP makes of it is what users see. */
const schema = z.strictObject({
  kind: z.literal('loss'),
  select: podSelect,
  ...lasting,
  lossPercent: z.number().gt(0).max(100).describe('of the packets, each by itself'),
  direction: z.enum(['in', 'out', 'both']).default('both').describe('as the target sees it'),
  peer: peerSelect.optional().describe('only packets from and to these; default: everybody'),
})

export const loss: FaultDefinition<typeof schema> = {
  kind: 'loss',
  level: 'network',
  summary: 'A share of the packets is lost, each by chance.',
  schema,
  plan({ kind, select, durationSeconds, lossPercent, direction, peer }, view, context) {
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      pod => [
        {
          action: 'drop',
          direction,
          probability: lossPercent / 100,
          ...(peer ? { peers: peersOf(peer, pod, view) } : {}),
        },
      ],
      { durationSeconds, what: 'packets dropped' },
      context,
    )
  },
}
