import { GROUPS, type Group } from '../platform/topology.ts'
import type { LoadPlan } from './plan.ts'
import { sampleEvery } from './profiles.ts'
import type { SurgeArrivals } from './surge.ts'

/** k6 metric that counts the arrivals during surges, by group and number of the surge. */
export const SURGE_ARRIVALS = 'surge_arrivals'

/** Name under which k6 reports the arrivals of one group during surge number `index`. */
export function surgeMetric(index: number, group: Group): string {
  return `${SURGE_ARRIVALS}{group:${group},surge:${index}}`
}

/** What k6 leaves when it has finished; `chaos/measurement` reads it. */
export type SummaryFile = {
  readonly targetRate: number
  readonly droppedIterations: number
  readonly requests: Readonly<Record<Group, number>>
  /** Absent when there was none. `requests` less what is inside of any is what came outside of them. */
  readonly surges?: readonly SurgeArrivals[]
  /** One request in so many has left a sample; absent when all have. */
  readonly sampleEvery?: number
}

/** Reduces k6's end-of-test data to what the judge needs; a counter that never counted is absent there, and 0 here. */
export function summarize(plan: LoadPlan, data: unknown): SummaryFile {
  const { metrics } = data as { metrics: Record<string, { values: Record<string, number> } | undefined> }
  const count = (metric: string) => metrics[metric]?.values.count ?? 0
  const byGroup = (metric: (group: Group) => string) =>
    Object.fromEntries(GROUPS.map(group => [group, count(metric(group))])) as Record<Group, number>
  const every = sampleEvery(plan)
  return {
    targetRate: plan.requestsPerSecond,
    droppedIterations: count('dropped_iterations'),
    requests: byGroup(group => `http_reqs{group:${group}}`),
    ...(plan.surges === undefined
      ? {}
      : {
          surges: plan.surges.map((surge, index) => ({
            ...surge,
            inside: byGroup(group => surgeMetric(index, group)),
          })),
        }),
    ...(every === 1 ? {} : { sampleEvery: every }),
  }
}
