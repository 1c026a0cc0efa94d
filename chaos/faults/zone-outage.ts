import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import {
  durationSeconds,
  experimentGroup,
  nodesOfZone,
  offsetSeconds,
  resolveZone,
  zoneChoice,
} from './select.ts'

/**
 * Every node of one zone loses its power at once, without a word to anybody: no FIN, no drain, no eviction.
 *
 *   power off -> [ nothing of the zone answers ] -> power on
 */
const schema = z.strictObject({
  kind: z.literal('zone-outage'),
  select: z.strictObject({ group: experimentGroup, zone: zoneChoice }),
  offsetSeconds,
  durationSeconds,
})

export const zoneOutage: FaultDefinition<typeof schema> = {
  kind: 'zone-outage',
  summary: 'All nodes of a zone lose their power for a while.',
  schema,
  plan(spec, view) {
    const zone = resolveZone(spec.select.zone, view)
    const nodes = nodesOfZone(zone, view).map(node => node.name)
    return {
      kind: spec.kind,
      targets: nodes,
      zone,
      begin: [{ action: 'power-off', zone, nodes }],
      end: [{ action: 'power-on', zone, nodes }],
      proofs: nodes.map(node => ({ proof: 'node-not-ready', node })),
    }
  },
}
