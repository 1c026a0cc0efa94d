import type pg from 'pg'
import { z } from 'zod'
import type { Log } from '../context.ts'
import { inTransaction, type Sql, toDate, toMs } from '../database.ts'
import type { Prometheus } from '../prometheus.ts'
import { INDICATOR, type Policy } from './policy.ts'

/*
 * What users felt, taken from Prometheus before it forgets: of every promise its events and the bad ones of them, by
 * group, at instants that are whole multiples of the step. Only moments at which something was bad are kept; that a moment
 * was looked at says `indicator_spans`.
 */

/** How often they are taken, milliseconds: three instants at a time. */
export const TAKE_EVERY_MS = 15_000

const STEP_MS = INDICATOR.stepSeconds * 1000

/** What was scraped, or computed from it, is there after this time: a scrape may take the 5 s of its interval. */
const SETTLED_AFTER_MS = 10_000

/** How far back it goes after an outage of oncall; Prometheus keeps two days, and a long way back is a lot to ask at once. */
const BACKFILL_MS = 6 * 3_600_000

/** Instants in one question; Prometheus refuses 11,000, and two groups of an hour are a small answer. */
const MOST_INSTANTS = 720

/** Differences of two rates leave dust; one bad event in a window is 0.07 per second. */
const SMALLEST_RATE = 1e-6

const INDICATOR_LABEL = 'indicator'

/** What of one promise happened in one group at one instant, per second over the window. */
export type Moment = {
  readonly group: string
  readonly atMs: number
  readonly eventsPerSecond: number
  readonly badPerSecond: number
}

const matrix = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
})

/** Both rates of a promise in one question, told apart by a label. */
export function indicatorQuery({ events, bad }: Pick<Policy['slos'][number], 'events' | 'bad'>): string {
  const named = (expr: string, name: string) =>
    `label_replace(${expr}, "${INDICATOR_LABEL}", "${name}", "group", ".*")`
  return `${named(events, 'events')} or ${named(bad, 'bad')}`
}

/**
 * Moments at which at least one group had a bad event, with the values of all groups then.
 *
 * @param body of Prometheus' answer to `indicatorQuery`
 * @throws ZodError when it is no such answer
 */
export function badMoments(body: string): readonly Moment[] {
  const moments = new Map<number, Map<string, Moment>>()
  for (const { metric, values } of matrix.parse(JSON.parse(body)).data.result) {
    const { group, [INDICATOR_LABEL]: indicator } = metric
    if (group === undefined) continue
    for (const [atSeconds, text] of values) {
      const value = Number(text)
      // A rate of nothing by nothing says nothing.
      if (!Number.isFinite(value)) continue
      const atMs = Math.round(atSeconds * 1000)
      const byGroup = moments.get(atMs) ?? new Map<string, Moment>()
      const known = byGroup.get(group) ?? { group, atMs, eventsPerSecond: 0, badPerSecond: 0 }
      const rate = value < SMALLEST_RATE ? 0 : value
      byGroup.set(group, { ...known, [indicator === 'bad' ? 'badPerSecond' : 'eventsPerSecond']: rate })
      moments.set(atMs, byGroup)
    }
  }
  return [...moments.values()]
    .map(byGroup => [...byGroup.values()])
    .filter(groups => groups.some(({ badPerSecond }) => badPerSecond > 0))
    .flat()
}

/** First and last instant to ask for, Unix milliseconds, both included; null: nothing new has settled. */
export function stretchToTake(
  lastMs: number | null,
  prometheusMs: number,
): { readonly fromMs: number; readonly toMs: number } | null {
  const settledMs = Math.floor((prometheusMs - SETTLED_AFTER_MS) / STEP_MS) * STEP_MS
  const oldestMs = settledMs - BACKFILL_MS
  const fromMs = lastMs === null ? oldestMs : Math.max(lastMs + STEP_MS, oldestMs)
  if (fromMs > settledMs) return null
  return { fromMs, toMs: Math.min(settledMs, fromMs + (MOST_INSTANTS - 1) * STEP_MS) }
}

/** Takes the indicators, again and again. */
export class Indicators {
  readonly #pool: pg.Pool
  readonly #prometheus: Pick<Prometheus, 'ask'>
  readonly #policy: Policy
  readonly #log: Log
  #hasFailed = false

  constructor(pool: pg.Pool, prometheus: Pick<Prometheus, 'ask'>, policy: Policy, log: Log) {
    this.#pool = pool
    this.#prometheus = prometheus
    this.#policy = policy
    this.#log = log
  }

  /**
   * Takes what has settled since the last time. When that fails it is told once, and tried again with the next call.
   *
   * @param prometheusMs Prometheus' clock, Unix milliseconds
   */
  async keepUp(prometheusMs: number, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted && (await this.take(prometheusMs))) {}
      if (this.#hasFailed) this.#log('indicators are taken again', {})
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) this.#log('indicators cannot be taken', { error: String(error) })
      this.#hasFailed = true
    }
  }

  /**
   * Takes one stretch: all promises of it are kept, or nothing.
   *
   * @returns whether there was one
   * @throws Error when Prometheus or the database fails
   */
  async take(prometheusMs: number): Promise<boolean> {
    const stretch = stretchToTake(await lastTaken(this.#pool), prometheusMs)
    if (stretch === null) return false
    const taken: { readonly slo: string; readonly moments: readonly Moment[] }[] = []
    // One after the other: what users ask of Prometheus goes first.
    for (const slo of this.#policy.slos) {
      const { status, body } = await this.#prometheus.ask('query_range', {
        query: indicatorQuery(slo),
        start: stretch.fromMs / 1000,
        end: stretch.toMs / 1000,
        step: INDICATOR.stepSeconds,
      })
      if (status !== 200) {
        throw new Error(
          `Cannot take '${slo.id}': Prometheus answered ${status} ${body.toString().slice(0, 300)}`,
        )
      }
      taken.push({ slo: slo.id, moments: badMoments(body.toString()) })
    }
    await inTransaction(this.#pool, async sql => {
      for (const { slo, moments } of taken) await keepMoments(sql, slo, moments)
      await keepSpan(sql, stretch)
    })
    return true
  }
}

/** Forgets moments before an instant. @returns how many */
export async function forgetMoments(pool: pg.Pool, beforeMs: number): Promise<number> {
  const { rowCount } = await pool.query('DELETE FROM bad_windows WHERE at < $1', [toDate(beforeMs)])
  await pool.query('DELETE FROM indicator_spans WHERE to_at < $1', [toDate(beforeMs)])
  return rowCount ?? 0
}

/** Last instant that was taken; null: none. */
export async function lastTaken(sql: Sql): Promise<number | null> {
  const { rows } = await sql.query<{ last: Date | null }>('SELECT max(to_at) AS last FROM indicator_spans')
  const last = rows[0]?.last ?? null
  return last === null ? null : toMs(last)
}

async function keepMoments(sql: Sql, slo: string, moments: readonly Moment[]): Promise<void> {
  if (moments.length === 0) return
  await sql.query(
    `INSERT INTO bad_windows (slo, lab_group, at, events_per_second, bad_per_second)
     SELECT $1, * FROM unnest($2::text[], $3::timestamptz[], $4::float8[], $5::float8[])
     ON CONFLICT DO NOTHING`,
    [
      slo,
      moments.map(({ group }) => group),
      moments.map(({ atMs }) => toDate(atMs)),
      moments.map(({ eventsPerSecond }) => eventsPerSecond),
      moments.map(({ badPerSecond }) => badPerSecond),
    ],
  )
}

/** A stretch that follows another one closely makes it longer. */
async function keepSpan(
  sql: Sql,
  { fromMs, toMs: untilMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  const { rowCount } = await sql.query(
    'UPDATE indicator_spans SET to_at = greatest(to_at, $2) WHERE to_at = $1',
    [toDate(fromMs - STEP_MS), toDate(untilMs)],
  )
  if (rowCount !== 0) return
  await sql.query('INSERT INTO indicator_spans (from_at, to_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    toDate(fromMs),
    toDate(untilMs),
  ])
}
