import { parse } from 'yaml'
import { alertFiles } from '../alerts/files.ts'
import { SIGNALS } from '../instrumentation/signals.ts'
import type { Metric } from './lint.ts'

type Observed = Readonly<
  Record<string, { readonly source: string; readonly type: string; readonly labels?: readonly string[] }>
>

/** What may be asked for, by name: what our programs tell, what others tell, and what the rules record. */
export function knownMetrics(): ReadonlyMap<string, Metric> {
  const own = Object.values(SIGNALS.metrics).map(
    ({ name, type }) => [name, { type, hasGroup: true }] as const,
  )
  const observed = Object.entries(SIGNALS.observed as Observed).map(
    ([name, { source, type, labels = [] }]) =>
      // Prometheus puts the group on what it scrapes; what is sent to it has the labels that it was sent with.
      [name, { type, hasGroup: source !== 'k6' || labels.includes('group') }] as const,
  )
  const recorded = recordings().map(
    name => [name, { type: 'recorded', hasGroup: !/^(slo|service):/.test(name) }] as const,
  )
  return new Map([...own, ...observed, ...recorded])
}

function recordings(): readonly string[] {
  return Object.values(alertFiles().rules).flatMap(text => {
    const { groups } = parse(text) as { groups: { rules: { record?: string }[] }[] }
    return groups.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []))
  })
}
