import { GROUPS, type Group } from '../platform/topology.ts'
import type { LoadPlan } from './plan.ts'

/** What k6 leaves when it has finished; `chaos/measurement` reads it. */
export type SummaryFile = {
  readonly targetRate: number
  readonly droppedIterations: number
  readonly requests: Readonly<Record<Group, number>>
}

/** Reduces k6's end-of-test data to what the judge needs; a counter that never counted is absent there, and 0 here. */
export function summarize(plan: LoadPlan, data: unknown): SummaryFile {
  const { metrics } = data as { metrics: Record<string, { values: Record<string, number> } | undefined> }
  const count = (metric: string) => metrics[metric]?.values.count ?? 0
  return {
    targetRate: plan.requestsPerSecond,
    droppedIterations: count('dropped_iterations'),
    requests: Object.fromEntries(GROUPS.map(group => [group, count(`http_reqs{group:${group}}`)])) as Record<
      Group,
      number
    >,
  }
}
