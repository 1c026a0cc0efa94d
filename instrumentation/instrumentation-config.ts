import type { ClientRequestArgs } from 'node:http'
import type { InstrumentationConfigMap } from '@opentelemetry/auto-instrumentations-node'
import { isUntoldPath, ownTraffic } from './own-traffic.ts'
import type { Env } from './settings.ts'

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
