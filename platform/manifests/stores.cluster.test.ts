import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, jest, test } from '@jest/globals'
import { KubeconfigApiServer } from '../api-server.ts'
import { labFolders } from '../cluster/local/folders.ts'
import { readRecord, recordPath } from '../lab.ts'
import { isPodReady } from '../readiness.ts'
import { TARGETS_BY_JOB } from '../targets-fixture.ts'
import { FORWARDED_PORTS, SHARED_NAMESPACE } from '../topology.ts'

jest.setTimeout(180_000)

const at = (port: number, path: string) => `http://127.0.0.1:${port}${path}`

async function json<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`Cannot read ${url}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

/** The value of every series of `query`, by the labels `by`. */
async function ask(query: string, by: string): Promise<Record<string, number>> {
  type Answer = { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }
  const url = at(FORWARDED_PORTS.prometheus, `/api/v1/query?query=${encodeURIComponent(query)}`)
  const { data } = await json<Answer>(url)
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric[by] ?? '', Number(value[1])]))
}

/** Repeats `what` until it holds, at most a minute: what was just started is not told at once. */
async function eventually(what: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = performance.now() + 60_000; performance.now() < endMs; await sleep(1000)) {
    if (await what().catch(() => false)) return true
  }
  return false
}

describe('prometheus', () => {
  test('hears of everything that tells something', async () => {
    expect(await eventually(async () => Object.keys(await ask('up == 0', 'job')).length === 0)).toBe(true)
    expect(await ask('count by (job) (up)', 'job')).toEqual(TARGETS_BY_JOB)
  })

  test('has an exporter that can look into every member', async () => {
    expect(await ask('count by (group) (pg_up == 1)', 'group')).toEqual({ control: 3, experiment: 3 })
    expect(await ask('count by (group) (pg_settings_max_connections)', 'group')).toEqual({
      control: 3,
      experiment: 3,
    })
  })

  test('has an answer to every probe while nothing is attacked', async () => {
    const answered = () => ask('count by (job) (probe_success == 1)', 'job')
    const all = { 'probe-dns': 6, 'probe-http': 12, 'probe-icmp': 18, 'probe-icmp-zones': 12 }

    await eventually(async () => isDeepStrictEqual(await answered(), all))
    expect(await answered()).toEqual(all)
  })

  test('evaluates every rule, and tells Alertmanager and the recorder', async () => {
    type Rules = { data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] } }
    const { data } = await json<Rules>(at(FORWARDED_PORTS.prometheus, '/api/v1/rules'))
    const rules = data.groups.flatMap(group => group.rules)
    const told = async () =>
      (
        await json<{ labels: { alertname: string } }[]>(at(FORWARDED_PORTS.alertmanager, '/api/v2/alerts'))
      ).map(alert => alert.labels.alertname)

    expect(rules.length).toBeGreaterThan(50)
    expect(rules.filter(rule => rule.health === 'err')).toEqual([])
    expect(await ask('prometheus_notifications_alertmanagers_discovered', 'job')).toEqual({ prometheus: 2 })
    expect(await eventually(async () => (await told()).includes('Watchdog'))).toBe(true)
  })
})

describe('zipkin', () => {
  test('keeps what it is sent', async () => {
    const traceId = randomBytes(16).toString('hex')
    const span = {
      traceId,
      id: traceId.slice(16),
      name: 'test',
      timestamp: Date.now() * 1000,
      duration: 1000,
      localEndpoint: { serviceName: 'stores-test' },
    }

    const { status } = await fetch(at(FORWARDED_PORTS.zipkin, '/api/v2/spans'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([span]),
    })

    const kept = () => json<object[]>(at(FORWARDED_PORTS.zipkin, `/api/v2/trace/${traceId}`))
    expect(status).toBe(202)
    expect(await eventually(async () => (await kept()).length === 1)).toBe(true)
  })
})

describe('the database of oncall', () => {
  test('forgets nothing when its pod starts anew', async () => {
    const { access } = await readRecord(recordPath(labFolders().state, undefined))
    const pod = { kind: 'Pod', name: 'oncall-database-0', namespace: SHARED_NAMESPACE }
    const api = new KubeconfigApiServer(access)
    const runs = async () =>
      (await json<{ runId: string }[]>(at(FORWARDED_PORTS.oncall, '/api/runs'))).map(run => run.runId)
    const alerts = async () =>
      (await json<{ instance: string }[]>(at(FORWARDED_PORTS.oncall, '/api/alerts'))).map(
        each => each.instance,
      )
    const before = { runs: await runs(), alerts: await alerts() }
    const old = (await api.read(pod))?.metadata.uid

    await api.remove(pod)
    const isBack = async () => {
      const now = await api.read(pod)
      if (now === undefined || now.metadata.uid === old || !isPodReady(now)) return false
      return (await fetch(at(FORWARDED_PORTS.oncall, '/readyz'))).ok && (await runs()).length >= 0
    }
    expect(await eventually(isBack)).toBe(true)

    expect(await runs()).toEqual(expect.arrayContaining(before.runs))
    expect(before.alerts.length).toBeGreaterThan(0)
    expect(await alerts()).toEqual(expect.arrayContaining(before.alerts))
  })
})
