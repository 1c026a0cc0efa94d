import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { gone } from './pods.ts'
import { commonZone, podSelect, selectPods } from './select.ts'
import { lasting } from './timing.ts'

/**
 * Pods are asked to leave as an administrator asks: with their grace, and only as fast as the PodDisruptionBudgets
 * allow. A budget that refuses is asked again for as long as the fault lasts.
 */
const schema = z.strictObject({ kind: z.literal('evict'), select: podSelect, ...lasting })

export const evict: FaultDefinition<typeof schema> = {
  kind: 'evict',
  level: 'pod',
  summary: 'Pods are evicted, one after the other where a PodDisruptionBudget asks for it.',
  schema,
  plan({ kind, select }, view, context) {
    const pods = selectPods(select, view, context.seed)
    return {
      kind,
      targets: pods.map(pod => pod.name),
      zone: commonZone(pods),
      begin: pods.map(({ namespace, name, uid }) => ({ action: 'evict-pod', namespace, name, uid })),
      end: [],
      proofs: pods.map(gone),
    }
  },
}
