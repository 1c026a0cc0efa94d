import { describe, expect, test } from '@jest/globals'
import type { LiveObject } from './api-server.ts'
import { applyAll, removeAll } from './apply.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { EXAMPLE_INPUT } from './manifests/example.ts'
import { renderStages } from './manifests/manifests.ts'
import type { WaitClock } from './wait.ts'

const STAGES = renderStages(EXAMPLE_INPUT)
const OBJECT_COUNT = STAGES.flatMap(stage => stage.objects).length
const NEVER = new AbortController().signal

/** Sleeping takes no time but is counted. */
function fakeClock(): WaitClock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    sleep: async durationMs => {
      nowMs += durationMs
    },
  }
}

/** A workload that is ready as soon as it is applied. */
function readyAtOnce(object: LiveObject): LiveObject {
  const { replicas = 1 } = (object.spec ?? {}) as { replicas?: number }
  const { generation = 1 } = object.metadata
  const counts = { replicas, updatedReplicas: replicas, availableReplicas: replicas, readyReplicas: replicas }
  const status =
    object.kind === 'Job'
      ? { conditions: [{ type: 'Complete', status: 'True' }] }
      : { observedGeneration: generation, ...counts }
  return ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(object.kind)
    ? { ...object, status }
    : object
}

function workingServer(): FakeApiServer {
  const api = new FakeApiServer()
  api.onApply = readyAtOnce
  return api
}

const apply = (api: FakeApiServer, told: string[] = [], signal = NEVER, stages = STAGES) =>
  applyAll(api, stages, message => told.push(message), signal, fakeClock())

describe('applyAll()', () => {
  test('makes everything, in the order in which things need each other', async () => {
    const api = workingServer()

    const summary = await apply(api)

    const at = (name: RegExp) => api.calls.findIndex(call => name.test(call))
    expect(summary).toMatchObject({ applied: OBJECT_COUNT, pruned: [] })
    // Two Secrets of the databases, one of oncall, and the key of the events in three namespaces.
    expect(summary.changed).toHaveLength(OBJECT_COUNT + 6)
    expect(at(/Namespace control/)).toBeLessThan(at(/Secret control/))
    expect(at(/Secret control/)).toBeLessThan(at(/StatefulSet control/))
    expect(at(/StatefulSet control/)).toBeLessThan(at(/Job control\/migrate/))
    expect(at(/Job control\/migrate/)).toBeLessThan(at(/Deployment control\/recommender/))
    expect(at(/Deployment control\/recommender/)).toBeLessThan(at(/Job control\/ingest/))
  })

  test('changes nothing the second time', async () => {
    const api = workingServer()
    await apply(api)

    expect(await apply(api)).toEqual({ applied: OBJECT_COUNT, changed: [], pruned: [] })
  })

  test('takes no renewal of a lease for a change of ours', async () => {
    const api = workingServer()
    await apply(api)
    const applyObject = api.apply.bind(api)
    api.apply = async object => {
      const { metadata, ...live } = await applyObject(object)
      if (object.kind !== 'Endpoints') return { metadata, ...live }
      const { generation: _, ...renewed } = metadata
      return { ...live, metadata: { ...renewed, resourceVersion: 'renewed' } }
    }

    expect(await apply(api)).toMatchObject({ changed: [], pruned: [] })
    api.objects.delete('Endpoints control/database')
    expect(await apply(api)).toMatchObject({ changed: ['Endpoints control/database'] })
  })

  test('makes a password once, different in each group, and adds only what is missing later', async () => {
    const api = workingServer()
    const secretOf = (group: string) =>
      api.objects.get(`Secret ${group}/database-passwords`)?.data as Record<string, string>
    await apply(api)
    const { ingest: _, ...older } = secretOf('control')
    const before = api.objects.get('Secret control/database-passwords') as LiveObject
    api.put({ ...before, data: older })

    const summary = await apply(api)

    expect(summary.changed).toEqual(['Secret control/database-passwords'])
    expect(secretOf('control')).toMatchObject(older)
    expect(Buffer.from(secretOf('control').ingest ?? '', 'base64').toString()).toMatch(/^[0-9a-f]{48}$/)
    expect(secretOf('control').postgres).not.toBe(secretOf('experiment').postgres)
  })

  test('gives every namespace the same public key for its events, and keeps it', async () => {
    const api = workingServer()
    const keyIn = (namespace: string) =>
      (api.objects.get(`Secret ${namespace}/event-key`)?.data as Record<string, string> | undefined)?.key
    await apply(api)
    const key = keyIn('observability')
    api.put({ ...(api.objects.get('Secret control/event-key') as LiveObject), data: { key: 'another' } })

    const summary = await apply(api)

    expect(summary.changed).toEqual(['Secret control/event-key'])
    expect([keyIn('observability'), keyIn('control'), keyIn('experiment')]).toEqual([key, key, key])
  })

  test('tells no password', async () => {
    const api = workingServer()
    const told: string[] = []
    await apply(api, told)
    const secret = api.objects.get('Secret control/database-passwords')?.data as Record<string, string>

    for (const value of Object.values(secret)) {
      expect(told.join('\n')).not.toContain(Buffer.from(value, 'base64').toString())
    }
  })

  test('removes what it made before and no longer renders, and nothing else', async () => {
    const api = workingServer()
    await apply(api)
    const managed = {
      'app.kubernetes.io/part-of': 'divergence',
      'app.kubernetes.io/managed-by': 'divergence',
    }
    const started = { 'app.kubernetes.io/part-of': 'divergence' }
    const put = (kind: string, namespace: string, labels: Record<string, string>) =>
      api.put({ kind, metadata: { name: 'old', namespace, labels } })
    put('ConfigMap', 'control', managed)
    put('Job', 'experiment', started)
    put('ConfigMap', 'somebody-else', managed)
    put('Secret', 'control', managed)

    const summary = await apply(api)

    expect(summary.pruned).toEqual(['ConfigMap control/old'])
    expect(api.calls.filter(call => call.startsWith('remove'))).toEqual(['remove ConfigMap control/old'])
  })

  test('loads a corpus once, however often another one is rendered in between', async () => {
    const api = workingServer()
    const other = renderStages({ ...EXAMPLE_INPUT, corpus: { name: 'mine', contentHash: '00' } })
    await apply(api)
    await apply(api, [], NEVER, other)

    expect(await apply(api)).toMatchObject({ changed: [], pruned: [] })
  })

  test('touches nothing when a namespace is somebody else’s', async () => {
    const api = workingServer()
    api.put({ kind: 'Namespace', metadata: { name: 'control', labels: {} } })

    await expect(apply(api)).rejects.toThrow('Cannot deploy: Namespace control was there before')
    expect(api.calls).toEqual([])
  })

  test('fails at once when a Job failed, with the end of its log', async () => {
    const api = workingServer()
    const job = STAGES.flatMap(stage => stage.objects).find(
      object => object.kind === 'Job' && object.metadata.namespace === 'control',
    )?.metadata.name as string
    api.onApply = object =>
      object.metadata.name === job
        ? {
            ...object,
            status: { conditions: [{ type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' }] },
          }
        : readyAtOnce(object)
    const labels = { 'app.kubernetes.io/part-of': 'divergence', 'batch.kubernetes.io/job-name': job }
    api.put({ kind: 'Pod', metadata: { name: `${job}-x`, namespace: 'control', labels } })
    api.logs.set(`control/${job}-x`, 'relation "songs" does not exist')

    await expect(apply(api)).rejects.toThrow(
      `Cannot go on: Job control/${job} failed, BackoffLimitExceeded\n--- log of control/${job}-x ---\nrelation "songs" does not exist`,
    )
  })

  test('starts a failed Job anew', async () => {
    const api = workingServer()
    await apply(api)
    const name = [...api.objects.keys()].find(key => key.startsWith('Job control/migrate')) as string
    const live = api.objects.get(name) as LiveObject
    api.put({ ...live, status: { conditions: [{ type: 'Failed', status: 'True' }] } })

    const summary = await apply(api)

    expect(summary.changed).toEqual([])
    expect(api.calls.filter(call => call.endsWith(name.replace('Job ', '')))).toEqual([
      `apply ${name}`,
      `remove ${name}`,
      `apply ${name}`,
    ])
  })

  test('says what it waits for and why, and gives up in the end', async () => {
    const api = workingServer()
    api.onApply = object => (object.kind === 'StatefulSet' ? object : readyAtOnce(object))
    const labels = { 'app.kubernetes.io/part-of': 'divergence', group: 'control', service: 'database' }
    api.put({
      kind: 'Pod',
      metadata: { name: 'database-0', namespace: 'control', labels },
      status: {
        phase: 'Pending',
        containerStatuses: [
          { ready: false, state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } },
        ],
      },
    })
    const told: string[] = []

    await expect(apply(api, told)).rejects.toThrow('after 900 s not ready')
    expect(told).toContain(
      'observability/oncall-database not seen yet; control/database not seen yet (database-0: ImagePullBackOff: no such image); experiment/database not seen yet',
    )
  })

  describe('a container that ended before', () => {
    const serverWith = (restartsNow: () => number) => {
      const api = workingServer()
      api.onApply = object => (object.kind === 'StatefulSet' ? object : readyAtOnce(object))
      const labels = { 'app.kubernetes.io/part-of': 'divergence', group: 'control', service: 'database' }
      api.put({
        kind: 'Pod',
        metadata: { name: 'database-0', uid: 'u', namespace: 'control', labels },
        get status() {
          const state = { waiting: { reason: 'CrashLoopBackOff' } }
          return {
            phase: 'Running',
            containerStatuses: [{ ready: false, restartCount: restartsNow(), state }],
          }
        },
      })
      api.logs.set('control/database-0', 'no space left on device')
      return api
    }

    test('is given up early when it keeps ending', async () => {
      let restarts = 6
      const api = serverWith(() => restarts++)

      await expect(apply(api)).rejects.toThrow(
        /restarted \d times meanwhile: CrashLoopBackOff\n.*\nno space left on device/,
      )
    })

    test('is waited for when that was before: its node was attacked often', async () => {
      await expect(apply(serverWith(() => 60))).rejects.toThrow('after 900 s not ready')
    })
  })

  test('stops when it is told to', async () => {
    const api = workingServer()
    const stop = new AbortController()
    stop.abort(new Error('interrupted'))

    await expect(apply(api, [], stop.signal)).rejects.toThrow('interrupted')
    expect(api.calls).toEqual([])
  })
})

describe('removeAll()', () => {
  test('removes our namespaces and what stands beside them, and no others', async () => {
    const api = workingServer()
    await apply(api)
    api.put({ kind: 'Namespace', metadata: { name: 'default', labels: {} } })
    api.put({ kind: 'ClusterRole', metadata: { name: 'admin', labels: {} } })
    api.calls.length = 0

    await removeAll(api, () => undefined, NEVER, fakeClock())

    expect(api.calls.sort()).toEqual([
      'remove ClusterRole divergence-agent',
      'remove ClusterRole divergence-object-state',
      'remove ClusterRole divergence-oncall',
      'remove ClusterRole divergence-prometheus',
      'remove ClusterRoleBinding divergence-agent',
      'remove ClusterRoleBinding divergence-object-state',
      'remove ClusterRoleBinding divergence-oncall',
      'remove ClusterRoleBinding divergence-prometheus',
      'remove Namespace chaos',
      'remove Namespace control',
      'remove Namespace experiment',
      'remove Namespace observability',
      'remove PersistentVolume divergence-corpus-control',
      'remove PersistentVolume divergence-corpus-experiment',
      'remove PriorityClass divergence-high',
      'remove PriorityClass divergence-low',
      ...['', 'Binding'].flatMap(suffix =>
        ['deletes', 'nodes', 'uncordons'].map(
          name => `remove ValidatingAdmissionPolicy${suffix} divergence-agent-${name}`,
        ),
      ),
    ])
  })
})
