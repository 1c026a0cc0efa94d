import { describe, expect, test } from '@jest/globals'
import type { Database } from '../lab/roles.ts'
import type { LoadRecord } from './samples.ts'
import { countWrites, ledger } from './writes.ts'

const record = (values: Partial<LoadRecord>): LoadRecord => ({
  group: 'experiment',
  route: 'play',
  kind: 'write',
  startMs: 0,
  durationMs: 1,
  status: 201,
  outcome: 'ok',
  errorCode: 0,
  sequence: 0,
  ...values,
})

describe('ledger()', () => {
  test('tells lost from unacknowledged writes', () => {
    const records = [
      record({ sequence: 0 }),
      record({ sequence: 1 }),
      record({ sequence: 2, outcome: 'timeout', status: 0 }),
      record({ sequence: 3, outcome: 'error', status: 503 }),
      record({ sequence: 1, kind: 'read', route: 'song' }),
      record({ sequence: 9, group: 'control' }),
    ]
    // 0 was acknowledged and is there, 1 was acknowledged and is not, 2 is there although nobody was told.
    const found = new Set(['r.experiment.0', 'r.experiment.2'])
    expect(ledger('r', 'experiment', records, found)).toEqual({ acknowledged: 2, lost: 1, unacknowledged: 1 })
  })
})

describe('countWrites()', () => {
  test('asks each group for the keys of this run only', async () => {
    const asked: string[] = []
    const database: Database = {
      async column(group, sql) {
        asked.push(sql)
        return [`run-1.${group}.0`]
      },
    }
    const writes = await countWrites('run-1', [record({}), record({ group: 'control' })], database)
    expect(writes.control).toEqual({ acknowledged: 1, lost: 0, unacknowledged: 0 })
    expect(writes.experiment).toEqual({ acknowledged: 1, lost: 0, unacknowledged: 0 })
    expect(asked.sort().map(sql => /'(.*)'/.exec(sql)?.[1])).toEqual(['run-1.control.', 'run-1.experiment.'])
  })

  test('lets no run id into the query that is none', async () => {
    const database: Database = { column: async () => [] }
    await expect(countWrites("x'; DROP TABLE plays; --", [], database)).rejects.toThrow('not a run id')
  })
})
