import type { SpanContext, Tracer } from '@opentelemetry/api'

/** Something that happened before an error, for whoever asks how it came about. */
export type Breadcrumb = {
  /** Unix time, milliseconds. */
  readonly atMs: number
  readonly category: string
  readonly message: string
  readonly level: 'info' | 'warning' | 'error'
  readonly data?: Readonly<Record<string, string | number | boolean>>
}

/** An error that a person should see. */
export type ErrorReport = {
  readonly error: unknown
  readonly level: 'warning' | 'error' | 'fatal'
  /** Errors with the same one are the same problem: no ids, no addresses, no times. */
  readonly fingerprint: readonly string[]
  /** Route as in metrics (`/songs/:hash`), never the raw path. */
  readonly route?: string
  readonly method?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly extra?: Readonly<Record<string, unknown>>
  /** Oldest first. */
  readonly breadcrumbs?: readonly Breadcrumb[]
  /** The trace it belongs to; without one, that of the active span. */
  readonly span?: SpanContext
}

/** What a program is given to tell about itself. What is undefined is switched off. */
export type Telemetry = {
  readonly tracer: Tracer | undefined
  /** Sends an error event; rate-limited by fingerprint. Never throws. */
  readonly report: ((report: ErrorReport) => void) | undefined
  /** Sends what is still held back, within two seconds, and stops. The last thing a program does. Never throws. */
  readonly shutdown: () => Promise<void>
}

export const SILENT: Telemetry = { tracer: undefined, report: undefined, shutdown: async () => {} }

// One process has one telemetry, started by `--import` before its program: there is nobody to hand it on.
let running: Telemetry = SILENT

/** What `register.ts` started, or silence. */
export function telemetry(): Telemetry {
  return running
}

export function setTelemetry(started: Telemetry): void {
  running = started
}
