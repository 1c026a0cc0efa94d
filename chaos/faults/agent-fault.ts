import { UserError } from '../../platform/errors.ts'
import type { Zone } from '../../platform/topology.ts'
import { type ActionSpec, definitionOf } from '../../services/agent/actions/catalogue.ts'
import type { TargetName } from '../../services/agent/protocol.ts'
import type { FaultPlan, PlanContext, Proof } from './fault.ts'
import type { PlacedPod, SelectedContainer } from './select.ts'
import { commonZone } from './select.ts'

/** One target of a fault that agents carry out, and what is done to it. */
export type AgentTarget = {
  /** As a person knows it. */
  readonly label: string
  readonly node: string
  readonly target: TargetName
  readonly actions: readonly ActionSpec[]
}

export type AgentFault = {
  readonly kind: string
  readonly targets: readonly AgentTarget[]
  readonly zone: Zone | null
  readonly durationSeconds: number
  /** What an agent measures, for a person: `CPU time used by the fault`. */
  readonly what: string
}

/**
 * Plan of a fault that agents carry out on their nodes, and end there.
 *
 * @throws UserError CAPABILITY_MISSING when a node has no agent or cannot do it
 */
export function agentFault(fault: AgentFault, context: PlanContext): FaultPlan {
  const { kind, targets, zone, durationSeconds, what } = fault
  for (const target of targets) requireCapabilities(kind, target, context)
  const numbered = targets.map((target, index) => ({ ...target, id: targetId(context, index) }))
  return {
    kind,
    targets: targets.map(({ label }) => label),
    zone,
    begin: numbered.map(({ node, id, target, actions }) => ({
      action: 'agent-begin',
      node,
      id,
      kind,
      target,
      actions,
      durationSeconds,
    })),
    end: numbered.map(({ node, id }) => ({ action: 'agent-end', node, id })),
    proofs: numbered.map(({ node, id }): Proof => ({ proof: 'agent-measured', node, id, what })),
  }
}

/** The same done to every selected container; each is named `pod/container`. */
export function containerFault(
  kind: string,
  selected: readonly SelectedContainer[],
  actions: (selected: SelectedContainer) => readonly ActionSpec[],
  rest: { readonly durationSeconds: number; readonly what: string },
  context: PlanContext,
): FaultPlan {
  const targets = selected.map(each => ({
    ...agentTarget(each.pod, each.container.name, actions(each)),
    label: `${each.pod.name}/${each.container.name}`,
  }))
  return agentFault({ kind, targets, zone: commonZone(selected.map(({ pod }) => pod)), ...rest }, context)
}

/** The same done to the network of every selected pod, which all its containers share. */
export function networkFault(
  kind: string,
  pods: readonly PlacedPod[],
  actions: (pod: PlacedPod) => readonly ActionSpec[],
  rest: { readonly durationSeconds: number; readonly what: string },
  context: PlanContext,
): FaultPlan {
  const targets = pods.map(pod => agentTarget(pod, pod.service, actions(pod)))
  return agentFault({ kind, targets, zone: commonZone(pods), ...rest }, context)
}

function agentTarget(pod: PlacedPod, container: string, actions: readonly ActionSpec[]): AgentTarget {
  return {
    label: pod.name,
    node: pod.node.name,
    target: { kind: 'container', pod: pod.name, podUid: pod.uid, container },
    actions,
  }
}

/** No two targets have the same: the number stands after the last `t`. */
function targetId({ id }: PlanContext, index: number): string {
  return `${id}t${index}`
}

function requireCapabilities(kind: string, { node, actions }: AgentTarget, context: PlanContext): void {
  const has = context.capabilities.get(node)
  if (has === undefined) {
    throw missing(kind, node, 'no agent answers there', "Start the agents with 'divergence up'.")
  }
  for (const action of actions) {
    const ways = definitionOf(action).needs(action)
    if (ways.length === 0 || ways.some(way => way.every(capability => has.has(capability)))) continue
    const needed = ways.map(way => way.join(' and ')).join(', or ')
    throw missing(
      kind,
      node,
      `it needs ${needed}, the node has ${[...has].join(', ') || 'none'}`,
      "Use another fault or zone: 'divergence run FILE --dry-run' of a file that works lists what each node can do.",
    )
  }
}

function missing(kind: string, node: string, why: string, hint: string): UserError {
  return new UserError('CAPABILITY_MISSING', `Cannot do ${kind} on node ${node}: ${why}`, hint)
}
