import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Observability } from '../platform/manifests/input.ts'
import { alerts } from './alerts.ts'
import { capacity } from './capacity.ts'
import { events } from './events.ts'
import { infrastructure } from './infrastructure.ts'
import { lab } from './lab.ts'
import { load } from './load.ts'
import { pipeline } from './pipeline.ts'
import { sev } from './sev.ts'
import { steadyState } from './steady-state.ts'

/** The front page first. */
export function dashboards(): readonly Dashboard[] {
  return [steadyState(), infrastructure(), pipeline(), load(), capacity(), alerts(), sev(), events(), lab()]
}

/** What Grafana reads: uid -> JSON. */
export function dashboardFiles(): Observability['dashboards'] {
  return Object.fromEntries(dashboards().map(page => [page.uid ?? '', JSON.stringify(page)]))
}
