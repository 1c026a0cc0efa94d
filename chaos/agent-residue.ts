import type { NodeSnapshot } from '../services/agent/protocol.ts'

type Snapshots = Readonly<Record<string, NodeSnapshot>>

const ADDRESS = /\b\d{1,3}(\.\d{1,3}){3}\b/g

/**
 * What is on the nodes and was not before, one sentence each. Pure.
 *
 * A container that was replaced is compared with all that were there of its name: any of them shows how it looks when
 * nobody did anything to it, whatever its pod, its node, its address and its role.
 */
export function agentResidue(before: Snapshots, after: Snapshots): string[] {
  return Object.entries(before).flatMap(([node, earlier]) => {
    const later = after[node]
    if (later === undefined) return [`the agent on ${node} does not answer any more`]
    return Object.entries(later).flatMap(([instance, lines]) => {
      const same = earlier[instance]
      const isKnown = same === undefined ? knownOf(before, instance) : (line: string) => same.includes(line)
      return lines.filter(line => !isKnown(line)).map(line => `${node}, ${instance}: ${line}`)
    })
  })
}

/** Whether a line was to be seen on any container of the same name; an instance is `pod/container containerId`. */
function knownOf(before: Snapshots, instance: string): (line: string) => boolean {
  const name = containerName(instance)
  const likenesses = Object.values(before)
    .flatMap(snapshot => Object.entries(snapshot))
    .filter(([other]) => containerName(other) === name)
  // A container that was nowhere before has nothing to be compared with.
  if (likenesses.length === 0) return () => true
  const known = new Set(likenesses.flatMap(([, lines]) => lines.map(withoutAddresses)))
  return line => known.has(withoutAddresses(line))
}

function containerName(instance: string): string {
  return instance.split(' ')[0]?.split('/')[1] ?? instance
}

function withoutAddresses(line: string): string {
  return line.replaceAll(ADDRESS, 'ADDRESS')
}
