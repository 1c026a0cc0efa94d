export { CHAOS_NAMESPACE, HALT_NAME } from '../../platform/topology.ts'

import type { Capability } from './actions/action.ts'
import type { ActionSpec } from './actions/catalogue.ts'

/*
 * What the runner and an agent say to each other: one JSON object a line, over the standard input and output of a
 * program in the agent's container that Kubernetes' exec starts. Whoever may not exec there cannot say anything; no port
 * is open. Every request is answered once, in any order.
 */

export const AGENT_CONTAINER = 'agent'
/** Copies its input to the agent's socket and the answers back. */
export const CONNECT_COMMAND = ['socat', '-', 'UNIX-CONNECT:/run/divergence/agent.sock'] as const

/** After the last heartbeat, seconds. The check and the undo come on top: all is over within 10 s. */
export const DEFAULT_LEASE_SECONDS = 8
/** Between two heartbeats of the runner, seconds. */
export const HEARTBEAT_SECONDS = 1

/** What a fault is done to. There is no way to name another namespace: it is always the experimental group's. */
export type TargetName =
  | { readonly kind: 'container'; readonly pod: string; readonly podUid: string; readonly container: string }
  | { readonly kind: 'node'; readonly node: string }

export type FaultRequest = {
  /** `[a-z0-9]{1,24}`, never used before. */
  readonly id: string
  readonly runId: string
  /** The fault's kind as it stands in the experiment. */
  readonly kind: string
  readonly target: TargetName
  readonly actions: readonly ActionSpec[]
  /** It ends by itself after this time, whatever happens; seconds, > 0, <= 3600. */
  readonly durationSeconds: number
  /** 1 to 30. */
  readonly leaseSeconds: number
}

export type FaultState = 'prepared' | 'active' | 'ending' | 'ended' | 'stuck'
export type EndedBy = 'request' | 'duration' | 'lease' | 'halt' | 'agent-restart' | 'begin-failed'

export type FaultStatus = {
  readonly id: string
  readonly runId: string
  readonly kind: string
  readonly target: TargetName
  readonly state: FaultState
  /** Unix milliseconds of the node's clock; null: not yet. */
  readonly begunAtMs: number | null
  readonly endedAtMs: number | null
  readonly endedBy: EndedBy | null
  /** How the actions were done on this node: `latency by nfqueue`. */
  readonly means: readonly string[]
  /** Whether the effect shows, and the measurement; kept after the end. null: not read yet. */
  readonly proof: { readonly proven: boolean; readonly detail: string } | null
  /** Why it is stuck, or the last undo that failed. */
  readonly problem: string | null
}

export type AgentRequest = { readonly seq: number } & (
  | { readonly op: 'hello' }
  /** Resolves and checks everything, reads the state before, touches nothing. */
  | { readonly op: 'prepare'; readonly fault: FaultRequest }
  /** At most once a fault, ever: a second one is refused. */
  | { readonly op: 'begin'; readonly id: string }
  /** Renews the lease of every fault of the run. */
  | { readonly op: 'heartbeat'; readonly runId: string }
  | { readonly op: 'status' }
  /** Ending what has ended is no error. */
  | { readonly op: 'end'; readonly id: string }
  /** The state of every target on this node, to be compared with another one. */
  | { readonly op: 'snapshot' }
  /** Ends all that is on and refuses what is new. */
  | { readonly op: 'halt' }
  | { readonly op: 'release' }
)

export type Hello = {
  readonly node: string
  readonly group: string
  readonly halted: boolean
  readonly capabilities: Readonly<Record<Capability, { readonly has: boolean; readonly detail: string }>>
}

/** By target instance (`node`, or `pod/container containerId`): one line for each thing a fault may leave behind. */
export type NodeSnapshot = Readonly<Record<string, readonly string[]>>

export type AgentAnswer =
  | {
      readonly seq: number
      readonly ok: true
      readonly value: Hello | FaultStatus | readonly FaultStatus[] | NodeSnapshot
    }
  | { readonly seq: number; readonly ok: false; readonly code: AgentErrorCode; readonly message: string }

export type AgentErrorCode =
  | 'NOT_UNDERSTOOD'
  | 'TARGET_NOT_EXPERIMENTAL'
  | 'TARGET_GONE'
  | 'CANNOT_BE_DONE'
  | 'CAPABILITY_MISSING'
  | 'HALTED'
  | 'ALREADY_BEGUN'
  | 'UNKNOWN_FAULT'
  | 'FAILED'

/*
 * Faults that are done in the API (a cordon, a scale, pods that fill the cluster, the load) have their lease there: a
 * Lease in namespace `chaos` that the runner renews, with the undo as an annotation. Every agent looks at all of them and
 * undoes what has run out, so that it does not matter which agent, node or network is gone.
 */
export const LEASE_LABEL = 'divergence/fault-lease'
export const LEASE_UNDO_ANNOTATION = 'divergence/undo'

export type ApiUndo =
  | { readonly undo: 'uncordon'; readonly node: string }
  | {
      readonly undo: 'scale'
      readonly resource: 'deployments' | 'statefulsets'
      readonly name: string
      readonly replicas: number
    }
  /** Deployments made to fill the experimental group's nodes. */
  | { readonly undo: 'delete-deployment'; readonly name: string }
  /** The load of a run, in the shared namespace. */
  | { readonly undo: 'delete-load'; readonly job: string }
