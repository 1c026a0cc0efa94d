import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { nodeSelect, selectNode } from './select.ts'
import { lasting } from './timing.ts'

/** One node dies, without a word to anybody. In a zone of one node that is the zone. */
const schema = z.strictObject({ kind: z.literal('power-off'), select: nodeSelect, ...lasting })

export const powerOff: FaultDefinition<typeof schema> = {
  kind: 'power-off',
  level: 'zone',
  summary: 'One node loses its power for a while.',
  schema,
  plan({ kind, select }, view, context) {
    const { name, zone } = selectNode(select, view, context.seed)
    return {
      kind,
      targets: [name],
      zone,
      begin: [{ action: 'power-off', zone, nodes: [name] }],
      end: [{ action: 'power-on', zone, nodes: [name] }],
      proofs: [{ proof: 'node-not-ready', node: name }],
    }
  },
}
