import type pg from 'pg'
import type { AlertRules } from './alert-fold.ts'
import type { AlertStore } from './alert-store.ts'
import type { OncallConfig } from './config.ts'
import type { DashboardFiles } from './dashboard-files.ts'
import type { EventStore } from './event-store.ts'
import type { Lab } from './lab-reader.ts'
import type { OncallMetrics } from './metrics.ts'
import type { Prometheus } from './prometheus.ts'
import type { RunStore } from './run-store.ts'
import type { Sessions } from './session.ts'
import type { Policy } from './weekly/policy.ts'

/** Writes one line about something that changed; it is never given a secret. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void

/** What the handlers share. */
export type OncallContext = {
  readonly config: OncallConfig
  readonly pool: pg.Pool
  readonly rules: AlertRules
  readonly alerts: AlertStore
  readonly events: EventStore
  readonly runs: RunStore
  readonly lab: Lab
  readonly prometheus: Prometheus
  readonly dashboards: DashboardFiles
  /** null: nothing is known of promises, rules and panels. */
  readonly policy: Policy | null
  readonly sessions: Sessions
  readonly metrics: OncallMetrics
  readonly log: Log
  /** oncall's clock, Unix milliseconds. */
  readonly nowMs: () => number
  /** Prometheus' clock minus oncall's as last measured; null: not known. */
  readonly offsetMs: () => number | null
}
