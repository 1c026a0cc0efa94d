import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { migrate, openPool } from './database.ts'

/*
 * A real PostgreSQL 15 for tests, on a port of its own and with a folder of its own. A machine that has none installed
 * gets its packages unpacked into the cache, without installing anything.
 */

const run = promisify(execFile)

const VERSION = '15'
const START_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 50

/** PostgreSQL refuses to run as root; this user is on every Linux and owns nothing. */
const NOBODY = 65_534

type Programs = { readonly folder: string; readonly env: Readonly<Record<string, string>> }

/** A server that tests make databases in. */
export type TestServer = {
  /** A new, migrated database, with its pool; `stop` closes it. */
  readonly database: () => Promise<pg.Pool>
  /** An empty one. */
  readonly emptyDatabase: () => Promise<pg.Pool>
  /** Ends the server at once, as a power cut does, and starts it again on the same data. */
  readonly crash: () => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startTestServer(): Promise<TestServer> {
  const programs = await findPrograms()
  const folder = await mkdtemp(join(tmpdir(), 'oncall-postgres-'))
  const isRoot = process.getuid?.() === 0
  const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  if (isRoot) await chown(folder, NOBODY, NOBODY)
  const options = { ...as, cwd: folder, env: { ...process.env, ...programs.env } }
  const data = join(folder, 'data')
  const initialise = ['--pgdata', data, '--auth=trust', '--username=oncall', '--no-sync', '--encoding=UTF8']
  await run(join(programs.folder, 'initdb'), initialise, options)
  const port = await freePort()
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'max_connections=100',
    'shared_buffers=16MB',
    'synchronous_commit=on',
  ]
  const address = (name: string) => ({ host: '127.0.0.1', port, name, user: 'oncall' })
  const pools: pg.Pool[] = []
  const open = (name: string) => {
    const pool = openPool(address(name), 'not asked for', () => undefined)
    pools.push(pool)
    return pool
  }
  const start = async (): Promise<ChildProcess> => {
    const flags = settings.flatMap(setting => ['-c', setting])
    const server = spawn(join(programs.folder, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
      ...options,
      stdio: 'ignore',
    })
    await untilItAnswers(address('postgres'), server)
    return server
  }
  const end = async (server: ChildProcess, signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
  }
  let server = await start()
  const admin = open('postgres')
  await admin.query('CREATE DATABASE migrated')
  const template = openPool(address('migrated'), 'not asked for', () => undefined)
  await migrate(template)
  await template.end()

  let made = 0
  const make = async (from: string) => {
    const name = `test_${made++}`
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${from}`)
    return open(name)
  }
  return {
    database: () => make('migrated'),
    emptyDatabase: () => make('template1'),
    crash: async () => {
      await end(server, 'SIGQUIT')
      server = await start()
    },
    stop: async () => {
      await Promise.all(pools.map(pool => pool.end()))
      await end(server, 'SIGINT')
      await rm(folder, { recursive: true })
    },
  }
}

async function untilItAnswers(
  { host, port, name, user }: { host: string; port: number; name: string; user: string },
  server: ChildProcess,
): Promise<void> {
  const untilMs = performance.now() + START_WITHIN_MS
  for (;;) {
    const client = new pg.Client({ host, port, database: name, user })
    try {
      await client.connect()
      await client.end()
      return
    } catch (cause) {
      const hasEnded = server.exitCode !== null || server.signalCode !== null
      if (hasEnded || performance.now() > untilMs)
        throw new Error(`Cannot start PostgreSQL on port ${port}`, { cause })
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port')
  return address.port
}

async function findPrograms(): Promise<Programs> {
  const installed = [`/usr/lib/postgresql/${VERSION}/bin`, `/usr/pgsql-${VERSION}/bin`]
  for (const folder of installed) if (await isThere(join(folder, 'initdb'))) return { folder, env: {} }
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return await fetchedPrograms(join(cache, 'divergence', `postgresql-${VERSION}`))
}

/**
 * The programs from Debian's packages, unpacked into `folder`, with the libraries that the machine lacks.
 *
 * @throws Error when the machine has no apt-get and no PostgreSQL
 */
async function fetchedPrograms(folder: string): Promise<Programs> {
  if (!(await isThere(folder))) {
    await mkdir(join(folder, '..'), { recursive: true })
    const work = await mkdtemp(`${folder}-`)
    try {
      await unpackPackages(work)
      // Complete or not there: who comes second finds the same.
      await rename(work, folder).catch(async error => {
        if (!(await isThere(folder))) throw error
      })
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  const libraries = (await readdir(join(folder, 'usr/lib'))).filter(name => name.includes('-linux-gnu'))
  return {
    folder: join(folder, `usr/lib/postgresql/${VERSION}/bin`),
    env: { LD_LIBRARY_PATH: libraries.map(name => join(folder, 'usr/lib', name)).join(':') },
  }
}

async function unpackPackages(folder: string): Promise<void> {
  const packages = join(folder, 'packages')
  await mkdir(packages)
  // It tells what is missing for an installation, and installs nothing.
  const ask = ['install', '--simulate', '--no-install-recommends', '--reinstall', `postgresql-${VERSION}`]
  const fetch = async () => {
    const { stdout } = await run('apt-get', ask)
    // apt's own user may not write here; it says so and goes on as root.
    await run('apt-get', ['download', ...packagesIn(stdout)], { cwd: packages })
  }
  // A machine that has installed nothing yet has no lists of packages, and old lists name what is gone.
  await fetch().catch(async cause => {
    await run('apt-get', ['-qq', 'update']).catch(failure => {
      const words = failure instanceof Error ? failure.message : String(failure)
      // Why nothing could be fetched says the first failure; this one only says why there was no second try.
      throw new Error(`Cannot fetch PostgreSQL ${VERSION}, nor new lists of packages: ${words}`, { cause })
    })
    await fetch()
  })
  for (const name of await readdir(packages)) await run('dpkg-deb', ['-x', join(packages, name), folder])
  await rm(packages, { recursive: true })
}

/** Names of the packages in what `apt-get install --simulate` tells. */
export function packagesIn(told: string): readonly string[] {
  return [...told.matchAll(/^Inst (\S+)/gm)].map(match => match[1] ?? '')
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
