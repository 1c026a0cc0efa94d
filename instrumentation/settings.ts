import { UserError } from '../platform/errors.ts'
import type { TraceBound } from './bounded-sampler.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Where spans go. `console` is for looking at them while developing. */
export const EXPORTERS = ['otlp', 'zipkin', 'console'] as const
export type ExporterName = (typeof EXPORTERS)[number]

/** Packages that can be instrumented; everything else would cost more than it tells. */
export const INSTRUMENTATIONS = ['http', 'express', 'undici', 'pg'] as const
export type InstrumentationName = (typeof INSTRUMENTATIONS)[number]

export type TracesSettings = {
  readonly exporters: readonly ExporterName[]
  readonly instrumentations: readonly InstrumentationName[]
  /** Unset: the sampler is the SDK's own business. */
  readonly bound?: TraceBound
}

export type EventsSettings = {
  readonly dsn: string
  readonly release?: string
  readonly environment?: string
}

/** Where this process is: what stands on every span and every event. */
export type Place = {
  readonly service: string
  readonly group?: string
  readonly zone?: string
  readonly node?: string
  readonly pod?: string
  readonly release?: string
}

/** What is not there is switched off: nothing of it is loaded. */
export type TelemetrySettings = {
  readonly place: Place
  readonly traces?: TracesSettings
  readonly events?: EventsSettings
}

/**
 * Reads what is to be told, and to whom, from the standard variables.
 *
 * | variable | meaning |
 * | --- | --- |
 * | OTEL_TRACES_EXPORTER | `otlp`, `zipkin`, `console`, or several with commas; unset or `none`: no traces |
 * | OTEL_SDK_DISABLED | `true`: no traces |
 * | OTEL_NODE_ENABLED_INSTRUMENTATIONS | of http, express, undici, pg; unset: all four; `none`: only spans that a program makes itself |
 * | TRACES_PER_SECOND | of the share that OTEL_TRACES_SAMPLER=parentbased_traceidratio keeps, at most so many a second; unset: all |
 * | OTEL_SERVICE_NAME | name of the service |
 * | SENTRY_DSN | where error events go; unset: no events |
 * | SENTRY_RELEASE, SENTRY_ENVIRONMENT | what stands on every event; the release also on every span |
 * | GROUP, ZONE, NODE_NAME, POD_NAME | where it runs; without ZONE the node stands for it |
 *
 * All other OTEL_ variables (endpoints, sampler, batches) are read by the SDK itself.
 *
 * @throws UserError that lists every problem at once
 */
export function telemetrySettings(env: Env): TelemetrySettings {
  const problems: string[] = []
  const exporters = oneOf(env, 'OTEL_TRACES_EXPORTER', EXPORTERS, [], problems)
  const instrumentations = oneOf(
    env,
    'OTEL_NODE_ENABLED_INSTRUMENTATIONS',
    INSTRUMENTATIONS,
    INSTRUMENTATIONS,
    problems,
  )
  const bound = traceBound(env, problems)
  const dsn = given(env.SENTRY_DSN)
  if (dsn !== undefined && !isDsn(dsn)) {
    // The value itself is a credential.
    problems.push('SENTRY_DSN must be like http://KEY@HOST/PROJECT')
  }
  if (problems.length > 0) {
    throw new UserError(
      'TELEMETRY_SETTINGS',
      `Cannot start telemetry: ${problems.join('; ')}`,
      'Unset the variables to run without telemetry.',
    )
  }
  const disabled = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true'
  const release = given(env.SENTRY_RELEASE)
  const environment = given(env.SENTRY_ENVIRONMENT)
  return {
    place: placeOf(env),
    ...(exporters.length > 0 && !disabled
      ? { traces: { exporters, instrumentations, ...(bound ? { bound } : {}) } }
      : {}),
    ...(dsn === undefined
      ? {}
      : { events: { dsn, ...(release ? { release } : {}), ...(environment ? { environment } : {}) } }),
  }
}

/** Name of a node of the local cluster: its group and its zone. */
const LOCAL_NODE = /^(?:control|experiment)-([a-z])$/

function placeOf(env: Env): Place {
  const node = given(env.NODE_NAME)
  const zone = given(env.ZONE) ?? node?.match(LOCAL_NODE)?.[1] ?? node
  const optional = {
    group: given(env.GROUP),
    zone,
    node,
    pod: given(env.POD_NAME),
    release: given(env.SENTRY_RELEASE),
  }
  const known = Object.entries(optional).filter(([, value]) => value !== undefined)
  return { service: given(env.OTEL_SERVICE_NAME) ?? 'unknown', ...Object.fromEntries(known) }
}

/** A variable that is set to nothing is not set, says OpenTelemetry. */
const given = (value: string | undefined): string | undefined => value?.trim() || undefined

function isDsn(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, pathname } = new URL(text)
  return /^https?:$/.test(protocol) && username !== '' && /\/[^/]+$/.test(pathname)
}

const BOUNDED_SAMPLER = 'parentbased_traceidratio'

function traceBound(env: Env, problems: string[]): TraceBound | undefined {
  const text = given(env.TRACES_PER_SECOND)
  if (text === undefined) return undefined
  const perSecond = Number(text)
  const share = Number(given(env.OTEL_TRACES_SAMPLER_ARG) ?? '1')
  if (!(perSecond > 0)) problems.push(`TRACES_PER_SECOND must be above 0: current value is '${text}'`)
  if (given(env.OTEL_TRACES_SAMPLER) !== BOUNDED_SAMPLER || !(share >= 0 && share <= 1)) {
    problems.push(
      `TRACES_PER_SECOND needs OTEL_TRACES_SAMPLER=${BOUNDED_SAMPLER} and an OTEL_TRACES_SAMPLER_ARG of 0 to 1: current values are '${env.OTEL_TRACES_SAMPLER ?? ''}' and '${env.OTEL_TRACES_SAMPLER_ARG ?? ''}'`,
    )
  }
  return { share, perSecond }
}

/** Names in a list with commas; `none` is an empty list. */
function oneOf<Name extends string>(
  env: Env,
  variable: string,
  allowed: readonly Name[],
  fallback: readonly Name[],
  problems: string[],
): readonly Name[] {
  const text = given(env[variable])
  if (text === undefined) return fallback
  const names = [...new Set(text.split(',').map(name => name.trim()))].filter(name => name !== 'none')
  const known = allowed.filter(name => names.includes(name))
  if (known.length < names.length) {
    problems.push(`${variable} must be of ${allowed.join(', ')} or none: current value is '${text}'`)
  }
  return known
}
