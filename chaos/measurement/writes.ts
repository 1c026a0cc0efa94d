import { idempotencyKey } from '../../load/plan.ts'
import { GROUPS, type Group } from '../../platform/topology.ts'
import type { WriteLedger } from '../journal-entry.ts'
import type { Database } from '../lab/roles.ts'
import type { LoadRecord } from './samples.ts'

/** The recommender keeps the key of each play; see services/pipeline. */
const PLAYS = { table: 'plays', key: 'idempotency_key' } as const

/**
 * Holds every write that was acknowledged against what the databases have.
 *
 * @param runId part of every key; letters, digits, `-` and `.` only
 */
export async function countWrites(
  runId: string,
  records: readonly LoadRecord[],
  database: Database,
): Promise<Record<Group, WriteLedger>> {
  const ledgers = await Promise.all(
    GROUPS.map(
      async group => [group, ledger(runId, group, records, await keysOf(runId, group, database))] as const,
    ),
  )
  return Object.fromEntries(ledgers) as Record<Group, WriteLedger>
}

/** Compares the acknowledged keys of one group with the keys found. Pure. */
export function ledger(
  runId: string,
  group: Group,
  records: readonly LoadRecord[],
  found: ReadonlySet<string>,
): WriteLedger {
  const acknowledged = new Set(
    records
      .filter(record => record.group === group && record.kind === 'write' && record.outcome === 'ok')
      .map(record => idempotencyKey(runId, group, record.sequence)),
  )
  return {
    acknowledged: acknowledged.size,
    lost: [...acknowledged].filter(key => !found.has(key)).length,
    unacknowledged: [...found].filter(key => !acknowledged.has(key)).length,
  }
}

async function keysOf(runId: string, group: Group, database: Database): Promise<Set<string>> {
  if (!/^[\w.-]+$/.test(runId))
    throw new RangeError(`Cannot look for the plays of run '${runId}': not a run id`)
  const prefix = `${runId}.${group}.`
  return new Set(
    await database.column(
      group,
      `SELECT ${PLAYS.key} FROM ${PLAYS.table} WHERE starts_with(${PLAYS.key}, '${prefix}')`,
    ),
  )
}
