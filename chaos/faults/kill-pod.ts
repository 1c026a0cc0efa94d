import { z } from 'zod'
import { zoneOf } from '../lab/view.ts'
import type { FaultDefinition } from './fault.ts'
import { experimentGroup, nothingSelected, offsetSeconds, resolveZone, zoneChoice } from './select.ts'

/** Services whose pods may be killed: those that run in the zones. */
export const KILLABLE = ['gateway', 'recommender', 'database'] as const

/** No time to say goodbye: the process gets SIGKILL and the object is gone at once. */
const GRACE_SECONDS = 0

/** Pods of some services in one zone are killed at once; Kubernetes replaces them by itself. */
const schema = z.strictObject({
  kind: z.literal('kill-pod'),
  select: z.strictObject({
    group: experimentGroup,
    zone: zoneChoice,
    services: z.array(z.enum(KILLABLE)).min(1).readonly(),
  }),
  offsetSeconds,
})

export const killPod: FaultDefinition<typeof schema> = {
  kind: 'kill-pod',
  summary: 'Pods of some services in a zone are killed at once, without grace.',
  schema,
  plan(spec, view) {
    const zone = resolveZone(spec.select.zone, view)
    const pods = [...new Set(spec.select.services)].flatMap(service => {
      const found = view.pods.filter(
        pod =>
          pod.group === 'experiment' &&
          pod.service === service &&
          !pod.terminating &&
          zoneOf(pod, view.nodes) === zone,
      )
      if (found.length === 0) throw nothingSelected(`${service} in zone ${zone}`, 'no pod of it runs there')
      const before = found.map(pod => pod.uid)
      return found.map(({ namespace, name, uid }) => ({ namespace, name, uid, service, before }))
    })
    return {
      kind: spec.kind,
      targets: pods.map(pod => pod.name),
      zone,
      begin: pods.map(({ namespace, name, uid }) => ({
        action: 'delete-pod',
        namespace,
        name,
        uid,
        graceSeconds: GRACE_SECONDS,
      })),
      end: [],
      proofs: pods.map(pod => ({ proof: 'pod-replaced', zone, ...pod })),
    }
  },
}
