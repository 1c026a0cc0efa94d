import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import type { LabView, WorkloadView } from '../lab/view.ts'
import type { FaultDefinition } from './fault.ts'
import { experimentGroup, nothingSelected, services } from './select.ts'
import { lasting } from './timing.ts'

/** Somebody, or an autoscaler, takes pods of a service away; the end of the fault gives them back. */
const schema = z.strictObject({
  kind: z.literal('scale-down'),
  select: z.strictObject({ group: experimentGroup, services }),
  ...lasting,
  replicas: z.number().int().min(0).max(100).describe('pods of each service that are left'),
})

export const scaleDown: FaultDefinition<typeof schema> = {
  kind: 'scale-down',
  level: 'cluster',
  summary: 'A service has fewer replicas for a while.',
  schema,
  plan({ kind, select, replicas }, view) {
    const workloads = [...new Set(select.services)].map(service => workloadOf(service, replicas, view))
    return {
      kind,
      targets: workloads.map(({ name }) => name),
      zone: null,
      begin: workloads.map(({ resource, name }) => ({ action: 'scale', resource, name, replicas })),
      end: workloads.map(workload => {
        const { resource, name } = workload
        const undo = { undo: 'scale', resource, name, replicas: workload.replicas } as const
        return { action: 'api-undo', undo }
      }),
      proofs: workloads.map(({ name }) => ({ proof: 'replicas-at-most', service: name, replicas })),
    }
  },
}

function workloadOf(service: string, replicas: number, view: LabView): WorkloadView {
  const found = view.workloads.find(({ namespace, name }) => namespace === 'experiment' && name === service)
  if (found === undefined) throw nothingSelected(service, 'nothing keeps replicas of it')
  if (replicas < found.replicas) return found
  throw new UserError(
    'NOT_SMALLER',
    `Cannot scale ${service} down to ${replicas}: it has ${found.replicas} replicas`,
    `Give replicas below ${found.replicas}.`,
  )
}
