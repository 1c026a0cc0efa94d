import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import { KubeconfigApiServer } from './api-server.ts'
import { labFolders } from './cluster/local/folders.ts'
import { deploy, type LabRecord, readRecord, recordPath } from './lab.ts'
import { type LabState, labStatus } from './lab-status.ts'
import { DATABASE_SECRET } from './manifests/secrets.ts'
import { TARGETS_BY_JOB } from './targets-fixture.ts'
import { GROUPS } from './topology.ts'

jest.setTimeout(120_000)

let record: LabRecord
let api: KubeconfigApiServer

beforeAll(async () => {
  record = await readRecord(recordPath(labFolders().state, undefined))
  api = new KubeconfigApiServer(record.access)
})

const stateOf = (): Promise<LabState> => labStatus(api)

describe('deploy()', () => {
  test('changes nothing the second time', async () => {
    const passwords = async () =>
      Promise.all(
        GROUPS.map(async group => {
          const secret = await api.read({ kind: 'Secret', name: DATABASE_SECRET, namespace: group })
          return secret?.metadata.resourceVersion
        }),
      )
    await deploy(record, () => undefined, AbortSignal.timeout(100_000))
    const before = await passwords()

    const summary = await deploy(record, () => undefined, AbortSignal.timeout(100_000))

    expect(summary).toMatchObject({ changed: [], pruned: [] })
    expect(await passwords()).toEqual(before)
  })

  test('puts back what somebody changed by hand', async () => {
    const reference = { kind: 'Service', name: 'recommender', namespace: 'experiment' }
    await api.remove(reference)

    const summary = await deploy(record, () => undefined, AbortSignal.timeout(100_000))

    expect(summary.changed).toEqual(['Service experiment/recommender'])
    expect(await api.read(reference)).toBeDefined()
  })
})

describe('the deployed groups', () => {
  test('have one pod of each service in every zone, on nodes of their own', async () => {
    const { groups } = await stateOf()

    for (const group of GROUPS) {
      for (const service of ['database', 'gateway', 'recommender']) {
        const pods = groups[group].services.find(each => each.service === service)?.pods ?? []
        expect(pods.map(pod => [pod.node, pod.zone, pod.ready])).toEqual(
          ['a', 'b', 'c'].map(zone => [`${group}-${zone}`, zone, true]),
        )
      }
    }
  })

  test('have one primary each', async () => {
    const { groups } = await stateOf()

    for (const group of GROUPS) {
      const members = groups[group].services.find(each => each.service === 'database')?.pods ?? []
      expect(members.filter(pod => pod.role === 'primary')).toHaveLength(1)
    }
  })

  test('are all scraped, with their group and zone on every target', async () => {
    // What Prometheus knows is as old as its last scrape and its last look at object-state: a pod that came back a
    // moment ago is down in it, or not in it yet.
    const total = Object.values(TARGETS_BY_JOB).reduce((sum, count) => sum + count)
    const targets = await settled(
      activeTargets,
      found => found.length === total && found.every(({ health }) => health === 'up'),
    )
    const bySource = Object.groupBy(targets, target => target.labels.job ?? '')
    const counts = Object.fromEntries(Object.entries(bySource).map(([job, found]) => [job, found?.length]))

    expect(targets.filter(target => target.health !== 'up').map(target => target.lastError)).toEqual([])
    expect(counts).toEqual(TARGETS_BY_JOB)
    for (const { labels } of bySource.gateway ?? []) {
      expect(labels).toMatchObject({
        group: expect.stringMatching(/^(control|experiment)$/),
        zone: expect.stringMatching(/^[abc]$/),
      })
    }
  }, 90_000)

  test('answer through their edges, which show no metrics', async () => {
    for (const port of [30081, 30082]) {
      const songs = await fetch(`http://127.0.0.1:${port}/songs?limit=1`)
      const metrics = await fetch(`http://127.0.0.1:${port}/metrics`)
      const disguised = await fetch(`http://127.0.0.1:${port}/%6detrics`)

      expect([songs.status, metrics.status, disguised.status]).toEqual([200, 404, 404])
      expect(metrics.headers.get('content-type')).toBe('application/problem+json')
    }
  })
})

type Target = { health: string; lastError: string; labels: Record<string, string> }

async function activeTargets(): Promise<readonly Target[]> {
  const answer = await fetch('http://127.0.0.1:30090/api/v1/targets?state=active')
  const { data } = (await answer.json()) as { data: { activeTargets: Target[] } }
  return data.activeTargets
}

/** Asks again until the answer is as awaited, for a minute at most; returns the last answer either way. */
async function settled<T>(ask: () => Promise<T>, isAwaited: (answer: T) => boolean): Promise<T> {
  const untilMs = performance.now() + 60_000
  for (;;) {
    const answer = await ask()
    if (isAwaited(answer) || performance.now() > untilMs) return answer
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}
