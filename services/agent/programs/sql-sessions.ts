import { argv, chdir, exit } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession, quoted, quotedName, type Session } from './postgres-session.ts'

/*
 * Program: sessions of the database's superuser that are in the way, until it is killed.
 *   node sql-sessions.ts TASK FOLDER USER_ID GROUP_ID DATABASE NAME SECONDS SESSIONS [TABLE]
 * TASK: lock, slow-queries, connections; or `count`, which prints as JSON what the sessions called NAME do, and ends.
 * FOLDER is where the server has its socket. The server believes a process on its socket to be the user that it is, so the
 * program becomes the server's user (USER_ID, GROUP_ID) once it stands in that folder, which this user may not reach.
 */

const SOCKET = './.s.PGSQL.5432'
const SUPERUSER = 'postgres'
/** A server at its limit gets a slot free when a client goes; it is taken then. */
const RETRY_MS = 250
/** A session in the middle of a query looks so often whether its client still lives. */
const CLIENT_CHECK_MS = 1000
/** Sorts and hashes some hundred thousand texts, about a second of one core and 20 MB of temporary files. */
const HEAVY_QUERY =
  'SELECT count(DISTINCT h) FROM (SELECT md5(i::text) AS h FROM generate_series(1, 300000) AS i ORDER BY 1) AS t'
const HEAVY_QUERY_LIMIT_MS = 10_000

/** Counted by Postgres where it counts against `max_connections`. */
const FREE_SLOTS = `SELECT current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'`

const [task, folder = '', userId, groupId, database = '', name = '', seconds, sessions, table] = argv.slice(2)
chdir(folder)
process.setgroups?.([])
process.setgid?.(Number(groupId))
process.setuid?.(Number(userId))

try {
  if (task === 'count') console.log(JSON.stringify(await count()))
  else await hold()
  exit(0)
} catch (error) {
  console.error((error as Error).message)
  exit(1)
}

async function hold(): Promise<void> {
  setTimeout(() => exit(0), Number(seconds) * 1000)
  if (task === 'connections') return holdConnections()
  const held = await Promise.all(Array.from({ length: Number(sessions) }, () => open()))
  if (task === 'lock') {
    await Promise.all(held.map(session => session.ask(lockStatement())))
    console.log('in the way')
    await Promise.all(held.map(session => session.ended))
    throw new Error('Postgres ended the sessions')
  }
  console.log('in the way')
  await Promise.all(held.map(repeat))
}

/** Nothing holds a lock longer than its session: an open transaction ends with its client, at once. */
function lockStatement(): string {
  const parts = (table ?? '').split('.').map(quotedName).join('.')
  return `BEGIN; LOCK TABLE ${parts} IN ACCESS EXCLUSIVE MODE`
}

async function repeat(session: Session): Promise<void> {
  for (;;) {
    await session.ask(HEAVY_QUERY).catch(error => {
      if (!/statement timeout/.test(error.message)) throw error
    })
  }
}

/** Takes what is free, but for what the server keeps for its superuser, and again whenever something gets free. */
async function holdConnections(): Promise<void> {
  const watch = await open()
  let held = 0
  let saidSo = false
  for (;;) {
    const [free = '0'] = await watch.ask(FREE_SLOTS)
    const more = Math.min(Number(free), Number(sessions) - held)
    const opened = await Promise.all(
      Array.from({ length: Math.max(0, more) }, () => open().catch(() => null)),
    )
    for (const session of opened) {
      if (session === null) continue
      held++
      session.ended.then(() => held--)
    }
    if (!saidSo) console.log('in the way')
    saidSo = true
    await sleep(RETRY_MS)
  }
}

function open(): Promise<Session> {
  return openSession({
    socketPath: SOCKET,
    user: SUPERUSER,
    database,
    settings: {
      application_name: name,
      client_connection_check_interval: String(CLIENT_CHECK_MS),
      statement_timeout: String(task === 'slow-queries' ? HEAVY_QUERY_LIMIT_MS : Number(seconds) * 1000),
      idle_in_transaction_session_timeout: String(Number(seconds) * 1000),
    },
  })
}

async function count(): Promise<Record<string, number>> {
  const session = await open()
  const ours = `application_name = ${quoted(name)} AND pid <> pg_backend_pid()`
  const number = async (sql: string) => Number((await session.ask(sql))[0])
  return {
    sessions: await number(`SELECT count(*) FROM pg_stat_activity WHERE ${ours}`),
    runningQueries: await number(`SELECT count(*) FROM pg_stat_activity WHERE ${ours} AND state = 'active'`),
    grantedLocks: await number(
      `SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE ${ours} AND mode = 'AccessExclusiveLock' AND locktype = 'relation' AND granted`,
    ),
    waitingSessions: await number(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`),
    freeSlots: await number(FREE_SLOTS),
  }
}
