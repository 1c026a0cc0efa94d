import type pg from 'pg'
import {
  type AlertRow,
  type AlertRules,
  foldRows,
  type Gap,
  patienceMs,
  type Notification as Told,
  upsertRow,
} from './alert-fold.ts'
import type { ToldAlert } from './alert-message.ts'
import type { ActionOnAlert, AlertEvent, AlertFilter, AlertState } from './contract.ts'
import { inTransaction, type Sql, storableJson, storableText, toDate, toMs, toMsOrNull } from './database.ts'
import { gapsBetween } from './telemetry-store.ts'
import { ACTIONS_OF_EVENT, type AlertAction, actionsOn, recordAction } from './weekly/alert-actions.ts'

/** How many events a page is given when it does not say. */
const DEFAULT_LIMIT = 200

/** Sweep at most so many at once; the rest comes with the next. */
const SWEEP_AT_ONCE = 500

type RowRecord = {
  readonly starts_at: Date
  readonly seen_at: Date
  readonly valid_until: Date
  readonly resolved_at: Date | null
  readonly first_received_at: Date
  readonly last_received_at: Date
}

/** Alert facts and the events folded from them. */
export class AlertStore {
  readonly #pool: pg.Pool
  readonly #rules: AlertRules

  constructor(pool: pg.Pool, rules: AlertRules) {
    this.#pool = pool
    this.#rules = rules
  }

  /**
   * Keeps all of them, or none. What this has returned for is on the disk.
   *
   * @param offsetMs Prometheus' clock minus oncall's; null: not known
   */
  async record(alerts: readonly ToldAlert[], offsetMs: number | null, nowMs: number): Promise<void> {
    if (alerts.length === 0) return
    const byInstance = Map.groupBy(alerts, ({ instance }) => instance)
    await inTransaction(this.#pool, async sql => {
      // Always in the same order, so that two messages at once cannot wait for each other.
      for (const instance of [...byInstance.keys()].sort()) {
        const told = byInstance.get(instance) ?? []
        await lock(sql, instance)
        await this.#recordOne(sql, instance, told, offsetMs)
        const fromMs = Math.min(...told.map(({ startsMs }) => startsMs))
        await this.#refold(sql, instance, fromMs, nowMs + (offsetMs ?? 0))
      }
    })
  }

  /** Alertmanager told a person of these. */
  async notified(
    alerts: readonly { readonly instance: string; readonly startsMs: number }[],
    receiver: string,
    receivedMs: number,
    offsetMs: number | null,
  ): Promise<void> {
    const sorted = [...alerts].sort((one, other) => (one.instance < other.instance ? -1 : 1))
    await inTransaction(this.#pool, async sql => {
      for (const { instance, startsMs } of sorted) {
        await lock(sql, instance)
        await sql.query(
          'INSERT INTO alert_notifications (instance, starts_at, received_at, receiver) VALUES ($1, $2, $3, $4)',
          [instance, toDate(startsMs), toDate(receivedMs), storableText(receiver)],
        )
        await this.#refold(sql, instance, startsMs, receivedMs + (offsetMs ?? 0))
      }
    })
  }

  /**
   * Ends the events of which nobody speaks any more.
   *
   * @returns how many it looked at again
   */
  async sweep(nowMs: number, offsetMs: number | null): Promise<number> {
    const thereMs = nowMs + (offsetMs ?? 0)
    const { rows } = await this.#pool.query<{ instance: string; fired_at: Date }>(
      "SELECT instance, fired_at FROM alert_events WHERE state = 'firing' AND valid_until < $1 ORDER BY instance, fired_at LIMIT $2",
      [toDate(thereMs), SWEEP_AT_ONCE],
    )
    for (const { instance, fired_at } of rows) {
      await inTransaction(this.#pool, async sql => {
        await lock(sql, instance)
        await this.#refold(sql, instance, toMs(fired_at), thereMs)
      })
    }
    return rows.length
  }

  /** Last fired first. */
  async events({ state, sinceMs, limit = DEFAULT_LIMIT }: AlertFilter): Promise<readonly AlertEvent[]> {
    const { rows } = await this.#pool.query<EventRecord>(
      `SELECT e.*, i.name, i.labels, i.annotations, i.generator_url, ${ACTIONS_OF_EVENT} AS actions
       FROM (
         SELECT * FROM alert_events
         WHERE ($1::text IS NULL OR state = $1) AND ($2::timestamptz IS NULL OR fired_at >= $2)
         ORDER BY fired_at DESC, instance LIMIT $3
       ) e JOIN alert_instances i USING (instance)
       ORDER BY e.fired_at DESC, e.instance`,
      [state ?? null, sinceMs === undefined ? null : toDate(sinceMs), limit],
    )
    return rows.map(eventOf)
  }

  /**
   * Keeps that somebody acted on an alert event.
   *
   * @returns all that was done about it, this included; null: there is no such event
   */
  async act(action: Omit<AlertAction, 'atMs'>, nowMs: number): Promise<readonly ActionOnAlert[] | null> {
    return await inTransaction(this.#pool, async sql => {
      // While nobody folds the event anew, and perhaps gives it another begin.
      await lock(sql, action.instance)
      if (!(await recordAction(sql, action, nowMs))) return null
      return await actionsOn(sql, action.instance, action.firedMs)
    })
  }

  /** Raw facts are not needed to fold anew; they are kept for those who want to check. */
  async forgetFactsBefore(beforeMs: number): Promise<number> {
    const { rowCount } = await this.#pool.query('DELETE FROM alert_facts WHERE received_at < $1', [
      toDate(beforeMs),
    ])
    return rowCount ?? 0
  }

  async #recordOne(
    sql: Sql,
    instance: string,
    told: readonly ToldAlert[],
    offsetMs: number | null,
  ): Promise<void> {
    const last = told.at(-1)
    if (last === undefined) return
    await sql.query(
      `INSERT INTO alert_instances (instance, name, labels, annotations, generator_url) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (instance) DO UPDATE SET annotations = excluded.annotations, generator_url = excluded.generator_url`,
      [
        instance,
        storableText(last.name),
        storableJson(last.labels),
        storableJson(last.annotations),
        last.generatorUrl === null ? null : storableText(last.generatorUrl),
      ],
    )
    for (const alert of told) {
      await sql.query(
        `INSERT INTO alert_facts
           (instance, kind, starts_at, ends_at, source_at, received_at, offset_ms, labels, annotations)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          instance,
          alert.kind,
          toDate(alert.startsMs),
          toDate(alert.endsMs),
          toDate(alert.sourceMs),
          toDate(alert.receivedMs),
          offsetMs,
          storableJson(alert.labels),
          storableJson(alert.annotations),
        ],
      )
      const { rows } = await sql.query<RowRecord>(
        'SELECT * FROM alert_rows WHERE instance = $1 AND starts_at = $2',
        [instance, toDate(alert.startsMs)],
      )
      const known = rows[0]
      await writeRow(sql, instance, upsertRow(known && rowOf(known), alert))
    }
  }

  /** Folds anew what may have changed: everything after the last event that was over long before `fromMs`. */
  async #refold(sql: Sql, instance: string, fromMs: number, nowMs: number): Promise<void> {
    const overBefore = toDate(fromMs - this.#rules.refireMs)
    const { rows: ended } = await sql.query<{ base: Date | null }>(
      'SELECT max(ended_at) AS base FROM alert_events WHERE instance = $1 AND ended_at < $2',
      [instance, overBefore],
    )
    const base = ended[0]?.base ?? toDate(0)
    const { rows } = await sql.query<RowRecord>(
      'SELECT * FROM alert_rows WHERE instance = $1 AND starts_at > $2',
      [instance, base],
    )
    // A notification may come before the alert itself, or be of one that was never recorded.
    if (rows.length === 0) return
    const alertRows = rows.map(rowOf)
    const { rows: told } = await sql.query<{ starts_at: Date; received_at: Date }>(
      'SELECT starts_at, received_at FROM alert_notifications WHERE instance = $1 AND starts_at > $2',
      [instance, base],
    )
    const notifications: Told[] = told.map(one => ({
      startsMs: toMs(one.starts_at),
      receivedMs: toMs(one.received_at),
    }))
    const gaps = await this.#gaps(sql, alertRows, nowMs)
    const events = foldRows(alertRows, notifications, gaps, this.#rules, nowMs)
    await sql.query('DELETE FROM alert_events WHERE instance = $1 AND fired_at > $2', [instance, base])
    for (const event of events) {
      await sql.query(
        `INSERT INTO alert_events (instance, fired_at, ended_at, state, valid_until, firing_ms, flap_count,
           clock_suspect, received_at, notified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          instance,
          toDate(event.firedMs),
          event.endedMs === null ? null : toDate(event.endedMs),
          event.state,
          toDate(event.validUntilMs),
          event.firingMs,
          event.flapCount,
          event.clockSuspect,
          toDate(event.receivedMs),
          event.notifiedMs === null ? null : toDate(event.notifiedMs),
        ],
      )
    }
  }

  async #gaps(sql: Sql, rows: readonly AlertRow[], nowMs: number): Promise<readonly Gap[]> {
    const silent = rows.filter(({ resolvedMs }) => resolvedMs === null)
    if (silent.length === 0) return []
    const lastMs = silent.map(({ lastReceivedMs }) => lastReceivedMs)
    const validMs = silent.map(({ seenMs, validUntilMs }) => validUntilMs - seenMs)
    return await gapsBetween(
      sql,
      Math.min(...lastMs),
      Math.max(...lastMs) + Math.max(patienceMs(this.#rules), ...validMs),
      nowMs,
    )
  }
}

/** One writer for each instance at a time. */
async function lock(sql: Sql, instance: string): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [instance])
}

async function writeRow(sql: Sql, instance: string, row: AlertRow): Promise<void> {
  await sql.query(
    `INSERT INTO alert_rows
       (instance, starts_at, seen_at, valid_until, resolved_at, first_received_at, last_received_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (instance, starts_at) DO UPDATE SET
       seen_at = excluded.seen_at, valid_until = excluded.valid_until, resolved_at = excluded.resolved_at,
       first_received_at = excluded.first_received_at, last_received_at = excluded.last_received_at`,
    [
      instance,
      toDate(row.startsMs),
      toDate(row.seenMs),
      toDate(row.validUntilMs),
      row.resolvedMs === null ? null : toDate(row.resolvedMs),
      toDate(row.firstReceivedMs),
      toDate(row.lastReceivedMs),
    ],
  )
}

function rowOf(record: RowRecord): AlertRow {
  return {
    startsMs: toMs(record.starts_at),
    seenMs: toMs(record.seen_at),
    validUntilMs: toMs(record.valid_until),
    resolvedMs: toMsOrNull(record.resolved_at),
    firstReceivedMs: toMs(record.first_received_at),
    lastReceivedMs: toMs(record.last_received_at),
  }
}

type EventRecord = {
  readonly instance: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly generator_url: string | null
  readonly fired_at: Date
  readonly ended_at: Date | null
  readonly state: AlertState
  readonly firing_ms: number
  readonly flap_count: number
  readonly clock_suspect: boolean
  readonly received_at: Date
  readonly notified_at: Date | null
  readonly actions: readonly ActionOnAlert[]
}

function eventOf(record: EventRecord): AlertEvent {
  const { labels } = record
  return {
    instance: record.instance,
    name: record.name,
    labels,
    annotations: record.annotations,
    group: labels.group ?? null,
    service: labels.service ?? null,
    severity: labels.severity ?? null,
    state: record.state,
    firedMs: toMs(record.fired_at),
    endedMs: toMsOrNull(record.ended_at),
    firingMs: record.firing_ms,
    flapCount: record.flap_count,
    clockSuspect: record.clock_suspect,
    receivedMs: toMs(record.received_at),
    notifiedMs: toMsOrNull(record.notified_at),
    generatorUrl: record.generator_url,
    actions: record.actions,
  }
}
