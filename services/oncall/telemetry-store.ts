import type pg from 'pg'
import type { Gap } from './alert-fold.ts'
import { type Sql, toDate, toMs } from './database.ts'

/** `recorder`: oncall itself, with its database. `prometheus`: it answered oncall. */
export type TelemetrySource = 'recorder' | 'prometheus'

/** A source is looked at this often, milliseconds. */
export const LOOK_EVERY_MS = 5_000

/** Silence longer than this is a gap, milliseconds: two looks may be late. */
const GAP_MS = 3 * LOOK_EVERY_MS

/** Says that `source` is there at `atMs`: the stretch goes on, or a new one begins after a gap. */
export async function markPresent(pool: pg.Pool, source: TelemetrySource, atMs: number): Promise<void> {
  const { rowCount } = await pool.query(
    `UPDATE telemetry_spans SET to_at = greatest(to_at, $2)
     WHERE source = $1 AND from_at = (SELECT max(from_at) FROM telemetry_spans WHERE source = $1) AND to_at >= $3`,
    [source, toDate(atMs), toDate(atMs - GAP_MS)],
  )
  if (rowCount !== 0) return
  await pool.query(
    'INSERT INTO telemetry_spans (source, from_at, to_at) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING',
    [source, toDate(atMs)],
  )
}

/**
 * When a source was not there between two instants of oncall's clock. Before the first stretch nothing is known, so
 * that is no gap.
 *
 * @param nowMs a stretch that has not been added to for long ended in a gap that goes on until now
 */
export async function gapsBetween(
  sql: Sql,
  fromMs: number,
  untilMs: number,
  nowMs: number,
): Promise<readonly Gap[]> {
  const { rows } = await sql.query<{ from_at: Date; to_at: Date | null }>(
    `SELECT from_at, to_at FROM (
       SELECT to_at AS from_at, lead(from_at) OVER (PARTITION BY source ORDER BY from_at) AS to_at FROM telemetry_spans
     ) holes WHERE from_at < $2 AND (to_at IS NULL OR to_at > $1) ORDER BY from_at`,
    [toDate(fromMs), toDate(untilMs)],
  )
  return rows
    .map(({ from_at, to_at }) => ({
      fromMs: toMs(from_at),
      toMs: to_at === null ? nowMs : toMs(to_at),
    }))
    .filter(gap => gap.toMs - gap.fromMs > GAP_MS)
}
