import { MachineryError, UserError } from '../../platform/errors.ts'
import type { LabReader } from '../lab/roles.ts'
import type { LabView } from '../lab/view.ts'
import type { Action } from './fault.ts'
import { experimentNodes } from './select.ts'
import { requireExperimental } from './target.ts'

/** Namespace of the only group that may be attacked. */
const NAMESPACE = 'experiment'

/**
 * Lets an action pass only when what it hits is of the experimental group as the API tells it now: what was selected a
 * moment ago may be another thing.
 *
 * @throws UserError TARGET_NOT_EXPERIMENTAL, NO_SWITCH_OF_ITS_OWN
 * @throws MachineryError when the target is gone, or is another one
 */
export async function guard(action: Action, lab: LabReader): Promise<void> {
  switch (action.action) {
    case 'power-off':
      for (const name of action.nodes) {
        const { zone } = await guardNode(name, lab)
        if (zone !== action.zone) throw changed(`node ${name}`, `it is in zone ${zone ?? 'none'} now`)
      }
      requireWholeZone(action, await lab.view())
      return
    case 'cordon':
      await guardNode(action.node, lab)
      return
    case 'delete-pod':
    case 'evict-pod':
      await guardPod(action, lab)
      return
    case 'agent-begin': {
      await guardNode(action.node, lab)
      const { target } = action
      if (target.kind === 'node') {
        if (target.node !== action.node)
          throw changed(`node ${target.node}`, `the agent is on ${action.node}`)
        return
      }
      const nodeName = await guardPod({ namespace: NAMESPACE, name: target.pod, uid: target.podUid }, lab)
      if (nodeName !== action.node) throw changed(`pod ${target.pod}`, `it is on node ${nodeName} now`)
      return
    }
    // These can only name what is in the experimental group's namespace, or on its nodes.
    case 'scale':
    case 'occupy':
    case 'surge':
      return
    // An undo hurts nobody and must never be refused.
    case 'power-on':
    case 'agent-end':
    case 'api-undo':
      return
  }
}

/**
 * The power of a zone has one switch for all of the group's nodes there. Pure.
 *
 * @throws UserError NO_SWITCH_OF_ITS_OWN when more would go dark than the action names
 */
export function requireWholeZone(
  { zone, nodes }: Extract<Action, { readonly action: 'power-off' }>,
  view: Pick<LabView, 'nodes'>,
): void {
  const others = experimentNodes(view).filter(node => node.zone === zone && !nodes.includes(node.name))
  if (others.length === 0) return
  throw new UserError(
    'NO_SWITCH_OF_ITS_OWN',
    `Cannot take the power from ${nodes.join(', ')} alone: ${others.map(({ name }) => name).join(', ')} in zone ${zone} would lose it as well`,
    "Use 'zone-outage', which means all nodes of the zone.",
  )
}

async function guardNode(name: string, lab: Pick<LabReader, 'node'>) {
  const node = await lab.node(name)
  if (node === null) throw changed(`node ${name}`, 'it is gone')
  requireExperimental({ id: `node ${name}`, group: node.group })
  return node
}

/** @returns the node that the pod is on */
async function guardPod(
  { namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string },
  lab: Pick<LabReader, 'node' | 'pod'>,
): Promise<string | null> {
  const id = `pod ${namespace}/${name}`
  const pod = await lab.pod(namespace, name)
  if (pod === null) throw changed(id, 'it is gone')
  requireExperimental({ id, group: pod.group })
  // A label on a pod is easily forged by whoever made the pod; its namespace and its node are not.
  requireExperimental({ id, group: namespace })
  const node = pod.nodeName === null ? null : await lab.node(pod.nodeName)
  requireExperimental({ id: `${id} on node ${pod.nodeName ?? 'none'}`, group: node?.group ?? null })
  if (pod.uid !== uid) throw changed(id, `another pod has its name now (uid ${pod.uid})`)
  return pod.nodeName
}

function changed(id: string, why: string): MachineryError {
  return new MachineryError(
    `Cannot attack ${id}: ${why}`,
    'The lab changed between selection and attack; run the experiment again.',
  )
}
