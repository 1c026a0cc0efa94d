import { type Exemplar, parseExemplars } from '../panels/exemplars.ts'
import type { TimeRange } from '../panels/query.ts'
import { parseAnswer, type Series } from '../panels/result.ts'
import { ask } from './api.mts'

/** Asks Prometheus through this server for one value of each series. */
export async function instant(
  query: string,
  atSeconds: number,
  refId = '',
  legend = '',
  signal?: AbortSignal,
): Promise<Series[]> {
  const parameters = new URLSearchParams({ query, time: String(atSeconds) })
  const answer = await ask<unknown>(`/api/prometheus/query?${parameters}`, signal ? { signal } : {})
  return parseAnswer(answer, refId, legend)
}

/** Asks Prometheus through this server for lines. */
export async function range(
  query: string,
  { fromSeconds, toSeconds }: TimeRange,
  stepSeconds: number,
  refId = '',
  legend = '',
  signal?: AbortSignal,
): Promise<Series[]> {
  const parameters = new URLSearchParams({
    query,
    start: String(fromSeconds),
    end: String(toSeconds),
    step: String(stepSeconds),
  })
  const answer = await ask<unknown>(`/api/prometheus/query_range?${parameters}`, signal ? { signal } : {})
  return parseAnswer(answer, refId, legend)
}

/** Asks Prometheus through this server for single requests of the series that a query reads. */
export async function exemplars(
  query: string,
  { fromSeconds, toSeconds }: TimeRange,
  signal?: AbortSignal,
): Promise<Exemplar[]> {
  const parameters = new URLSearchParams({ query, start: String(fromSeconds), end: String(toSeconds) })
  const answer = await ask<unknown>(`/api/prometheus/query_exemplars?${parameters}`, signal ? { signal } : {})
  return parseExemplars(answer)
}
