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

/** A cluster in which every job comes to its end at once. */
function recordedApi() {
  const jobs = new Map<string, KubernetesObject>()
  const done: string[] = []
  const outcome: { status: object; removes: boolean } = { status: { succeeded: 1 }, removes: true }
  return {
    done,
    jobs,
    outcome,
    api: {
      list: async () => [FILLED],
      read: async ({ name }: { readonly name: string }) => {
        const job = jobs.get(name)
        return job && ({ ...job, status: outcome.status } as unknown as LiveObject)
      },
      create: async (object: KubernetesObject) => {
        if (jobs.has(object.metadata.name)) return undefined
        const [container] = (object as unknown as typeof FILLED & { spec: typeof specOf }).spec.template.spec
          .containers
        done.push(`create ${object.metadata.name} of ${container?.env[1]?.value}`)
        jobs.set(object.metadata.name, object)
        return object as unknown as LiveObject
      },
      remove: async ({ name }: { readonly name: string }) => {
        if (outcome.removes && jobs.delete(name)) done.push(`remove ${name}`)
        return true
      },
    },
  }
}

/** A clock that stands still but for those who wait. */
function standingClock() {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    sleep: async (durationMs: number) => {
      nowMs += durationMs
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
      'remove ingest-trial-empty',
      'create ingest-trial-again of file:///corpus/songs',
      'remove ingest-trial-again',
    ])
  })

  test('does not take an earlier repair, left behind, for this one', async () => {
    const { api, done, jobs } = recordedApi()
    jobs.set('ingest-trial-again', batchLike(FILLED, 'ingest-trial-again'))
    await repairBatch(api)
    expect(done).toEqual([
      'remove ingest-trial-again',
      'create ingest-trial-again of file:///corpus/songs',
      'remove ingest-trial-again',
    ])
  })

  test('says so at once when it fails, and leaves the job to be looked at', async () => {
    const { api, jobs, outcome } = recordedApi()
    const clock = standingClock()
    outcome.status = { failed: 1 }
    await expect(repairBatch(api, clock)).rejects.toThrow('ingest-trial-again failed')
    expect(clock.nowMs()).toBe(0)
    expect([...jobs.keys()]).toEqual(['ingest-trial-again'])
  })

  test('does not wait for ever, nor for a job that somebody removed', async () => {
    const { api, jobs, outcome } = recordedApi()
    const clock = standingClock()
    outcome.status = { active: 1 }
    await expect(repairBatch(api, clock)).rejects.toThrow('has not succeeded within 300 s')
    expect(clock.nowMs()).toBe(300_000)

    jobs.clear()
    const removing = { ...standingClock(), sleep: async () => void jobs.clear() }
    await expect(repairBatch(api, removing)).rejects.toThrow('somebody removed ingest-trial-again')
  })
})

describe('beginEmptyBatch()', () => {
  test('does not wait for ever for an earlier one to go away', async () => {
    const { api, jobs, outcome } = recordedApi()
    const clock = standingClock()
    jobs.set('ingest-trial-empty', batchLike(FILLED, 'ingest-trial-empty'))
    outcome.removes = false
    await expect(beginEmptyBatch(api, clock)).rejects.toThrow(
      'ingest-trial-empty: it is still there after 120 s',
    )
    expect(clock.nowMs()).toBe(120_000)
  })

  test('does not take what somebody else made meanwhile for its own', async () => {
    const { api } = recordedApi()
    const taken = { ...api, create: async () => undefined }
    await expect(beginEmptyBatch(taken)).rejects.toThrow('somebody else has made one')
  })
})
