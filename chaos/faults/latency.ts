import { z } from 'zod'
import { networkFault } from './agent-fault.ts'
import type { FaultDefinition } from './fault.ts'
import { peerSelect, peersOf } from './peers.ts'
import { podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/** Packets reach the target later than they were sent, on old connections and on new ones. */
const schema = z
  .strictObject({
    kind: z.literal('latency'),
    select: podSelect,
    ...lasting,
    delayMs: z.number().gt(0).max(10_000).describe('added to every packet that comes in, on average'),
    jitterMs: z.number().min(0).max(10_000).default(0).describe('half-width of the spread around delayMs'),
    peer: peerSelect.optional().describe('only packets of these; default: of everybody'),
  })
  .refine(({ delayMs, jitterMs }) => jitterMs < delayMs, {
    path: ['jitterMs'],
    message: 'less than delayMs: no packet arrives before it was sent',
  })

export const latency: FaultDefinition<typeof schema> = {
  kind: 'latency',
  level: 'network',
  summary: 'Packets that come in are held back for a while.',
  schema,
  plan({ kind, select, durationSeconds, delayMs, jitterMs, peer }, view, context) {
    return networkFault(
      kind,
      selectPods(select, view, context.seed),
      pod => [{ action: 'delay', delayMs, jitterMs, ...(peer ? { peers: peersOf(peer, pod, view) } : {}) }],
      { durationSeconds, what: 'packets held back' },
      context,
    )
  },
}
