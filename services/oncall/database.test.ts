import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { inTransaction, migrate, storableJson, storableText } from './database.ts'
import { packagesIn, startTestServer, type TestServer } from './database-fixture.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

describe('migrate()', () => {
  test('applies every migration once, also when several begin together', async () => {
    const pool = await server.emptyDatabase()

    const applied = await Promise.all([migrate(pool), migrate(pool), migrate(pool)])

    expect(applied.filter(names => names.length > 0)).toEqual([['0001-facts.sql', '0002-weekly.sql']])
    expect(await migrate(pool)).toEqual([])
  })

  test('refuses a migration that was changed after it was applied', async () => {
    const pool = await server.emptyDatabase()
    const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
    try {
      await writeFile(join(folder, '0001-a.sql'), 'CREATE TABLE a (x integer)')
      await migrate(pool, folder)
      await writeFile(join(folder, '0001-a.sql'), 'CREATE TABLE a (x bigint)')
      await expect(migrate(pool, folder)).rejects.toThrow(
        '0001-a.sql was applied and is not the same any more',
      )
      await rm(join(folder, '0001-a.sql'))
      await expect(migrate(pool, folder)).rejects.toThrow('0001-a.sql was applied and is gone')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('keeps nothing of a migration that fails in the middle', async () => {
    const pool = await server.emptyDatabase()
    const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
    try {
      await writeFile(join(folder, '0001-a.sql'), 'CREATE TABLE a (x integer); SELECT 1 / 0')
      await expect(migrate(pool, folder)).rejects.toThrow('division by zero')
      const { rows } = await pool.query("SELECT to_regclass('a') AS found")
      expect(rows).toEqual([{ found: null }])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('inTransaction()', () => {
  test('keeps what was committed when the server loses its power right after', async () => {
    const pool = await server.emptyDatabase()
    await pool.query('CREATE TABLE kept (x integer)')
    await inTransaction(pool, sql => sql.query('INSERT INTO kept VALUES (1)'))

    await server.crash()

    const { rows } = await pool.query('SELECT x FROM kept')
    expect(rows).toEqual([{ x: 1 }])
  })

  test('keeps nothing of what failed, and leaves the connection usable', async () => {
    const pool = await server.emptyDatabase()
    await pool.query('CREATE TABLE kept (x integer)')
    const failing = inTransaction(pool, async sql => {
      await sql.query('INSERT INTO kept VALUES (1)')
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM kept')
    expect(rows).toEqual([{ n: 0 }])
  })
})

describe('storableJson()', () => {
  test('gives what Postgres takes, whatever text came in', async () => {
    const pool = await server.emptyDatabase()
    const hostile = {
      zero: 'a\0b',
      'key\0': 1,
      half: 'a\ud83d',
      whole: '\u{1f600}',
      escaped: '\\u0000 \\\\ud800 "\n',
    }

    const { rows } = await pool.query('SELECT $1::jsonb AS value', [storableJson(hostile)])

    expect(rows[0].value).toEqual({
      zero: 'a\ufffdb',
      'key\ufffd': 1,
      half: 'a\ufffd',
      whole: '\u{1f600}',
      escaped: '\\u0000 \\\\ud800 "\n',
    })
  })
})

describe('storableText()', () => {
  test('replaces what Postgres refuses', () => {
    expect(storableText('a\0b\ud83d')).toBe('a\ufffdb\ufffd')
  })
})

describe('packagesIn()', () => {
  test('names what apt would install, and nothing else', () => {
    const told = [
      'Reading package lists...',
      'Inst libpq5 [15.1] (15.2 Debian:12 [amd64])',
      'Inst postgresql-15 (15.2 Debian:12 [amd64])',
      'Conf postgresql-15 (15.2 Debian:12 [amd64])',
    ]
    expect(packagesIn(told.join('\n'))).toEqual(['libpq5', 'postgresql-15'])
  })
})
