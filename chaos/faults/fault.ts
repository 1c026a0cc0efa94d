import type { z } from 'zod'
import type { Zone } from '../../platform/topology.ts'
import type { Capabilities } from '../../services/agent/actions/action.ts'
import type { ActionSpec } from '../../services/agent/actions/catalogue.ts'
import type { ApiUndo, TargetName } from '../../services/agent/protocol.ts'
import type { LabView } from '../lab/view.ts'

/** What a fault is done to. */
export const LEVELS = [
  'container',
  'network',
  'state',
  'pod',
  'zone',
  'cluster',
  'dependency',
  'load',
] as const
export type Level = (typeof LEVELS)[number]

/** One thing the executor can do. `end` actions may be done again at any time without harm. */
export type Action =
  | { readonly action: 'power-off'; readonly zone: Zone; readonly nodes: readonly string[] }
  | { readonly action: 'power-on'; readonly zone: Zone; readonly nodes: readonly string[] }
  | {
      readonly action: 'delete-pod'
      readonly namespace: string
      readonly name: string
      readonly uid: string
      readonly graceSeconds: number
    }
  /** Asks politely: a PodDisruptionBudget may refuse, and is asked again for as long as the fault lasts. */
  | { readonly action: 'evict-pod'; readonly namespace: string; readonly name: string; readonly uid: string }
  /** Prepared on all its nodes first, then begun at once; ends by itself on the node. */
  | {
      readonly action: 'agent-begin'
      readonly node: string
      /** Of this one target of this fault, unique over all runs. */
      readonly id: string
      readonly kind: string
      readonly target: TargetName
      readonly actions: readonly ActionSpec[]
      readonly durationSeconds: number
    }
  | { readonly action: 'agent-end'; readonly node: string; readonly id: string }
  | { readonly action: 'cordon'; readonly node: string }
  | {
      readonly action: 'scale'
      readonly resource: 'deployments' | 'statefulsets'
      readonly name: string
      readonly replicas: number
    }
  /** Pods that do nothing and ask for so much, on the experimental group's nodes. */
  | {
      readonly action: 'occupy'
      readonly name: string
      readonly pods: number
      readonly cpuRequest: number
      readonly memoryRequestMiB: number
      readonly priority: 'low' | 'high'
    }
  /** The experimental group receives `factor` times the load from now on, as the load generator was told when it started. */
  | { readonly action: 'surge'; readonly factor: number }
  /** What ends a fault that is done in the API; an agent does it when the runner does not. */
  | { readonly action: 'api-undo'; readonly undo: ApiUndo }

/** What must be seen for the fault to count as having happened. */
export type Proof =
  | { readonly proof: 'node-not-ready'; readonly node: string }
  | {
      readonly proof: 'pod-replaced'
      readonly namespace: string
      readonly name: string
      readonly uid: string
      readonly service: string
      readonly zone: Zone
      /** Pods of the service in the zone before the fault: none of them is the replacement. */
      readonly before: readonly string[]
    }
  /** The pod is gone, whether or not another may take its place. */
  | { readonly proof: 'pod-gone'; readonly namespace: string; readonly name: string; readonly uid: string }
  /** The agent on the node measured the effect. */
  | { readonly proof: 'agent-measured'; readonly node: string; readonly id: string; readonly what: string }
  /** The container that ran is no more, whether or not it was started again yet. */
  | {
      readonly proof: 'container-ended'
      readonly namespace: string
      readonly pod: string
      readonly uid: string
      readonly container: string
      readonly runningIdBefore: string | null
    }
  | { readonly proof: 'primary-moved'; readonly uidBefore: string }
  | { readonly proof: 'node-cordoned'; readonly node: string }
  /** At least one pod that asks for room has none. */
  | { readonly proof: 'pods-pending' }
  | { readonly proof: 'replicas-at-most'; readonly service: string; readonly replicas: number }
  /** Arrivals of both groups, counted by the load generator. */
  | { readonly proof: 'load-factor'; readonly factor: number }

/** A fault resolved against the lab: who is hit, how it begins, how it ends, how it shows. Plain data. */
export type FaultPlan = {
  readonly kind: string
  /** Names a person knows: nodes, pods, `pod/container`. Never empty. */
  readonly targets: readonly string[]
  /** null: it hits no zone in particular. */
  readonly zone: Zone | null
  readonly begin: readonly Action[]
  /** Empty for a fault from which the system heals by itself. */
  readonly end: readonly Action[]
  readonly proofs: readonly Proof[]
}

/** What every fault in an experiment file has. */
export type FaultSpec = {
  readonly kind: string
  readonly select: { readonly group: 'experiment' }
  /** From the start of the attack phase, or from the end of the fault it comes after, to its begin, seconds; >= 0. */
  readonly offsetSeconds: number
  /** It begins after the fault that stands before it in the file has ended. */
  readonly after?: 'previous' | undefined
  /** How long it stays on, seconds; absent for a fault that is over once it has begun. */
  readonly durationSeconds?: number | undefined
}

/** What a plan depends on besides the fault and the lab. */
export type PlanContext = {
  /** Of this fault of this run, `[a-z0-9]{1,20}`; a plan makes the ids of its targets by adding their number. */
  readonly id: string
  /** What the agent on each node can do, by node name; a node without an agent is not there. */
  readonly capabilities: ReadonlyMap<string, Capabilities>
  /** Seed of random picks, an unsigned 32-bit integer: the same seed and the same lab give the same targets. */
  readonly seed: number
}

/** One kind of fault: a file of its own in this folder, listed in `catalogue.ts`. */
export type FaultDefinition<Schema extends z.ZodType<FaultSpec> = z.ZodType<FaultSpec>> = {
  readonly kind: string
  readonly level: Level
  /** One line for a person. */
  readonly summary: string
  /** What may stand in an experiment file; each parameter describes itself (`.describe`) with unit and range. */
  readonly schema: Schema
  /**
   * Resolves the fault against the lab as it is now. Pure.
   *
   * @throws UserError NOTHING_SELECTED when nothing matches; CAPABILITY_MISSING when a node cannot do it
   */
  plan(spec: z.infer<Schema>, view: LabView, context: PlanContext): FaultPlan
}
