import { z } from 'zod'
import type { FaultDefinition } from './fault.ts'
import { deletePod, replaced } from './pods.ts'
import { commonZone, podSelect, selectPods } from './select.ts'
import { starting } from './timing.ts'

/** Pods are killed at once: one, so many, a share, or one in each zone. Kubernetes replaces them by itself. */
const schema = z.strictObject({ kind: z.literal('kill-pod'), select: podSelect, ...starting })

export const killPod: FaultDefinition<typeof schema> = {
  kind: 'kill-pod',
  level: 'pod',
  summary: 'Pods are killed at once, without grace; Kubernetes replaces them.',
  schema,
  plan({ kind, select }, view, context) {
    const pods = selectPods(select, view, context.seed)
    return {
      kind,
      targets: pods.map(pod => pod.name),
      zone: commonZone(pods),
      begin: pods.map(deletePod),
      end: [],
      proofs: pods.map(pod => replaced(pod, view)),
    }
  },
}
