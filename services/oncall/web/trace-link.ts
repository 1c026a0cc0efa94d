import { safeHref } from './markup.ts'

/**
 * Where the trace can be looked at, or null: no trace store is set up for links, or the id is none.
 *
 * @param zipkinUrl as a browser reaches it
 * @param traceId hexadecimal digits
 */
export function traceHref(zipkinUrl: string | null, traceId: string | null): string | null {
  if (zipkinUrl === null || traceId === null || !/^[0-9a-f]+$/i.test(traceId)) return null
  return safeHref(`${zipkinUrl}/zipkin/traces/${traceId}`)
}
