import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { nodesOfZone, resolveZone, zoneSelect } from './select.ts'
import { lasting } from './timing.ts'

/**
 * Every node of one zone loses its power at once, without a word to anybody: no FIN, no drain, no eviction.
 *
 *   power off -> [ nothing of the zone answers ] -> power on
 */
const schema = z.strictObject({ kind: z.literal('zone-outage'), select: zoneSelect, ...lasting })

export const zoneOutage: FaultDefinition<typeof schema> = {
  kind: 'zone-outage',
  level: 'zone',
  summary: 'All nodes of a zone lose their power for a while.',
  schema,
  plan({ kind, select }, view) {
    const zone = resolveZone(select.zone, view)
    const nodes = nodesOfZone(zone, view).map(node => node.name)
    return {
      kind,
      targets: nodes,
      zone,
      begin: [{ action: 'power-off', zone, nodes }],
      end: [{ action: 'power-on', zone, nodes }],
      proofs: nodes.map(node => ({ proof: 'node-not-ready', node })),
    }
  },
}
