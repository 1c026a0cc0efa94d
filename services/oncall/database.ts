import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { MachineryError } from '../../platform/errors.ts'

/** Connections at once; each request needs one for a few milliseconds. */
const CONNECTIONS = 8
const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 10_000

/** `pg_advisory_lock` of whoever changes the schema; a number of our own. */
const MIGRATION_LOCK = 807_001

const MIGRATIONS = fileURLToPath(new URL('./migrations/', import.meta.url))

export type DatabaseAddress = {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly user: string
}

/** What runs SQL: the pool, or one connection inside a transaction. */
export type Sql = Pick<pg.ClientBase, 'query'>

/**
 * @param onIdleError told when a connection that nobody uses breaks; without it the process would die of that
 */
export function openPool(
  { host, port, name, user }: DatabaseAddress,
  password: string,
  onIdleError: (error: Error) => void,
): pg.Pool {
  const pool = new pg.Pool({
    host,
    port,
    database: name,
    user,
    password,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // A server that vanished says nothing: the statement's own limit is kept by the server.
    query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
    keepAlive: true,
    application_name: 'oncall',
    // To compile the questions of a report takes longer than to answer them.
    options: '-c jit=off',
  })
  pool.on('error', onIdleError)
  return pool
}

/** Runs `work` in one transaction: all of it is kept, or nothing. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    // A connection that cannot even roll back is thrown away.
    await client.query('ROLLBACK').catch(cause => {
      broken = cause
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/**
 * Applies the migrations that are missing, in the order of their names, each in a transaction. Several at once wait for
 * each other.
 *
 * @returns names of those that were applied
 * @throws MachineryError when one that was applied has been changed since, or is gone
 */
export async function migrate(pool: pg.Pool, folder = MIGRATIONS): Promise<readonly string[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    files.map(async name => {
      const text = await readFile(join(folder, name), 'utf8')
      return { name, text, hash: createHash('sha256').update(text).digest('hex') }
    }),
  )
  return await inTransaction(pool, async sql => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    await sql.query(
      'CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    )
    const { rows } = await sql.query<{ name: string; hash: string }>('SELECT name, hash FROM migrations')
    for (const { name, hash } of rows) {
      const current = migrations.find(migration => migration.name === name)
      if (current?.hash === hash) continue
      throw new MachineryError(
        `Cannot bring the database up to date: migration ${name} was applied and is ${current ? 'not the same any more' : 'gone'}`,
        'Put the file back as it was and write a new one for the change.',
      )
    }
    const missing = migrations.filter(({ name }) => !rows.some(row => row.name === name))
    for (const { name, text, hash } of missing) {
      await sql.query(text)
      await sql.query('INSERT INTO migrations (name, hash) VALUES ($1, $2)', [name, hash])
    }
    return missing.map(({ name }) => name)
  })
}

/**
 * JSON that Postgres takes: it can store neither U+0000 nor half of a surrogate pair, and both may come from outside.
 */
export function storableJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replaceAll(/\\(u[0-9a-f]{4}|.)/g, (sequence, body: string) =>
    body === 'u0000' || /^ud[89a-f]/.test(body) ? '\\ufffd' : sequence,
  )
}

/** Text that Postgres takes. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

export const toDate = (ms: number): Date => new Date(ms)
export const toMs = (date: Date): number => date.getTime()
export const toMsOrNull = (date: Date | null): number | null => date?.getTime() ?? null
