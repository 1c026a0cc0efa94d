import { UserError } from '../../errors.ts'
import { nodeName, type Zone } from '../../topology.ts'
import { type LabContainer, labContainers, startContainer } from './containers.ts'
import { docker } from './docker.ts'
import { GROUP_LABEL, NODE_LABEL } from './machines.ts'
import type { Fuse } from './power-fuse.ts'

/**
 * Takes the power from the experiment's node of a zone: every process on it dies in one instant, unwarned.
 *
 * @param light starts what gives the power back when nobody else does; it burns before the power goes
 */
export async function powerOff(group: string, zone: Zone, light: () => Promise<Fuse>): Promise<Fuse> {
  const node = await experimentNode(group, zone, 'take the power from')
  const fuse = await light()
  if (node.running) await docker(['kill', '--signal=KILL', node.name])
  return fuse
}

export async function powerOn(group: string, zone: Zone): Promise<void> {
  const node = await experimentNode(group, zone, 'give power to')
  if (!node.running) await startContainer(node.name)
}

/** Names of the nodes that do not run. */
export async function stoppedNodes(): Promise<readonly string[]> {
  const containers = await labContainers()
  return [...containers.values()]
    .filter(each => each.labels[NODE_LABEL] !== undefined && !each.running)
    .map(each => each.labels[NODE_LABEL] ?? '')
    .sort()
}

/**
 * Reads anew what the container of a node is and narrows it to the experimental group.
 *
 * @throws UserError for every other node, whoever asks
 */
async function experimentNode(group: string, zone: Zone, action: string): Promise<LabContainer> {
  const name = nodeName(group as 'experiment', zone)
  const containers = await labContainers()
  const node = [...containers.values()].find(each => each.labels[NODE_LABEL] === name)
  if (!node) {
    throw new UserError(
      'NO_SUCH_NODE',
      `Cannot ${action} '${name}': there is no such node`,
      'Run: ./divergence up',
    )
  }
  return requireExperiment(node, action)
}

export function requireExperiment(node: LabContainer, action: string): LabContainer {
  const group = node.labels[GROUP_LABEL]
  if (group === 'experiment') return node
  throw new UserError(
    'TARGET_NOT_EXPERIMENTAL',
    `Cannot ${action} '${node.labels[NODE_LABEL] ?? node.name}': it is in group '${group ?? 'none'}'`,
    'Only nodes of the experimental group may be attacked.',
  )
}
