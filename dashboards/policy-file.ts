import { policyOf } from '../alerts/policy.ts'
import type { Policy } from '../services/oncall/weekly/policy.ts'
import { COVERAGE } from './coverage.ts'
import { MOVED, type MovedFile } from './metrics-moved.ts'

/** The disturbance of the trial that is no fault: a batch that nobody can load. */
const NO_FAULT = 'ingest'

/** Panels whose rows moved when they were tried, `dashboard / panel`, by the kind of fault that moved them. */
export function panelsByFault({ rows }: Pick<MovedFile, 'rows'> = MOVED): Policy['panels'] {
  const panels = new Map<string, Set<string>>()
  for (const row of rows) {
    if ('unmoved' in row || row.by === NO_FAULT) continue
    const panel = COVERAGE.find(({ what }) => what === row.what)?.panel
    const hasMoved = Object.values(row.changes).some(({ moved }) => moved)
    if (panel !== undefined && hasMoved) panels.set(row.by, (panels.get(row.by) ?? new Set()).add(panel))
  }
  return Object.fromEntries([...panels].sort().map(([kind, names]) => [kind, [...names].sort()]))
}

/** The policy that oncall is deployed with, JSON. */
export function policyFile(): string {
  return JSON.stringify({ ...policyOf(), panels: panelsByFault() } satisfies Policy)
}
