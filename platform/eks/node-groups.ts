import { GROUPS, LABELS, nodeName, SHARED_GROUP, SYSTEM_NODE, ZONES, type Zone } from '../topology.ts'
import type { Settings } from './settings.ts'

/** One node group. Those of both groups differ in name, label and taint, and in nothing else. */
export type NodeGroupPlan = {
  readonly name: string
  readonly zone: Zone
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: 'NO_SCHEDULE' }[]
  readonly instanceType: string
  /** Nodes, neither more nor less: nothing scales an experiment's surroundings. */
  readonly nodes: number
}

/**
 * The node groups of the lab: a node in each zone for each group, and beside them the system's. That one is in a single
 * zone, because a volume is, and the oncall database must find its own again on whichever node it comes back.
 */
export function nodeGroupPlans(settings: Settings): readonly NodeGroupPlan[] {
  const [firstZone] = ZONES
  const ofGroups = GROUPS.flatMap(group =>
    ZONES.map(
      (zone): NodeGroupPlan => ({
        name: nodeName(group, zone),
        zone,
        labels: { [LABELS.group]: group, [LABELS.labZone]: zone },
        taints: [{ key: LABELS.group, value: group, effect: 'NO_SCHEDULE' }],
        instanceType: settings.instanceType,
        nodes: 1,
      }),
    ),
  )
  const system: NodeGroupPlan = {
    name: SYSTEM_NODE,
    zone: firstZone,
    labels: { [LABELS.group]: SHARED_GROUP },
    taints: [],
    instanceType: settings.systemInstanceType,
    nodes: settings.systemNodes,
  }
  return [...ofGroups, system]
}
