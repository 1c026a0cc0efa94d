import { type Sql, storableText, toDate, toMs } from '../database.ts'

/** What somebody did about an alert. */
export type ActionKind = 'acknowledged' | 'noted'

export type AlertAction = {
  readonly instance: string
  /** The alert event's begin, as it was known when somebody acted. */
  readonly firedMs: number
  readonly atMs: number
  /** A person or a program. */
  readonly actor: string
  readonly action: ActionKind
  readonly note: string | null
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

type ActionRecord = {
  readonly instance: string
  readonly fired_at: Date
  readonly at: Date
  readonly actor: string
  readonly action: ActionKind
  readonly note: string | null
}

/**
 * What was done about the alerts that fired in [fromMs, untilMs), in the order in which it was done.
 */
export async function actionsBetween(
  sql: Sql,
  fromMs: number,
  untilMs: number,
): Promise<readonly AlertAction[]> {
  const { rows } = await sql.query<ActionRecord>(
    `SELECT instance, fired_at, at, actor, action, note FROM alert_actions
     WHERE fired_at >= $1 AND fired_at < $2 ORDER BY at, id`,
    [toDate(fromMs), toDate(untilMs)],
  )
  return rows.map(({ instance, fired_at, at, actor, action, note }) => ({
    instance,
    firedMs: toMs(fired_at),
    atMs: toMs(at),
    actor,
    action,
    note,
  }))
}
