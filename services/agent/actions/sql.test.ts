import { describe, expect, test } from '@jest/globals'
import { CONTAINER, recordedProbe, subjectOf } from './container-fixture.ts'
import { type SqlSpec, sql } from './sql.ts'

const LOCK: SqlSpec = { action: 'sql', mode: 'lock', table: 'songs', sessions: 1 }
const CONNECTIONS: SqlSpec = { action: 'sql', mode: 'connections', sessions: 50 }
const SLOW: SqlSpec = { action: 'sql', mode: 'slow-queries', sessions: 3 }

describe('sql', () => {
  test('starts the sessions as the user of the server, at its socket', () => {
    expect(sql.begin(subjectOf(LOCK))).toEqual([
      {
        do: 'start',
        program: 'sql-sessions',
        args: ['lock', '/volumes/run', '10001', '10001', 'divergence', 'divergence-f1', '30', '1', 'songs'],
        readyText: 'in the way',
      },
    ])
    expect(sql.end(subjectOf(LOCK))).toEqual([{ do: 'stop' }])
  })

  test('refuses a container that is no database', () => {
    expect(() => sql.begin(subjectOf(LOCK, { ...CONTAINER, volumes: {} }))).toThrow('it is no database')
  })

  test.each([
    { ...LOCK, table: undefined },
    { ...LOCK, table: 'songs; DROP TABLE songs' },
    { ...LOCK, table: 'a.b.c' },
    { ...LOCK, sessions: 2 },
    { ...SLOW, table: 'songs' },
    { ...SLOW, sessions: 0 },
  ])('refuses %j', spec => {
    expect(sql.schema.safeParse(spec).success).toBe(false)
  })

  test('reads what Postgres counts', async () => {
    const reading = await sql.read(subjectOf(SLOW), recordedProbe({ output: '{"sessions":3}\n' }))
    expect(reading).toEqual({ sessions: 3 })
  })

  const before = { sessions: 0, runningQueries: 0, grantedLocks: 0, waitingSessions: 0, freeSlots: 100 }
  test.each([
    { title: 'the lock is held', spec: LOCK, now: { ...before, sessions: 1, grantedLocks: 1 }, proven: true },
    { title: 'the lock is waited for', spec: LOCK, now: { ...before, sessions: 1 }, proven: false },
    {
      title: 'all are at work',
      spec: SLOW,
      now: { ...before, sessions: 3, runningQueries: 3 },
      proven: true,
    },
    {
      title: 'some could not begin',
      spec: SLOW,
      now: { ...before, sessions: 2, runningQueries: 2 },
      proven: false,
    },
    {
      title: 'as many as asked for',
      spec: CONNECTIONS,
      now: { ...before, sessions: 51, freeSlots: 49 },
      proven: true,
    },
    {
      title: 'no slot is left',
      spec: CONNECTIONS,
      now: { ...before, sessions: 40, freeSlots: 0 },
      proven: true,
    },
    {
      title: 'slots are left',
      spec: CONNECTIONS,
      now: { ...before, sessions: 40, freeSlots: 5 },
      proven: false,
    },
    {
      title: 'others took all',
      spec: CONNECTIONS,
      now: { ...before, sessions: 1, freeSlots: 0 },
      proven: false,
    },
  ])('finds $spec.mode, $title: $proven', ({ spec, now, proven }) => {
    expect(sql.finding(spec, before, now).proven).toBe(proven)
  })
})
