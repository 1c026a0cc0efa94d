import type { ActionOnAlert } from '../contract.ts'
import { type Sql, storableText, toDate } from '../database.ts'

export type AlertAction = ActionOnAlert & {
  readonly instance: string
  /** The alert event's begin, as it was known when somebody acted. */
  readonly firedMs: number
}

/** So much of what somebody writes is kept, characters. */
const ACTOR_LENGTH = 100
const NOTE_LENGTH = 2_000

/**
 * Keeps that somebody acted on an alert event. Such an alert did not resolve by itself.
 *
 * @returns false when there is no such event
 */
export async function recordAction(
  sql: Sql,
  { instance, firedMs, actor, action, note }: Omit<AlertAction, 'atMs'>,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `INSERT INTO alert_actions (instance, fired_at, at, actor, action, note)
     SELECT instance, fired_at, $3::timestamptz, $4::text, $5::text, $6::text FROM alert_events WHERE instance = $1 AND fired_at = $2`,
    [
      storableText(instance),
      toDate(firedMs),
      toDate(nowMs),
      storableText(actor.slice(0, ACTOR_LENGTH)),
      action,
      note === null ? null : storableText(note.slice(0, NOTE_LENGTH)),
    ],
  )
  return rowCount === 1
}

/**
 * SQL: the actions on the alert event `e`, a JSON array as `ActionOnAlert[]`. A late word may give an event an earlier
 * begin than the one that somebody acted on, so whatever was acted on within the event is part of it.
 */
export const ACTIONS_OF_EVENT = `COALESCE((
  SELECT jsonb_agg(
    jsonb_build_object('atMs', floor(extract(epoch FROM x.at) * 1000), 'actor', x.actor, 'action', x.action, 'note', x.note)
    ORDER BY x.at, x.id)
  FROM alert_actions x
  WHERE x.instance = e.instance AND x.fired_at >= e.fired_at AND (e.ended_at IS NULL OR x.fired_at <= e.ended_at)
), '[]'::jsonb)`

/** What was done about one alert event, in the order in which it was done; null: there is no such event. */
export async function actionsOn(
  sql: Sql,
  instance: string,
  firedMs: number,
): Promise<readonly ActionOnAlert[] | null> {
  const { rows } = await sql.query<{ actions: readonly ActionOnAlert[] }>(
    `SELECT ${ACTIONS_OF_EVENT} AS actions FROM alert_events e WHERE e.instance = $1 AND e.fired_at = $2`,
    [storableText(instance), toDate(firedMs)],
  )
  return rows[0]?.actions ?? null
}
