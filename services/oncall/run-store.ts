import type pg from 'pg'
import type { AbortState, AttackState, RunDetail, RunSummary } from './contract.ts'
import { inTransaction, storableJson, storableText, toDate, toMs } from './database.ts'
import { type EntriesMessage, type KeptEntry, keptEntry } from './run-entry.ts'
import { foldRun, isOver } from './run-fold.ts'

/** Large and not read here; they are kept all the same. */
const UNREAD = ['snapshot', 'judge-input', 'load-started', 'undo-recipe', 'time-base']

/** Runs as their runners mirror them. */
export class RunStore {
  readonly #pool: pg.Pool
  readonly #abandonedMs: number

  /** @param abandonedMs silence after which a run that has not ended is abandoned */
  constructor(pool: pg.Pool, abandonedMs: number) {
    this.#pool = pool
    this.#abandonedMs = abandonedMs
  }

  /**
   * Keeps entries and that the runner was heard of. What this has returned for is on the disk; what was kept already is
   * left as it is.
   *
   * @returns how many entries were new
   */
  async record(runId: string, { entries, closed, abort }: EntriesMessage, nowMs: number): Promise<number> {
    return await inTransaction(this.#pool, async sql => {
      const opened = entries.find(({ entry }) => entry.entry === 'opened')?.entry.atMs
      await sql.query(
        `INSERT INTO runs (run_id, opened_at, heard_at, is_over, abort) VALUES ($1, $2, $3, false, $4)
         ON CONFLICT (run_id) DO UPDATE SET heard_at = greatest(runs.heard_at, excluded.heard_at),
           opened_at = CASE WHEN $5 THEN excluded.opened_at ELSE runs.opened_at END,
           abort = coalesce(excluded.abort, runs.abort)`,
        [
          runId,
          toDate(opened ?? nowMs),
          toDate(nowMs),
          abort === undefined ? null : storableJson(abort),
          opened !== undefined,
        ],
      )
      let added = 0
      for (const { seq, entry } of entries) {
        const { rowCount } = await sql.query(
          `INSERT INTO run_entries (run_id, seq, received_at, entry) VALUES ($1, $2, $3, $4)
           ON CONFLICT (run_id, seq) DO NOTHING`,
          [runId, seq, toDate(nowMs), storableJson(entry)],
        )
        added += rowCount ?? 0
      }
      if (closed || isOver(entries.map(({ seq, entry }) => keptEntry(seq, entry)))) {
        await sql.query('UPDATE runs SET is_over = true WHERE run_id = $1', [runId])
      }
      return added
    })
  }

  /** Keeps the report; a second one takes the place of the first. @returns false when no such run is known */
  async recordReport(runId: string, html: string, nowMs: number): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `INSERT INTO run_reports (run_id, received_at, html) SELECT run_id, $2, $3 FROM runs WHERE run_id = $1
       ON CONFLICT (run_id) DO UPDATE SET received_at = excluded.received_at, html = excluded.html`,
      [runId, toDate(nowMs), storableText(html)],
    )
    return rowCount !== 0
  }

  async report(runId: string): Promise<string | null> {
    const { rows } = await this.#pool.query<{ html: string }>(
      'SELECT html FROM run_reports WHERE run_id = $1',
      [runId],
    )
    return rows[0]?.html ?? null
  }

  async run(runId: string, nowMs: number): Promise<RunDetail | null> {
    const [found] = await this.#runs('WHERE run_id = $1', [runId], nowMs)
    return found ?? null
  }

  /** Newest first. */
  async runs(limit: number, nowMs: number): Promise<readonly RunSummary[]> {
    const found = await this.#runs('ORDER BY opened_at DESC, run_id DESC LIMIT $1', [limit], nowMs)
    return found.map(({ reasons: _reasons, attacks: _attacks, timeline: _timeline, ...summary }) => summary)
  }

  /** Runs whose runners were heard of since then, at most 20; newest first. */
  async since(sinceMs: number, nowMs: number): Promise<readonly RunDetail[]> {
    const condition = 'WHERE heard_at >= $1 ORDER BY opened_at DESC, run_id DESC LIMIT 20'
    return await this.#runs(condition, [toDate(sinceMs)], nowMs)
  }

  /** Runs that were on at some time from `fromMs` to `toMs`, oldest first. */
  async between(fromMs: number, toMs: number, nowMs: number): Promise<readonly RunDetail[]> {
    const condition = 'WHERE opened_at < $2 AND heard_at >= $1 ORDER BY opened_at, run_id'
    return await this.#runs(condition, [toDate(fromMs), toDate(toMs)], nowMs)
  }

  /** Attacks that are on now, or ended less than `endedMs` ago. */
  async attacks(nowMs: number, endedMs: number): Promise<readonly AttackState[]> {
    const lately = await this.since(nowMs - endedMs - this.#abandonedMs, nowMs)
    return lately
      .flatMap(({ attacks }) => attacks)
      .map(attack => (attack.endMs !== null && attack.endMs > nowMs ? { ...attack, endMs: null } : attack))
      .filter(({ endMs }) => endMs === null || nowMs - endMs <= endedMs)
  }

  async forgetBefore(beforeMs: number): Promise<number> {
    const { rowCount } = await this.#pool.query('DELETE FROM runs WHERE opened_at < $1', [toDate(beforeMs)])
    return rowCount ?? 0
  }

  async #runs(
    condition: string,
    parameters: readonly unknown[],
    nowMs: number,
  ): Promise<readonly RunDetail[]> {
    const { rows } = await this.#pool.query<RunRecord>(
      `SELECT run_id, opened_at, heard_at, is_over, abort,
         EXISTS (SELECT FROM run_reports p WHERE p.run_id = r.run_id) AS has_report
       FROM runs r ${condition}`,
      [...parameters],
    )
    const { rows: entries } = await this.#pool.query<{ run_id: string; seq: number; entry: unknown }>(
      `SELECT run_id, seq, entry FROM run_entries
       WHERE run_id = ANY ($1) AND NOT entry->>'entry' = ANY ($2) ORDER BY run_id, seq`,
      [rows.map(({ run_id }) => run_id), UNREAD],
    )
    const byRun = Map.groupBy(entries, ({ run_id }) => run_id)
    return rows.map(record => {
      const kept: readonly KeptEntry[] = (byRun.get(record.run_id) ?? []).map(({ seq, entry }) =>
        keptEntry(seq, entry),
      )
      return foldRun(mirrored(record, kept), nowMs, this.#abandonedMs)
    })
  }
}

type RunRecord = {
  readonly run_id: string
  readonly opened_at: Date
  readonly heard_at: Date
  readonly is_over: boolean
  readonly abort: AbortState | null
  readonly has_report: boolean
}

function mirrored(record: RunRecord, entries: readonly KeptEntry[]) {
  return {
    runId: record.run_id,
    openedMs: toMs(record.opened_at),
    heardMs: toMs(record.heard_at),
    abort: record.abort,
    hasReport: record.has_report,
    isClosed: record.is_over,
    entries,
  }
}
