import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { gone } from './pods.ts'
import { ATTACKABLE, nodeSelect, nothingSelected, placedPods, selectNode } from './select.ts'
import { lasting } from './timing.ts'

/**
 * A node is taken out of service as for maintenance: nothing new may come, and what is there is asked to leave as fast
 * as the PodDisruptionBudgets allow. The node comes back into service when the fault ends.
 */
const schema = z.strictObject({ kind: z.literal('drain'), select: nodeSelect, ...lasting })

export const drain: FaultDefinition<typeof schema> = {
  kind: 'drain',
  level: 'zone',
  summary: 'A node is cordoned and its pods are evicted, as for maintenance.',
  schema,
  plan({ kind, select }, view, context) {
    const node = selectNode(select, view, context.seed)
    // The end of the fault would put into service what somebody else has taken out.
    if (node.cordoned) throw nothingSelected(`node ${node.name}`, 'it is cordoned already')
    const pods = ATTACKABLE.flatMap(service => placedPods(service, view)).filter(
      pod => pod.nodeName === node.name,
    )
    return {
      kind,
      targets: [node.name],
      zone: node.zone,
      begin: [
        { action: 'cordon', node: node.name },
        ...pods.map(({ namespace, name, uid }) => ({ action: 'evict-pod', namespace, name, uid }) as const),
      ],
      end: [{ action: 'api-undo', undo: { undo: 'uncordon', node: node.name } }],
      proofs: [{ proof: 'node-cordoned', node: node.name }, ...pods.map(gone)],
    }
  },
}
