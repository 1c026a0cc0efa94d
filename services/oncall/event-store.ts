import type pg from 'pg'
import type { ErrorEvent, ErrorLevel, EventFilter, EventGroup, EventGroupDetail } from './contract.ts'
import { inTransaction, storableJson, storableText, toDate, toMs } from './database.ts'
import type { SeenEvent } from './error-event.ts'

const DEFAULT_LIMIT = 100
/** Events told with their group. */
const EVENTS_WITH_GROUP = 50

export type EventLimits = {
  /** Events kept with details in one group; the oldest go. */
  readonly keptPerGroup: number
  /** Groups kept; those not seen for longest go. */
  readonly groups: number
}

/** Error events, grouped by their fingerprints. */
export class EventStore {
  readonly #pool: pg.Pool
  readonly #limits: EventLimits

  constructor(pool: pg.Pool, limits: EventLimits) {
    this.#pool = pool
    this.#limits = limits
  }

  /**
   * Keeps an event. What this has returned for is on the disk.
   *
   * @returns `duplicate`: its details are kept already, SDKs send again what got no answer; `new`: the first of its group
   */
  async record({ event, title, culprit }: SeenEvent): Promise<'new' | 'kept' | 'duplicate'> {
    const { eventId, fingerprint, atMs, receivedMs, traceId, group, service, level } = event
    return await inTransaction(this.#pool, async sql => {
      await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [eventId])
      const { rowCount } = await sql.query('SELECT 1 FROM error_events WHERE event_id = $1', [eventId])
      if (rowCount !== 0) return 'duplicate'
      // The group first: its row is the lock under which its events are counted and cut.
      const { rows: counted } = await sql.query<{ event_count: string }>(
        `INSERT INTO error_groups
           (fingerprint, title, culprit, level, service, lab_groups, first_at, last_at, event_count)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 1)
         ON CONFLICT (fingerprint) DO UPDATE SET event_count = error_groups.event_count + 1
         RETURNING event_count`,
        [
          fingerprint,
          storableText(title),
          storableText(culprit),
          level,
          service === null ? null : storableText(service),
          group === null ? [] : [storableText(group)],
          toDate(atMs),
        ],
      )
      await sql.query(
        `INSERT INTO error_events (event_id, fingerprint, at, received_at, trace_id, body)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [eventId, fingerprint, toDate(atMs), toDate(receivedMs), traceId, storableJson(event)],
      )
      await sql.query(
        `UPDATE error_groups SET title = $2, culprit = $3, level = $4,
           first_at = least(first_at, $5), last_at = greatest(last_at, $5),
           lab_groups = (SELECT coalesce(array_agg(DISTINCT one ORDER BY one), '{}')
                         FROM unnest(lab_groups || $6::text[]) AS one)
         WHERE fingerprint = $1`,
        [
          fingerprint,
          storableText(title),
          storableText(culprit),
          level,
          toDate(atMs),
          group === null ? [] : [storableText(group)],
        ],
      )
      await sql.query(
        `DELETE FROM error_events WHERE event_id IN (
           SELECT event_id FROM error_events WHERE fingerprint = $1
           ORDER BY received_at DESC, event_id OFFSET $2)`,
        [fingerprint, this.#limits.keptPerGroup],
      )
      return counted[0]?.event_count === '1' ? 'new' : 'kept'
    })
  }

  /** Last seen first. */
  async groups({ service, group, limit = DEFAULT_LIMIT }: EventFilter): Promise<readonly EventGroup[]> {
    const { rows } = await this.#pool.query<GroupRecord>(
      `${SELECT_GROUPS}
       WHERE ($1::text IS NULL OR service = $1) AND ($2::text IS NULL OR $2 = ANY (lab_groups))
       ORDER BY last_at DESC, fingerprint LIMIT $3`,
      [service ?? null, group ?? null, limit],
    )
    return rows.map(groupOf)
  }

  async group(fingerprint: string): Promise<EventGroupDetail | null> {
    const { rows } = await this.#pool.query<GroupRecord>(`${SELECT_GROUPS} WHERE fingerprint = $1`, [
      fingerprint,
    ])
    const found = rows[0]
    if (found === undefined) return null
    const { rows: events } = await this.#pool.query<{ body: ErrorEvent }>(
      'SELECT body FROM error_events WHERE fingerprint = $1 ORDER BY received_at DESC, event_id LIMIT $2',
      [fingerprint, EVENTS_WITH_GROUP],
    )
    return { ...groupOf(found), events: events.map(({ body }) => body) }
  }

  async event(eventId: string): Promise<ErrorEvent | null> {
    const { rows } = await this.#pool.query<{ body: ErrorEvent }>(
      'SELECT body FROM error_events WHERE event_id = $1',
      [eventId],
    )
    return rows[0]?.body ?? null
  }

  /** Newest first; those of one trace. */
  async ofTrace(traceId: string): Promise<readonly ErrorEvent[]> {
    const { rows } = await this.#pool.query<{ body: ErrorEvent }>(
      'SELECT body FROM error_events WHERE trace_id = $1 ORDER BY received_at DESC, event_id LIMIT $2',
      [traceId, EVENTS_WITH_GROUP],
    )
    return rows.map(({ body }) => body)
  }

  /** Lets go of what is too old, and of the groups above the limit. @returns how many events and groups went */
  async forget(beforeMs: number): Promise<number> {
    const old = await this.#pool.query('DELETE FROM error_events WHERE received_at < $1', [toDate(beforeMs)])
    const groups = await this.#pool.query(
      `DELETE FROM error_groups WHERE last_at < $1 OR fingerprint IN (
         SELECT fingerprint FROM error_groups ORDER BY last_at DESC, fingerprint OFFSET $2)`,
      [toDate(beforeMs), this.#limits.groups],
    )
    return (old.rowCount ?? 0) + (groups.rowCount ?? 0)
  }
}

const SELECT_GROUPS = `SELECT g.*, (SELECT count(*) FROM error_events e WHERE e.fingerprint = g.fingerprint) AS kept
  FROM error_groups g`

type GroupRecord = {
  readonly fingerprint: string
  readonly title: string
  readonly culprit: string
  readonly level: ErrorLevel
  readonly service: string | null
  readonly lab_groups: readonly string[]
  readonly first_at: Date
  readonly last_at: Date
  /** bigint comes as text. */
  readonly event_count: string
  readonly kept: string
}

function groupOf(record: GroupRecord): EventGroup {
  return {
    fingerprint: record.fingerprint,
    title: record.title,
    culprit: record.culprit,
    level: record.level,
    service: record.service,
    groups: record.lab_groups,
    firstMs: toMs(record.first_at),
    lastMs: toMs(record.last_at),
    count: Number(record.event_count),
    kept: Number(record.kept),
  }
}
