import type { LoadPlan } from '../../load/plan.ts'
import type { SummaryFile } from '../../load/summary.ts'
import type { Group } from '../../platform/topology.ts'
import type {
  AgentRequest,
  ApiUndo,
  FaultStatus,
  Hello,
  NodeSnapshot,
} from '../../services/agent/protocol.ts'
import type { Action } from '../faults/fault.ts'
import type { TimelineEvent } from '../journal-entry.ts'
import type { LabView, NodeView, PodView } from './view.ts'

/*
 * What a run asks of the outside, as roles of a few members each. No client type crosses them, so that everything
 * above is tested with recordings and runs the same on any cluster.
 */

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number
  /** @throws the reason of `signal` when it is aborted first */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>
}

export interface LabReader {
  view(): Promise<LabView>
  /** null when there is none. */
  node(name: string): Promise<NodeView | null>
  pod(namespace: string, name: string): Promise<PodView | null>
}

export interface LabWatcher {
  /** Tells what changes on nodes and pods, stamped by `clock`, until `signal` is aborted. */
  watch(onEvent: (event: TimelineEvent) => void, signal: AbortSignal): Promise<void>
}

export interface PodKiller {
  /** Deletes exactly the pod with this uid; another pod of the same name is left alone. */
  deletePod(pod: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly graceSeconds: number
  }): Promise<void>
}

/** Faults that are done in the API: each member does one of them, or undoes what was done. */
export interface ApiFaults {
  /**
   * Asks for an eviction.
   *
   * @returns false when a PodDisruptionBudget refuses it for now; a pod that is gone counts as evicted
   */
  evict(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): Promise<boolean>
  cordon(node: string): Promise<void>
  /** Of the experimental group. */
  scale(action: Extract<Action, { readonly action: 'scale' }>): Promise<void>
  /** Of the experimental group. Making it again is no error. */
  occupy(action: Extract<Action, { readonly action: 'occupy' }>): Promise<void>
  /** May be done again at any time; what is gone needs no undo. */
  undo(undo: ApiUndo): Promise<void>
  /** What the runner needs and may not do, one sentence each; empty when it may do all. */
  forbidden(actions: readonly Action[]): Promise<readonly string[]>
}

type WithoutSeq<Request> = Request extends unknown ? Omit<Request, 'seq'> : never

/** What an agent can be asked, without the number that pairs it with its answer. */
export type AgentCall = WithoutSeq<AgentRequest>

/** What it answers with, by what it was asked. */
export type AgentReply = {
  readonly hello: Hello
  readonly prepare: FaultStatus
  readonly begin: FaultStatus
  /** Faults of the run on this node. */
  readonly heartbeat: readonly FaultStatus[]
  readonly status: readonly FaultStatus[]
  readonly end: FaultStatus
  readonly snapshot: NodeSnapshot
  readonly halt: unknown
  readonly release: unknown
}

/** The agents, one on each node of the experimental group. */
export interface Agents {
  /** Nodes that have an agent's pod, and whether it is ready. */
  list(): Promise<readonly { readonly node: string; readonly ready: boolean }[]>
  /**
   * @throws AgentRefusal what the agent said
   * @throws MachineryError when it cannot be reached or does not answer in time
   */
  ask<Call extends AgentCall>(node: string, call: Call): Promise<AgentReply[Call['op']]>
  /** Closes all channels; asking opens them again. */
  close(): void
}

/** A fault in the API that somebody promised to undo. */
export type ApiLease = {
  readonly name: string
  readonly runId: string
  readonly undo: readonly ApiUndo[]
  /** Nobody renewed it in its time. */
  readonly expired: boolean
}

/** Promises to undo what is done in the API; who dies stops renewing them, and the agents undo it. */
export interface ApiLeases {
  /** Writes the promise down, and renews it every second. @returns once it is in the API */
  take(lease: { readonly name: string; readonly runId: string; readonly undo: readonly ApiUndo[] }): Promise<{
    /** Aborted when the promise is gone or could not be renewed in its time: an agent has undone it. */
    readonly lost: AbortSignal
    /** All is undone: nobody has to do it any more. */
    release(): Promise<void>
  }>
  list(): Promise<readonly ApiLease[]>
  remove(name: string): Promise<void>
}

/** One switch for the whole cluster: while it is on, all faults end and none begins. */
export interface Halt {
  /** Why it is on, or null. */
  reason(): Promise<string | null>
  set(reason: string): Promise<void>
  release(): Promise<void>
}

/** The database of each group, asked on its primary. */
export interface Database {
  /** First column of every row. */
  column(group: Group, sql: string): Promise<readonly string[]>
}

/** The load generator of one run. */
export interface LoadGenerator {
  /** Resolves once its pod runs. @throws MachineryError when it does not come up */
  start(plan: LoadPlan, signal: AbortSignal): Promise<void>
  /**
   * Streams the samples from byte `offset` on, and goes on as the file grows. Returns or throws when the stream
   * breaks; asking again with the next offset loses nothing.
   */
  stream(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** `exitCode` is null while it runs. */
  state(): Promise<{ readonly exitCode: number | null; readonly log: string }>
  /** Size of the samples file now. Costs a process beside the generator. */
  sampleBytes(): Promise<number>
  summary(): Promise<SummaryFile>
  /** Sends nothing more and ends in order, with its summary written; ending what has ended is no error. */
  end(): Promise<void>
  /** Generator's clock minus ours, milliseconds, +- half of `roundTripMs`. */
  clockOffset(): Promise<{ readonly offsetMs: number; readonly roundTripMs: number }>
  /**
   * Removes the load of a run, without one that of every run, and waits until it is gone; removing what is not there
   * is no error.
   */
  remove(runId?: string): Promise<void>
}

export type HeldLock = {
  /** Aborted when another run has taken it over, because this one did not renew it in its time. */
  readonly lost: AbortSignal
  /** What another run holds by now is left to it. */
  release(): Promise<void>
}

/** At most one run at a time on a cluster. */
export interface RunLock {
  /** @throws UserError naming the run that holds it */
  acquire(runId: string, signal: AbortSignal): Promise<HeldLock>
  /** Run that holds the lock and is alive, or null. */
  holder(): Promise<string | null>
}
