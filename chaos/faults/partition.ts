import { z } from 'zod'
import { networkFault } from './agent-fault.ts'
import { dropAll } from './drop-all.ts'
import type { FaultDefinition } from './fault.ts'
import { peerServices, peersOf } from './peers.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/** Two services, each of them well and reachable for everybody else, cannot reach each other. */
const schema = z.strictObject({
  kind: z.literal('partition'),
  select: podSelect,
  ...lasting,
  from: peerServices,
})

export const partition: FaultDefinition<typeof schema> = {
  kind: 'partition',
  level: 'network',
  summary: 'Pods of a service cannot reach another service, nor it them; all else works.',
  schema,
  plan({ kind, select, durationSeconds, from }, view, context) {
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      pod => [dropAll({ peers: peersOf({ services: from }, pod, view) })],
      { durationSeconds, what: 'packets dropped' },
      context,
    )
  },
}
