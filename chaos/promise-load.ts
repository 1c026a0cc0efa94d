import { loadJobName } from '../load/job.ts'
import type { Run } from './run-dependencies.ts'

/** The promise that the load of a run ends with it. */
export type LoadPromise = {
  /** Aborted when somebody else has kept it although the run lives. */
  readonly lost: AbortSignal
  /** The load is removed. */
  release(): Promise<void>
}

/** Promised before the load starts: a runner that is killed must not leave both groups under load. */
export async function promiseLoad({ runId, dependencies }: Run): Promise<LoadPromise> {
  const job = loadJobName(runId)
  return await dependencies.leases.take({ name: job, runId, undo: [{ undo: 'delete-load', job }] })
}
