import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import {
  captureException,
  close,
  contextLinesIntegration,
  init,
  linkedErrorsIntegration,
  nodeContextIntegration,
  openTelemetryIntegration,
  withScope,
} from '@sentry/node'
import { eventOptions } from './event-options.ts'
import { KeyedLimiter, type RateLimit } from './rate-limit.ts'
import type { EventsSettings, Place } from './settings.ts'
import type { ErrorReport } from './telemetry.ts'

/** Of one fingerprint: what happens a thousand times a second tells no more than what happened three times. */
const EVENT_RATE: RateLimit = { burst: 5, everyMs: 5000 }

export type Events = {
  readonly report: (report: ErrorReport) => void
  readonly shutdown: (limitMs: number) => Promise<void>
}

/**
 * Starts Sentry: stack traces with their source lines, causes, and the trace an error belongs to. Its handlers of
 * uncaught errors are left out because programs report those themselves, its HTTP ones because they cost on each
 * request, and its own deduplication because what happens again has another trace.
 */
export function startEvents(settings: EventsSettings, place: Place): Events {
  init({
    ...eventOptions(settings, place),
    defaultIntegrations: [
      linkedErrorsIntegration(),
      contextLinesIntegration(),
      nodeContextIntegration({ culture: false, cloudResource: false }),
      openTelemetryIntegration(),
    ],
  })
  const limiter = new KeyedLimiter(EVENT_RATE, () => performance.now())
  return {
    report: error => {
      // Few errors have a trace that was kept: they must not be crowded out by the many that have none.
      const kept = ((error.span ?? trace.getActiveSpan()?.spanContext())?.traceFlags ?? 0) & 1
      const suppressed = limiter.take([kept, ...error.fingerprint].join('\n'))
      if (suppressed !== undefined) capture(error, suppressed)
    },
    shutdown: async limitMs => {
      if (!(await close(limitMs))) throw new Error('error events were left unsent')
    },
  }
}

function capture(report: ErrorReport, suppressed: number): void {
  const { span } = report
  const active = span === undefined ? context.active() : trace.setSpanContext(ROOT_CONTEXT, span)
  context.with(active, () =>
    withScope(scope => {
      scope.setLevel(report.level)
      scope.setFingerprint([...report.fingerprint])
      for (const [name, value] of Object.entries(tagsOf(report))) scope.setTag(name, value)
      scope.setExtras({ ...report.extra, suppressed })
      for (const { atMs, ...crumb } of report.breadcrumbs ?? []) {
        scope.addBreadcrumb({ ...crumb, timestamp: atMs / 1000 })
      }
      captureException(report.error)
    }),
  )
}

function tagsOf({ route, method, tags }: ErrorReport): Readonly<Record<string, string>> {
  return { ...tags, ...(route === undefined ? {} : { route }), ...(method === undefined ? {} : { method }) }
}
