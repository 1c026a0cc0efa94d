import type { NodeSnapshot } from '../services/agent/protocol.ts'

type Snapshots = Readonly<Record<string, NodeSnapshot>>

/**
 * What is on the nodes and was not before, one sentence each. Pure.
 *
 * A container that was replaced is compared with the one it replaced: what outlives a container (the pod's network, a
 * volume) is the same for both, and all else begins empty.
 */
export function agentResidue(before: Snapshots, after: Snapshots): string[] {
  return Object.entries(before).flatMap(([node, earlier]) => {
    const later = after[node]
    if (later === undefined) return [`the agent on ${node} does not answer any more`]
    return Object.entries(later).flatMap(([instance, lines]) => {
      const known = earlier[instance] ?? earlier[predecessor(instance, earlier) ?? '']
      // A pod that is new here has nothing to be compared with; the marks of a fault would be its own.
      if (known === undefined) return []
      return lines.filter(line => !known.includes(line)).map(line => `${node}, ${instance}: ${line}`)
    })
  })
}

/** The instance before it of the same pod and container: `pod/container containerId`. */
function predecessor(instance: string, earlier: NodeSnapshot): string | undefined {
  const [name] = instance.split(' ')
  return Object.keys(earlier).find(other => other.startsWith(`${name} `))
}
