import type { ErrorEvent, NodeOptions } from '@sentry/node'
import { eventTags } from './resource.ts'
import { scrub, scrubText } from './scrub.ts'
import type { EventsSettings, Place } from './settings.ts'

/** Most breadcrumbs of one event. */
export const BREADCRUMBS = 60

/**
 * Options of Sentry beside its integrations. Traces are OpenTelemetry's, so no sample rate is set and modules are left as
 * they are.
 */
export function eventOptions({ dsn, release, environment }: EventsSettings, place: Place): NodeOptions {
  return {
    dsn,
    ...(release === undefined ? {} : { release }),
    ...(environment === undefined ? {} : { environment }),
    ...(place.pod === undefined ? {} : { serverName: place.pod }),
    initialScope: { tags: { ...eventTags(place) } },
    maxBreadcrumbs: BREADCRUMBS,
    normalizeDepth: 5,
    sendClientReports: false,
    enableRuntimeChannelInjection: false,
    beforeSend: finishEvent,
  }
}

/** Gives an event its transaction and its fingerprint if it has none, and takes the secrets out of it. */
export function finishEvent(event: ErrorEvent): ErrorEvent {
  const route = text(event.tags?.route)
  const method = text(event.tags?.method)
  const fingerprint = event.fingerprint ?? ['{{ default }}', ...(route === undefined ? [] : [route])]
  // What Sentry finds by itself is the raw URL: each song would be a transaction of its own.
  const { transaction: _, request: __, ...rest } = event
  return {
    ...withoutSecrets(rest),
    fingerprint,
    ...(route === undefined ? {} : { transaction: [method, route].filter(Boolean).join(' ') }),
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Only the parts that hold what programs said: the rest is Sentry's own, and names its frames by `token` too. */
function withoutSecrets(event: Omit<ErrorEvent, 'transaction' | 'request'>): ErrorEvent {
  const { message, exception, breadcrumbs, extra, tags, contexts } = event
  return {
    ...event,
    ...(message === undefined ? {} : { message: scrubText(message) }),
    ...(exception === undefined ? {} : { exception: scrubException(exception) }),
    ...(breadcrumbs === undefined ? {} : { breadcrumbs: scrub(breadcrumbs) }),
    ...(extra === undefined ? {} : { extra: scrub(extra) }),
    ...(tags === undefined ? {} : { tags: scrub(tags) }),
    ...(contexts === undefined ? {} : { contexts: scrub(contexts) }),
  }
}

/** Source lines around a frame may hold a secret in a literal; file names and numbers stay as they are. */
function scrubException(exception: NonNullable<ErrorEvent['exception']>): typeof exception {
  return {
    ...exception,
    ...(exception.values === undefined ? {} : { values: exception.values.map(value => scrub(value)) }),
  }
}
