import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, jest, test } from '@jest/globals'
import { execa } from 'execa'
import { KubeconfigApiServer } from '../../platform/api-server.ts'
import { labFolders } from '../../platform/cluster/local/folders.ts'
import { readRecord, recordPath } from '../../platform/lab.ts'
import { labStatus } from '../../platform/lab-status.ts'
import { FORWARDED_PORTS } from '../../platform/topology.ts'

jest.setTimeout(180_000)

const EDGE = `http://127.0.0.1:${FORWARDED_PORTS.experimentGateway}`
const WRITES_PER_SECOND = 10
const BEFORE_MS = 2000
const AFTER_MS = 12_000
const ROOT = join(import.meta.dirname, '../..')
/** A member that waited for its old time to come again would be found out by half of it. */
const SKEW_MS = 120_000

type Write = { readonly key: string; readonly status: number; readonly id: number | undefined }

/** A listening event; sent twice with the same key it is one event, and both answers tell the same id. */
async function play(song: string, key: string): Promise<Write> {
  try {
    const answer = await fetch(`${EDGE}/plays`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ song }),
    })
    const { id } = (await answer.json()) as { id?: number }
    return { key, status: answer.status, id }
  } catch {
    return { key, status: 0, id: undefined }
  }
}

describe('the database', () => {
  test('keeps every acknowledged write, and refuses none, when its primary is killed', async () => {
    const { access } = await readRecord(recordPath(labFolders().state, undefined))
    const api = new KubeconfigApiServer(access)
    const primaryOf = async () => (await labStatus(api)).groups.experiment.primary
    const { songs } = (await (await fetch(`${EDGE}/songs?limit=1`)).json()) as { songs: { hash: string }[] }
    const song = songs[0]?.hash as string
    const before = (await primaryOf()) as string

    const writes: Promise<Write>[] = []
    const timer = setInterval(() => writes.push(play(song, randomUUID())), 1000 / WRITES_PER_SECOND)
    await sleep(BEFORE_MS)
    await api.remove({ kind: 'Pod', name: before, namespace: 'experiment' }, { graceSeconds: 0 })
    await sleep(AFTER_MS)
    clearInterval(timer)
    const answered = await Promise.all(writes)

    const refused = answered.filter(write => write.status !== 201 && write.status !== 200)
    const repeated = await Promise.all(answered.map(write => play(song, write.key)))
    const lost = answered.filter((write, index) => write.id !== undefined && repeated[index]?.id !== write.id)
    expect(answered.length).toBeGreaterThan(100)
    expect(refused).toEqual([])
    expect(lost).toEqual([])
    expect(await primaryOf()).not.toBe(before)
  })

  test('has a primary that writes again soon after the clock of the old one was set back', async () => {
    const { songs } = (await (await fetch(`${EDGE}/songs?limit=1`)).json()) as { songs: { hash: string }[] }
    const song = songs[0]?.hash as string
    const skew = ['select.services=[database]', 'select.role=primary', `skewMs=${SKEW_MS}`]
    const parameters = skew.flatMap(each => ['--set', each])

    // For five seconds two minutes ahead of everybody else, and then back.
    await execa('./divergence', ['inject', 'clock-skew', ...parameters, '--duration', '5s'], { cwd: ROOT })
    const endedMs = performance.now()
    let write: Write
    do {
      write = await play(song, randomUUID())
    } while (write.status !== 201 && performance.now() - endedMs < SKEW_MS / 2)

    expect(write.status).toBe(201)
  })
})
