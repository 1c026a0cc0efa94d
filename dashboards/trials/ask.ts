import { SCRAPE_SECONDS } from '../../platform/manifests/prometheus-config.ts'
import type { Series } from './changes.ts'

/** Distance of two points, seconds: there is no more to know between two scrapes. */
export const STEP_SECONDS = SCRAPE_SECONDS
const PATIENCE_MS = 30_000

type Told = {
  readonly error?: string
  readonly data?: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly values: readonly (readonly [number, string])[]
    }[]
  }
}

/** Asks for all series of a query, from one instant to another, Unix seconds. */
export type AskRange = (
  query: string,
  fromSeconds: number,
  untilSeconds: number,
) => Promise<readonly Series[]>

/** @param url of the API of Prometheus, without a slash at the end */
export function askPrometheus(url: string): AskRange {
  return async (query, fromSeconds, untilSeconds) => {
    const answer = await fetch(`${url}/query_range`, {
      method: 'POST',
      body: new URLSearchParams({
        query,
        start: String(fromSeconds),
        end: String(untilSeconds),
        step: String(STEP_SECONDS),
      }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return seriesOf((await answer.json()) as Told, query)
  }
}

/** @throws Error with what Prometheus says */
export function seriesOf({ data, error }: Told, query: string): readonly Series[] {
  if (data === undefined) throw new Error(`Prometheus refuses '${query}': ${error}`)
  return data.result.map(({ metric, values }) => ({
    labels: metric,
    points: values
      .map(([atSeconds, text]) => [atSeconds, Number(text)] as const)
      .filter(([, value]) => Number.isFinite(value)),
  }))
}
