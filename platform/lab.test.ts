import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Cluster } from './cluster/cluster.ts'
import { bringDown, type LabRecord, readRecord, recordPath, writeRecord } from './lab.ts'
import { Steps } from './steps.ts'

const record: LabRecord = {
  access: { kubeconfigPath: '/kubeconfig', context: 'lab' },
  facts: { kind: 'local', storageClassName: 'zonal', nodes: [] },
  images: {},
  observability: { rules: {}, alertmanager: '', dashboards: {} },
  corpus: null,
}
const steps = () =>
  new Steps(
    { stream: { write: () => true }, interactive: false, nowMs: () => 0 },
    new AbortController().signal,
  )
const written = async () => {
  const path = recordPath(await mkdtemp(join(tmpdir(), 'state-')), undefined)
  await writeRecord(path, record)
  return path
}

describe('readRecord()', () => {
  test('reads what was written, and says how to get a lab where there is none', async () => {
    expect(await readRecord(await written())).toEqual(record)
    await expect(readRecord('/nowhere/lab.json')).rejects.toMatchObject({
      code: 'NOT_UP',
      hint: expect.stringContaining('./divergence up'),
    })
  })
})

describe('bringDown()', () => {
  const down = (recordPath: string, work: Cluster['down']) =>
    bringDown({ cluster: { down: work } as Cluster, isShared: false, caches: true, recordPath }, steps())

  test('removes the cluster and then the record of it', async () => {
    const path = await written()
    await down(path, async options => {
      expect(options).toEqual({ caches: true })
      expect(await readRecord(path)).toEqual(record)
    })
    await expect(readFile(path)).rejects.toThrow('ENOENT')
  })

  test('keeps the record of a lab that could not be removed', async () => {
    const path = await written()
    await expect(down(path, () => Promise.reject(new Error('busy')))).rejects.toThrow('busy')
    expect(await readRecord(path)).toEqual(record)
  })
})
