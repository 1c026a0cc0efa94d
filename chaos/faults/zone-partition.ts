import { z } from 'zod'
import { agentFault } from './agent-fault.ts'
import { dropAll } from './drop-all.ts'
import type { FaultDefinition } from './fault.ts'
import { nodesOfZone, resolveZone, zoneSelect } from './select.ts'
import { lasting } from './timing.ts'

/** Where the API server reaches a kubelet, and through it the agent: heartbeats and the end of the fault pass here. */
const KUBELET_PORT = 10_250

/**
 * The zone is alive and nobody can reach it, nor it anybody: its pods go on and do not know that they are alone. Its
 * kubelets cannot tell the API server that they live, so that their nodes become NotReady as if they were dead.
 */
const schema = z.strictObject({ kind: z.literal('zone-partition'), select: zoneSelect, ...lasting })

export const zonePartition: FaultDefinition<typeof schema> = {
  kind: 'zone-partition',
  level: 'zone',
  summary: 'A zone is alive and cut off from everything outside it.',
  schema,
  plan({ kind, select, durationSeconds }, view, context) {
    const zone = resolveZone(select.zone, view)
    const targets = nodesOfZone(zone, view).map(({ name }) => ({
      label: name,
      node: name,
      target: { kind: 'node', node: name } as const,
      actions: [dropAll({ exceptOwnTcpPorts: [KUBELET_PORT] })],
    }))
    const plan = agentFault({ kind, targets, zone, durationSeconds, what: 'packets dropped' }, context)
    const notReady = targets.map(({ node }) => ({ proof: 'node-not-ready', node }) as const)
    return { ...plan, proofs: [...plan.proofs, ...notReady] }
  },
}
