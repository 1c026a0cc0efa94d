import type { Check } from './cluster/cluster.ts'
import { alignColumns } from './columns.ts'

/** What `doctor` found as a table, and what to do where something is missing. */
export function checksText(checks: readonly Check[]): string {
  const rows = checks.map(({ check, ok, detail }) => [ok ? 'ok' : 'MISSING', check, detail])
  const hints = checks.filter(({ ok }) => !ok).map(({ check, hint }) => `  - ${check}: ${hint}`)
  return [
    alignColumns([['', 'check', 'found'], ...rows]),
    ...(hints.length > 0 ? ['', 'What to do:', ...hints] : []),
  ].join('\n')
}
