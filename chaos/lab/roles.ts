import type { LoadPlan } from '../../load/plan.ts'
import type { SummaryFile } from '../../load/summary.ts'
import type { Group } from '../../platform/topology.ts'
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
  /** `exitCode` is null while it runs; `sampleBytes` is the size of the samples file now. */
  state(): Promise<{ readonly exitCode: number | null; readonly sampleBytes: number; readonly log: string }>
  summary(): Promise<SummaryFile>
  /** Generator's clock minus ours, milliseconds, +- half of `roundTripMs`. */
  clockOffset(): Promise<{ readonly offsetMs: number; readonly roundTripMs: number }>
  /** Removes it and waits until it is gone; removing what is not there is no error. */
  remove(): Promise<void>
}

/** At most one run at a time on a cluster. */
export interface RunLock {
  /** @throws UserError naming the run that holds it */
  acquire(runId: string, signal: AbortSignal): Promise<{ release(): Promise<void> }>
  /** Run that holds the lock and is alive, or null. */
  holder(): Promise<string | null>
}
