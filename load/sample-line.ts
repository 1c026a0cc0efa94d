import type { Group } from '../platform/topology.ts'
import type { Kind } from './profiles.ts'
import type { Route } from './requests.ts'

/** What k6 tells of one answer (or of its absence). */
export type Answer = {
  /** HTTP status, 0 when no answer came. */
  readonly status: number
  /** k6's error code, 0 when there was none. */
  readonly errorCode: number
  /** Sum of blocked, connecting, TLS, sending, waiting and receiving, milliseconds. */
  readonly timedMs: number
  /** Wall time around the call, milliseconds. */
  readonly elapsedMs: number
}

/** k6's codes for "nobody answered in time": 1050 the request, 1211 the connection. */
const TIMEOUT_CODES: readonly number[] = [1050, 1211]

/** Columns of a sample line, in their order; `chaos/measurement` reads them back. */
export const SAMPLE_COLUMNS = [
  'group',
  'route',
  'kind',
  'startMs',
  'durationMs',
  'status',
  'outcome',
  'errorCode',
  'sequence',
] as const

/**
 * One line of the raw samples: what the judge reads.
 *
 * @param startMs Unix milliseconds
 * @param timeoutMs a request without an answer is censored here
 */
export function sampleLine(
  request: { readonly group: Group; readonly route: Route; readonly kind: Kind; readonly sequence: number },
  startMs: number,
  answer: Answer,
  timeoutMs: number,
): string {
  const { group, route, kind, sequence } = request
  const outcome = outcomeOf(answer)
  const durationMs =
    outcome === 'timeout'
      ? timeoutMs
      : // A connection that broke has no complete timings: the wall clock around the call is what it took.
        answer.status === 0
        ? answer.elapsedMs
        : answer.timedMs
  return `${group},${route},${kind},${startMs},${durationMs.toFixed(3)},${answer.status},${outcome},${answer.errorCode},${sequence}`
}

function outcomeOf(answer: Answer): 'ok' | 'error' | 'timeout' {
  if (answer.status >= 200 && answer.status < 300) return 'ok'
  if (answer.status === 0 && TIMEOUT_CODES.includes(answer.errorCode)) return 'timeout'
  return 'error'
}
