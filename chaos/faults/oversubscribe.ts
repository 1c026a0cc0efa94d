import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { experimentGroup, experimentNodes, nothingSelected } from './select.ts'
import { lasting } from './timing.ts'

/**
 * Kubernetes is given more than it can hold: idle pods that together ask for more than the group's nodes have. With
 * priority `low` they may take what is free and must give it back; with `high` they may drive out the pipeline itself.
 */
const schema = z.strictObject({
  kind: z.literal('oversubscribe'),
  select: z.strictObject({ group: experimentGroup }),
  ...lasting,
  requestedPercent: z
    .number()
    .gt(100)
    .max(1000)
    .default(150)
    .describe("of the processors and the memory that the group's nodes have to give"),
  podsPerNode: z.number().int().min(1).max(20).default(4).describe('among which the request is divided'),
  priority: z
    .enum(['low', 'high'])
    .default('low')
    .describe("below the pipeline's own, or above it, which takes keepHealthy: 0"),
})

export const oversubscribe: FaultDefinition<typeof schema> = {
  kind: 'oversubscribe',
  level: 'cluster',
  summary: 'Idle pods ask for more than the nodes have, below or above the priority of the pipeline.',
  schema,
  plan({ kind, requestedPercent, podsPerNode, priority }, view, context) {
    const nodes = experimentNodes(view)
    if (nodes.length === 0) throw nothingSelected('a node', 'no node is labelled group=experiment')
    const pods = nodes.length * podsPerNode
    const each = (amount: (node: (typeof nodes)[number]) => number) =>
      (nodes.reduce((sum, node) => sum + amount(node), 0) * requestedPercent) / 100 / pods
    const name = `occupy-${context.id}`
    return {
      kind,
      targets: nodes.map(node => node.name),
      zone: null,
      begin: [
        {
          action: 'occupy',
          name,
          pods,
          // Rounded up: what is asked for must not fall back to what there is.
          cpuRequest: Math.ceil(each(node => node.allocatable.cpuCores) * 1000) / 1000,
          memoryRequestMiB: Math.ceil(each(node => node.allocatable.memoryMiB)),
          priority,
        },
      ],
      end: [{ action: 'api-undo', undo: { undo: 'delete-deployment', name } }],
      proofs: [{ proof: 'pods-pending' }],
    }
  },
}
