import type { ClientRequestArgs } from 'node:http'
import {
  getNodeAutoInstrumentations,
  type InstrumentationConfigMap,
} from '@opentelemetry/auto-instrumentations-node'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { isUntoldPath, ownTraffic } from './own-traffic.ts'
import type { Env, InstrumentationName } from './settings.ts'

/** Specifiers under which programs import what can be instrumented. undici tells of itself without being changed. */
const MODULES: Readonly<Record<InstrumentationName, readonly string[]>> = {
  http: ['http', 'https'],
  express: ['express'],
  undici: [],
  pg: ['pg', 'pg-pool'],
}

/** Instruments the named packages and no others, when they are imported from now on. */
export function instrumentationsFor(names: readonly InstrumentationName[], env: Env): Instrumentation[] {
  // OpenTelemetry's own hook works in a thread of its own and takes every module; this one works in place, on these.
  register({ include: names.flatMap(name => MODULES[name]) })
  // The package reads this variable itself; unset, it would enable all forty.
  process.env.OTEL_NODE_ENABLED_INSTRUMENTATIONS = names.join(',')
  return getNodeAutoInstrumentations(instrumentationConfig(env))
}

/**
 * One span for a request that comes in, one for each that goes out, one for each query. Express only names the route: the
 * spans of its layers would outnumber all others.
 */
export function instrumentationConfig(env: Env): InstrumentationConfigMap {
  const isOwn = ownTraffic(env)
  return {
    '@opentelemetry/instrumentation-http': {
      ignoreIncomingRequestHook: ({ url }) => isUntoldPath(url),
      ignoreOutgoingRequestHook: options => isOwn({ host: hostOf(options), path: options.path ?? '/' }),
    },
    '@opentelemetry/instrumentation-express': { ignoreLayers: [() => true] },
    '@opentelemetry/instrumentation-undici': {
      ignoreRequestHook: ({ origin, path }) =>
        URL.canParse(origin) && isOwn({ host: new URL(origin).host, path }),
    },
    '@opentelemetry/instrumentation-pg': { requireParentSpan: true, enhancedDatabaseReporting: false },
  }
}

/** Host and port as a URL writes them. */
function hostOf({ host, hostname, port }: ClientRequestArgs): string {
  const name = hostname ?? host ?? 'localhost'
  return port === undefined || port === null || name.includes(':') ? name : `${name}:${port}`
}
