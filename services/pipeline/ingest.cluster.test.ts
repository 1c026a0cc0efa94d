import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { execa, type ResultPromise } from 'execa'
import { KubeconfigApiServer } from '../../platform/api-server.ts'
import { labFolders } from '../../platform/cluster/local/folders.ts'
import { type LabRecord, readRecord, recordPath, writeRecord } from '../../platform/lab.ts'
import { labStatus } from '../../platform/lab-status.ts'
import { OBJECT_STORE_SECRET } from '../../platform/manifests/object-store-access.ts'
import { FORWARDED_PORTS, GROUPS, type Group } from '../../platform/topology.ts'
import { md5, midiFile } from './midi-file.ts'

/*
 * On the running local lab (`./divergence up`): files of a folder and of an S3 store, through the command, Spark and
 * Postgres to the edge. What is loaded is taken out again, so that both groups are what they were.
 */

jest.setTimeout(120_000)

const ROOT = join(import.meta.dirname, '../..')
const EDGES: Readonly<Record<Group, number>> = {
  control: FORWARDED_PORTS.controlGateway,
  experiment: FORWARDED_PORTS.experimentGateway,
}
/** In the names of all files, so that what this run loaded can be told from everything else. */
const MARK = `ingest-test-${randomUUID().slice(0, 8)}`
/** Nobody's bytes: each run loads songs that were never loaded before. */
const PROGRAMS = [[0], [0, 33, 48], [0, 33, 48, 73], [24, 40]]

const statePath = recordPath(labFolders().state, undefined)
let before: LabRecord
let api: KubeconfigApiServer
let songsBefore: readonly string[]
let folder: string

beforeAll(async () => {
  before = await readRecord(statePath)
  api = new KubeconfigApiServer(before.access)
  songsBefore = await inBoth('SELECT count(*) FROM songs')
  folder = await mkdtemp(join(tmpdir(), 'ingest-'))
})

afterAll(async () => {
  await writeRecord(statePath, before)
  await inBoth(FORGET)
  for (const job of await api.list('Job', { labels: { service: 'ingest' } })) {
    if (job.metadata.name.startsWith('ingest-ingest-test')) {
      await api.remove({ kind: 'Job', name: job.metadata.name, namespace: job.metadata.namespace })
    }
  }
  await rm(folder, { recursive: true })
  expect(await inBoth('SELECT count(*) FROM songs')).toEqual(songsBefore)
})

/** Everything that a batch of this run wrote. */
const FORGET = `
  BEGIN;
  CREATE TEMPORARY TABLE gone ON COMMIT DROP AS SELECT hash, instrument_set FROM songs WHERE name LIKE '${MARK}%';
  UPDATE instruments SET song_count = song_count - counted.songs FROM (
    SELECT instrument, count(*) AS songs FROM song_instruments WHERE song IN (SELECT hash FROM gone) GROUP BY instrument
  ) counted WHERE code = counted.instrument;
  DELETE FROM songs WHERE hash IN (SELECT hash FROM gone);
  DELETE FROM instrument_sets WHERE id IN (SELECT instrument_set FROM gone)
    AND NOT EXISTS (SELECT FROM songs WHERE songs.instrument_set = instrument_sets.id);
  DELETE FROM damaged_files WHERE path LIKE '%${MARK}%';
  DELETE FROM ingest_batches WHERE input LIKE '%ingest-test-%';
  COMMIT;`

describe('divergence ingest', () => {
  test('loads a folder into both groups, and says which file is damaged and why', async () => {
    const place = join(folder, 'ingest-test-mine')
    const songs = await writeSongs(place)

    const told = await divergence(['ingest', place, '--json'])

    expect(told.corpus.name).toMatch(/^ingest-test-mine-[0-9a-f]{8}$/)
    await expectLoaded(songs)
  })

  test('loads a folder of an S3 store with keys that stay in the cluster only meanwhile', async () => {
    const place = join(folder, 'store')
    const songs = await writeSongs(place)
    const bucket = MARK
    const store = await startStore(place, bucket)
    try {
      const { endpoint, id, secret } = store.told
      const keys = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }

      const told = await divergence(
        ['ingest', `s3a://${bucket}/midi`, '--s3-endpoint', endpoint, '--json'],
        keys,
      )

      expect(told.corpus).toMatchObject({ uri: `s3a://${bucket}/midi`, store: { credentials: 'caller' } })
      await expectLoaded(songs)
      const rendered = await execa('./divergence', ['render'], { cwd: ROOT })
      expect(rendered.stdout).toContain(`s3a://${bucket}/midi`)
      expect(rendered.stdout).not.toContain(id)
      expect(rendered.stdout).not.toContain(secret)
      for (const namespace of GROUPS) {
        expect(await api.read({ kind: 'Secret', name: OBJECT_STORE_SECRET, namespace })).toBeUndefined()
      }
    } finally {
      await store.stop()
    }
  })
})

type Song = { readonly hash: string; readonly programs: readonly number[] }

/** Four songs, two of them in a subfolder, and a damaged file. */
async function writeSongs(place: string): Promise<readonly Song[]> {
  await mkdir(join(place, 'more songs'), { recursive: true })
  await writeFile(join(place, `${MARK}-damaged.mid`), 'MThd')
  const text = randomUUID()
  return Promise.all(
    PROGRAMS.map(async (programs, index) => {
      const content = midiFile(text, programs)
      const name = `${MARK}-${index}-${text}.mid`
      await writeFile(join(place, index % 2 === 0 ? '.' : 'more songs', name), content)
      return { hash: md5(content), programs }
    }),
  )
}

async function expectLoaded(songs: readonly Song[]): Promise<void> {
  for (const group of GROUPS) {
    for (const { hash, programs } of songs) {
      const answer = await fetch(`http://127.0.0.1:${EDGES[group]}/songs/${hash}`)
      const song = (await answer.json()) as { instruments?: { code: number }[] }
      expect({ group, codes: song.instruments?.map(({ code }) => code) }).toEqual({ group, codes: programs })
    }
  }
  const reasons = await inBoth(
    `SELECT reason FROM damaged_files WHERE path LIKE '%${MARK}-damaged.mid' LIMIT 1`,
  )
  expect(reasons).toEqual(GROUPS.map(() => 'has 4 bytes, a header alone needs 14'))
  const states = await inBoth(
    'SELECT state, files_ok, files_damaged, songs_added FROM ingest_batches ORDER BY started_at DESC LIMIT 1',
  )
  expect(states).toEqual(GROUPS.map(() => 'succeeded|4|1|4'))
}

async function divergence(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { stdout, stderr } = await execa('./divergence', args, { cwd: ROOT, env: environment })
  for (const secret of Object.values(environment)) expect(stdout + stderr).not.toContain(secret)
  return JSON.parse(stdout) as { corpus: { name: string } }
}

/** Runs SQL as the superuser on both primaries; what they print, in the order of the groups. */
async function inBoth(sql: string): Promise<readonly string[]> {
  const { groups } = await labStatus(api)
  return Promise.all(
    GROUPS.map(async group => {
      const psql = ['psql', '--host=/run/patroni', '--username=postgres', '--dbname=divergence']
      const flags = [
        '--set=ON_ERROR_STOP=1',
        '--no-psqlrc',
        '--quiet',
        '--tuples-only',
        '--no-align',
        '--file=-',
      ]
      const kubectl = ['kubectl', 'exec', '-i', '-n', group, groups[group].primary ?? 'none', '--']
      const docker = ['exec', '-i', 'divergence-control-plane', ...kubectl, ...psql, ...flags]
      const { stdout } = await execa('docker', docker, { input: sql })
      return stdout.trim()
    }),
  )
}

type Store = { readonly endpoint: string; readonly id: string; readonly secret: string }

/** A store that speaks S3 beside the cluster's nodes; it ends with this process, whatever happens. */
async function startStore(
  place: string,
  bucket: string,
): Promise<{ told: Store; stop: () => Promise<unknown> }> {
  const { stdout: environment } = await execa(join(import.meta.dirname, 'environment.sh'))
  const image = before.images.ingest?.split('/').at(-1)
  const packages = `${environment}/lib/python3.11/site-packages`
  const server = execa('docker', [
    ...['run', '--rm', '--interactive', '--network=divergence', '--label=divergence=lab', '--read-only'],
    ...['--tmpfs=/tmp', '--user=10001:10001', '--cap-drop=ALL', '--env=PYTHONPATH=/packages'],
    ...[`--volume=${packages}:/packages:ro`, `--volume=${place}:/songs:ro`],
    `--volume=${join(import.meta.dirname, 'object_store.py')}:/object_store.py:ro`,
    ...['--entrypoint=python3', `divergence/${image}`, '/object_store.py', '/songs', bucket, 'midi'],
  ])
  const stop = async () => {
    server.stdin?.end()
    return server
  }
  return { told: JSON.parse(await firstLine(server)) as Store, stop }
}

async function firstLine(process: ResultPromise): Promise<string> {
  const told = process.stdout
    ? once(process.stdout, 'data')
    : Promise.reject(new Error('Cannot read the store'))
  // Its end comes first only when it failed, and then says why.
  const [line] = await Promise.race([
    told,
    process.then(({ stderr }) => Promise.reject(new Error(String(stderr)))),
  ])
  return String(line)
}
