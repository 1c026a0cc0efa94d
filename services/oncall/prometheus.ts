import { z } from 'zod'
import { RequestRefused } from './problem.ts'

const ANSWER_WITHIN_MS = 10_000
const CLOCK_WITHIN_MS = 3_000
const LONGEST_QUERY = 8_192
const MOST_POINTS = 2_000
const LONGEST_RANGE_SECONDS = 31 * 86_400
const LARGEST_ANSWER_BYTES = 8_388_608
/** Questions at once; a dashboard asks thirty. */
const AT_ONCE = 24

const instant = z.coerce.number().min(0).max(1e11)
const query = z.string().min(1).max(LONGEST_QUERY)

/** Parameters of `query`, as Prometheus names them. Instants are Unix seconds. */
export const instantQuery = z.strictObject({ query, time: instant.optional() })

const isRange = ({ start, end }: { readonly start: number; readonly end: number }) =>
  end > start && end - start <= LONGEST_RANGE_SECONDS
const NO_RANGE = { message: `from start to end are more than 0 and at most ${LONGEST_RANGE_SECONDS} s` }

export const rangeQuery = z
  .strictObject({ query, start: instant, end: instant, step: z.coerce.number().min(1).max(86_400) })
  .refine(isRange, NO_RANGE)
  .refine(({ start, end, step }) => (end - start) / step <= MOST_POINTS, {
    message: `a range has at most ${MOST_POINTS} steps`,
  })

/** Parameters of `query_exemplars`: single requests with their traces, out of the series that a query reads. */
export const exemplarsQuery = z
  .strictObject({ query, start: instant, end: instant })
  .refine(isRange, NO_RANGE)

export type PrometheusAnswer = { readonly status: number; readonly body: Buffer }

/** Asks Prometheus, and nothing but to evaluate. */
export class Prometheus {
  readonly #url: string
  #asking = 0

  constructor(url: string) {
    this.#url = url
  }

  /** @throws RequestRefused 503 when too much is asked at once, 502 or 504 when Prometheus fails */
  async ask(
    path: 'query' | 'query_range' | 'query_exemplars',
    parameters: Readonly<Record<string, string | number | undefined>>,
  ): Promise<PrometheusAnswer> {
    if (this.#asking >= AT_ONCE) {
      throw new RequestRefused(503, 'Too many questions are with Prometheus already.', { 'retry-after': '1' })
    }
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
    const body = new URLSearchParams([
      ...given.map(([name, value]): [string, string] => [name, String(value)]),
      ['timeout', `${ANSWER_WITHIN_MS / 1000}s`],
    ])
    this.#asking++
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS + 1_000)
      const response = await fetch(`${this.#url}/api/v1/${path}`, { method: 'POST', body, signal })
      return { status: response.status, body: await limitedBody(response) }
    } catch (error) {
      if (error instanceof RequestRefused) throw error
      const isLate = error instanceof Error && error.name === 'TimeoutError'
      throw new RequestRefused(isLate ? 504 : 502, 'Prometheus did not answer.')
    } finally {
      this.#asking--
    }
  }

  /**
   * Prometheus' clock minus ours, milliseconds, +- half a round trip.
   *
   * @throws Error when it does not answer
   */
  async clockOffsetMs(nowMs: () => number): Promise<number> {
    const sentMs = nowMs()
    const signal = AbortSignal.timeout(CLOCK_WITHIN_MS)
    const response = await fetch(`${this.#url}/api/v1/query?query=time()`, { signal })
    const answer = CLOCK_ANSWER.parse(await response.json())
    const receivedMs = nowMs()
    return Number(answer.data.result[1]) * 1000 - (sentMs + receivedMs) / 2
  }
}

const CLOCK_ANSWER = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.tuple([z.number(), z.string().regex(/^\d+(\.\d+)?$/)]) }),
})

async function limitedBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > LARGEST_ANSWER_BYTES) {
      throw new RequestRefused(502, `The answer of Prometheus has more than ${LARGEST_ANSWER_BYTES} bytes.`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
