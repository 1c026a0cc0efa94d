import { mkdtemp, readFile, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import type { Cluster } from './cluster/cluster.ts'
import {
  baselinePath,
  bringDown,
  changeLab,
  type LabRecord,
  readRecord,
  recordPath,
  renderInput,
  unbuiltLab,
  writeRecord,
} from './lab.ts'
import { renderAll } from './manifests/manifests.ts'
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

  test('says of a damaged one that it is damaged, and where it is', async () => {
    const path = await written()
    await truncate(path, 20)
    await expect(readRecord(path)).rejects.toMatchObject({
      code: 'RECORD_UNREADABLE',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('./divergence up'),
    })
  })
})

describe('recordPath(), baselinePath()', () => {
  test('are files of one lab alone, whatever characters its context has', () => {
    const paths = [recordPath, baselinePath].flatMap(pathOf =>
      [undefined, 'divergence', 'arn:cloud/kube'].map(context => pathOf('/state', context)),
    )
    expect(new Set(paths).size).toBe(6)
    expect(paths.map(path => path.split('/').length)).toEqual([3, 3, 3, 3, 3, 3])
  })
})

describe('unbuiltLab()', () => {
  test.each([
    { kind: 'local', jobs: true },
    { kind: 'context', jobs: false },
  ] as const)('has all objects of a $kind lab, with images that say what they are', ({ kind, jobs }) => {
    const facts = { kind, storageClassName: 'zonal', nodes: [] }
    const objects = renderAll(renderInput(unbuiltLab(facts, record.observability)))
    const text = JSON.stringify(objects)
    const images = [...text.matchAll(/"image":"([^"]+)"/g)].map(([, image = '']) => image)

    expect(images.length).toBeGreaterThan(10)
    expect(images.filter(image => !/^[a-z]+:unbuilt$/.test(image))).toEqual([])
    expect(text.includes('"ingest-unbuilt')).toBe(jobs)
  })
})

describe('changeLab()', () => {
  test('lets one at a time change a lab, and leaves other labs alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'state-'))
    const events: string[] = []
    const { signal } = new AbortController()
    const change = (context: string | undefined, work: () => Promise<void>) =>
      changeLab(
        recordPath(folder, context),
        () => undefined,
        signal,
        () => work().then(() => void events.push(context ?? 'local')),
      )
    const begun = Promise.withResolvers<void>()
    const other = Promise.withResolvers<void>()
    const first = change(undefined, async () => {
      begun.resolve()
      await other.promise
      await sleep(500)
      events.push('still the first')
    })
    await begun.promise
    const second = change(undefined, async () => void events.push('the second'))
    await change('staging', async () => undefined)
    other.resolve()
    await Promise.all([first, second])

    expect(events).toEqual(['staging', 'still the first', 'local', 'the second', 'local'])
  })
})

describe('bringDown()', () => {
  const down = (path: string, work: Cluster['down']) =>
    bringDown({ cluster: { down: work } as Cluster, isShared: false, caches: true, files: [path] }, steps())

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
