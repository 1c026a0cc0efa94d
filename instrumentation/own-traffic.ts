import type { Env } from './settings.ts'

/** What is known of a request that is about to be sent. */
export type OutgoingRequest = { readonly host: string; readonly path: string }

/** Paths that are asked again and again by machines, or bring telemetry itself: spans of them would tell of nothing. */
const UNTOLD = /^\/(healthz|readyz|metrics)(\?|$)|^\/api\/[^/]+\/envelope\//

export function isUntoldPath(path: string | undefined): boolean {
  return path !== undefined && UNTOLD.test(path)
}

/** Where envelopes and spans are posted to. */
const TELEMETRY_PATH = /\/(envelope|spans|v1\/traces)\/?(\?|$)/

/** Whether a request carries telemetry: a span of it would be sent with the next one, and so for ever. */
export function ownTraffic(env: Env): (request: OutgoingRequest) => boolean {
  const endpoints = [
    env.SENTRY_DSN,
    env.OTEL_EXPORTER_ZIPKIN_ENDPOINT,
    env.OTEL_EXPORTER_OTLP_ENDPOINT,
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
  ]
  const hosts = new Set(endpoints.flatMap(url => (url && URL.canParse(url) ? [new URL(url).host] : [])))
  return ({ host, path }) => hosts.has(host) && TELEMETRY_PATH.test(path)
}
