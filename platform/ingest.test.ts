import { describe, expect, test } from '@jest/globals'
import { ingestFolder, ingestImage, ingestStore } from './ingest.ts'
import type { LabRecord } from './lab.ts'
import type { Corpus } from './manifests/input.ts'
import type { KubernetesObject } from './manifests/object.ts'
import { Steps } from './steps.ts'

const record: LabRecord = {
  access: { kubeconfigPath: '/kubeconfig', context: 'staging' },
  facts: { kind: 'local', storageClassName: 'zonal', nodes: [] },
  images: {},
  observability: { rules: {}, alertmanager: '', dashboards: {} },
  corpus: null,
}
const songs: Corpus = { name: 'songs', contentHash: '0f', uri: 's3a://bucket/songs' }
const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
const built = { local: { ingest: 'ingest:1' }, pushed: {} }

const steps = (signal = new AbortController().signal) =>
  new Steps({ stream: { write: () => true }, interactive: false, nowMs: () => 0 }, signal)

/** A lab that tells in order what was done to it. */
function recordedLab(change: { readonly deploy?: () => Promise<void>; readonly kind?: 'context' } = {}) {
  const done: string[] = []
  const own = change.kind ? { ...record, facts: { ...record.facts, kind: change.kind } } : record
  const lab = {
    record: own,
    deploy: async ({ corpus }: LabRecord) => {
      done.push(`deploy ${corpus?.name}`)
      await change.deploy?.()
    },
    write: async ({ corpus, access }: LabRecord) =>
      void done.push(`write ${corpus?.name} of ${access.context}`),
    api: (signal?: AbortSignal) => ({
      async apply(object: KubernetesObject) {
        signal?.throwIfAborted()
        done.push(`apply ${object.kind}`)
        return object
      },
      async remove() {
        signal?.throwIfAborted()
        done.push('remove')
        return true
      },
    }),
    images: async () => {
      done.push('images')
      return built
    },
    corpus: async (folder: string, image: string) => {
      done.push(`corpus ${folder} by ${image}`)
      return songs
    },
  }
  return { done, lab }
}

describe('ingestImage()', () => {
  test('is the local tag, and never empty', () => {
    expect(ingestImage(built)).toBe('ingest:1')
    expect(() => ingestImage({ local: { load: 'load:1' }, pushed: {} })).toThrow("'ingest' among load")
  })
})

describe('ingestStore()', () => {
  test('gives the keys, loads, takes the keys away, and only then writes down what is loaded', async () => {
    const { done, lab } = recordedLab()
    expect(await ingestStore({ corpus: songs, keys }, lab, steps())).toBe(songs)
    expect(done.slice(0, 5)).toEqual(['remove', 'apply Secret', 'remove', 'apply Secret', 'deploy songs'])
    expect(done.slice(5)).toEqual(['remove', 'remove', 'write songs of staging'])
  })

  test('touches no Secret where pods have an identity of their own', async () => {
    const { done, lab } = recordedLab()
    await ingestStore({ corpus: songs, keys: undefined }, lab, steps())
    expect(done).toEqual(['deploy songs', 'write songs of staging'])
  })

  test('takes the keys away when loading is interrupted, and leaves the record as it was', async () => {
    const stop = new AbortController()
    const { done, lab } = recordedLab({
      deploy: async () => {
        stop.abort(new Error('Ctrl-C'))
        throw new Error('interrupted')
      },
    })
    await expect(ingestStore({ corpus: songs, keys }, lab, steps(stop.signal))).rejects.toThrow()
    expect(done.slice(-3)).toEqual(['deploy songs', 'remove', 'remove'])
  })
})

describe('ingestFolder()', () => {
  test('reads the folder by the image that is built, loads it, and writes it down', async () => {
    const { done, lab } = recordedLab()
    expect(await ingestFolder('/music', lab, steps())).toBe(songs)
    expect(done).toEqual(['images', 'corpus /music by ingest:1', 'deploy songs', 'write songs of staging'])
  })

  test('leaves the record as it was when loading fails', async () => {
    const { done, lab } = recordedLab({ deploy: () => Promise.reject(new Error('no room')) })
    await expect(ingestFolder('/music', lab, steps())).rejects.toThrow('no room')
    expect(done.at(-1)).toBe('deploy songs')
  })

  test('refuses where the nodes are on other machines, before anything is built', async () => {
    const { done, lab } = recordedLab({ kind: 'context' })
    await expect(ingestFolder('/music', lab, steps())).rejects.toMatchObject({
      code: 'NO_SHARED_FOLDER',
      message: expect.stringContaining("context 'staging'"),
      hint: expect.stringContaining('s3a://BUCKET/FOLDER'),
    })
    expect(done).toEqual([])
  })
})
