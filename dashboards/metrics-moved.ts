import moved from './metrics-moved.json' with { type: 'json' }
import type { AlertState, Change, Owner } from './trials/changes.ts'

/** How one row of the page moved; or, where nothing moves it, what it shows and why. */
export type MovedRow =
  | {
      /** As the page calls the row. */
      readonly what: string
      /** Disturbance in which it was looked for. */
      readonly in: string
      /** Kind of fault that moves it, or `ingest`. */
      readonly by: string
      /** Grafana's unit of the panel. */
      readonly unit: string
      readonly changes: Readonly<Partial<Record<Owner, Change>>>
      /** What became of the row's own alerts, of the experimental group and of the lab as a whole. */
      readonly alerts: Readonly<Record<string, AlertState>>
      /** Why the control group moves as well. */
      readonly shared?: string
    }
  | {
      readonly what: string
      readonly unmoved: string
      readonly unit: string
      /** Between what its query stayed all the time; null: there is no series. */
      readonly values: { readonly lowest: number; readonly highest: number } | null
    }

/** What was done, and what it set off. */
export type DisturbanceRecord = {
  readonly name: string
  /** When, in UTC: `2026-11-21`. */
  readonly day: string
  /** As they were written. */
  readonly faults: readonly string[]
  readonly alerts: Readonly<Partial<Record<Owner, Readonly<Record<string, AlertState>>>>>
}

/** What `trials/metrics-program.ts` found out. */
export type MovedFile = {
  /** Where it was measured, in words. */
  readonly lab: string
  readonly disturbances: readonly DisturbanceRecord[]
  readonly rows: readonly MovedRow[]
}

/** Absolute path of the file. */
export const MOVED_FILE = new URL('./metrics-moved.json', import.meta.url)

export const MOVED = moved as unknown as MovedFile
