import { describe, expect, test } from '@jest/globals'
import type { LiveObject } from '../../platform/api-server.ts'
import type { KubernetesObject } from '../../platform/manifests/object.ts'
import { batchLike, beginEmptyBatch, repairBatch } from './empty-batch.ts'

const FILLED = {
  kind: 'Job',
  metadata: { name: 'ingest-songs-1', namespace: 'experiment', labels: { 'controller-uid': 'x' } },
  spec: {
    selector: { matchLabels: { 'controller-uid': 'x' } },
    template: {
      metadata: { labels: { 'controller-uid': 'x' } },
      spec: {
        nodeSelector: { group: 'experiment' },
        containers: [
          {
            name: 'driver',
            env: [
              { name: 'GROUP', value: 'experiment' },
              { name: 'INGEST_INPUT', value: 'file:///corpus/songs' },
            ],
          },
        ],
      },
    },
  },
} as LiveObject

/** A cluster in which every job succeeds at once. */
function recordedApi() {
  const jobs = new Map<string, KubernetesObject>()
  const done: string[] = []
  return {
    done,
    api: {
      list: async () => [FILLED],
      read: async ({ name }: { readonly name: string }) => {
        const job = jobs.get(name)
        return job && ({ ...job, status: { succeeded: 1 } } as unknown as LiveObject)
      },
      create: async (object: KubernetesObject) => {
        const [container] = (object as unknown as typeof FILLED & { spec: typeof specOf }).spec.template.spec
          .containers
        done.push(`create ${object.metadata.name} of ${container?.env[1]?.value}`)
        jobs.set(object.metadata.name, object)
        return object as unknown as LiveObject
      },
      remove: async ({ name }: { readonly name: string }) => {
        if (jobs.delete(name)) done.push(`remove ${name}`)
        return true
      },
    },
  }
}
declare const specOf: {
  template: { spec: { containers: { env: { name: string; value: string }[] }[] } }
}

describe('batchLike()', () => {
  test('is the same work, from another folder, and nothing of the job that was', () => {
    const job = batchLike(FILLED, 'ingest-trial-empty', 'file:///none')
    expect(JSON.stringify(job)).not.toContain('controller-uid')
    expect(JSON.stringify(job)).not.toContain('managed-by')
    expect(job).toMatchObject({
      metadata: { name: 'ingest-trial-empty', namespace: 'experiment' },
      spec: {
        backoffLimit: 0,
        template: {
          metadata: { labels: { group: 'experiment', service: 'ingest' } },
          spec: {
            nodeSelector: { group: 'experiment' },
            containers: [
              {
                env: [
                  { name: 'GROUP', value: 'experiment' },
                  { name: 'INGEST_INPUT', value: 'file:///none' },
                ],
              },
            ],
          },
        },
      },
    })
  })
})

describe('repairBatch()', () => {
  test('loads the songs once more after a batch of nothing, and leaves no job behind', async () => {
    const { api, done } = recordedApi()
    await beginEmptyBatch(api)
    await repairBatch(api)
    expect(done).toEqual([
      'create ingest-trial-empty of file:///corpus/there-is-no-such-folder',
      'create ingest-trial-again of file:///corpus/songs',
      'remove ingest-trial-empty',
      'remove ingest-trial-again',
    ])
  })
})
