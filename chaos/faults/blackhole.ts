import { z } from 'zod'
import { networkFault } from './agent-fault.ts'
import { dropAll } from './drop-all.ts'
import type { FaultDefinition } from './fault.ts'
import { peerSelect, peersOf } from './peers.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/** Packets vanish without a word: nobody is told that the other end is not there, connections just hang. */
const schema = z.strictObject({
  kind: z.literal('blackhole'),
  select: podSelect,
  ...lasting,
  peer: peerSelect.optional().describe('only packets from and to these; default: everybody'),
})

export const blackhole: FaultDefinition<typeof schema> = {
  kind: 'blackhole',
  level: 'network',
  summary: 'All packets from and to everybody, a service or a zone vanish without a word.',
  schema,
  plan({ kind, select, durationSeconds, peer }, view, context) {
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      pod => [dropAll(peer ? { peers: peersOf(peer, pod, view) } : {})],
      { durationSeconds, what: 'packets dropped' },
      context,
    )
  },
}
