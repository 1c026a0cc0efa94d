import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeConfig } from '@kubernetes/client-node'
import { type Exporter, makeExporter, makeExporterServer } from './exporter.ts'

const PODS = '/api/v1/namespaces/experiment/pods'

type Named = { readonly metadata: Readonly<Record<string, unknown>>; readonly [key: string]: unknown }

const pod = (name: string, resourceVersion: string, phase: string): Named => ({
  metadata: {
    namespace: 'experiment',
    name,
    uid: `uid-${name}`,
    resourceVersion,
    labels: { group: 'experiment' },
  },
  status: { phase },
})

/** As much of an API server as list and watch need. */
class FakeApiServer {
  readonly server: Server
  /** Objects by the path of their collection. */
  readonly lists = new Map<string, readonly Named[]>()
  /** Open watches of pods. */
  readonly watches: ServerResponse[] = []
  /** Paths and versions asked for, in order. */
  readonly asked: string[] = []
  forbidden: string | undefined

  constructor() {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://fake')
      response.setHeader('content-type', 'application/json')
      if (url.pathname === this.forbidden) {
        response.writeHead(403).end('{"kind":"Status","code":403,"reason":"Forbidden"}')
      } else if (url.searchParams.get('watch') === 'true') {
        if (url.pathname === PODS) {
          this.asked.push(`watch ${url.searchParams.get('resourceVersion')}`)
          this.watches.push(response)
        }
        response.writeHead(200).flushHeaders()
      } else {
        if (url.pathname === PODS) this.asked.push('list')
        const items = this.lists.get(url.pathname) ?? []
        response.end(JSON.stringify({ kind: 'List', metadata: { resourceVersion: '10' }, items }))
      }
    })
  }

  tell(type: string, object: unknown): void {
    this.watches.at(-1)?.write(`${JSON.stringify({ type, object })}\n`)
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
  }
}

async function listenOn(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

let api: FakeApiServer
let exporter: Exporter
let failures: string[]

beforeEach(async () => {
  api = new FakeApiServer()
  failures = []
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'fake', server: await listenOn(api.server), skipTLSVerify: true },
    { name: 'u' },
  )
  exporter = makeExporter(
    config,
    ['experiment'],
    { listed: () => {}, failed: source => failures.push(source) },
    { firstMs: 5, mostMs: 20 },
  )
})

afterEach(async () => {
  await exporter.stop()
  await api.stop()
})

async function until(holds: () => boolean, what: string): Promise<void> {
  const givenUpAtMs = performance.now() + 4000
  while (!holds()) {
    if (performance.now() > givenUpAtMs) throw new Error(`Cannot wait any longer: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Name and phase of every pod that the metrics tell of. */
const podsTold = (): readonly string[] =>
  [...exporter.metrics().matchAll(/kube_pod_status_phase\{.*pod="(.+?)".*phase="(.+?)"\} 1/g)].map(
    ([, name, phase]) => `${name} ${phase}`,
  )

describe('makeExporter()', () => {
  test('tells what was listed, and follows what the watch says', async () => {
    api.lists.set(PODS, [pod('a', '1', 'Pending'), pod('b', '2', 'Running')])
    exporter.start()
    await until(() => exporter.isReady() && api.watches.length === 1, 'list and watch')
    expect(podsTold()).toEqual(['a Pending', 'b Running'])

    api.tell('MODIFIED', pod('a', '11', 'Running'))
    api.tell('DELETED', pod('b', '12', 'Running'))
    api.tell('ADDED', pod('c', '13', 'Pending'))
    await until(() => podsTold().join() === 'a Running,c Pending', 'the events to be seen')
  })

  test('resumes a broken watch where it was, without a second list', async () => {
    api.lists.set(PODS, [pod('a', '1', 'Pending')])
    exporter.start()
    await until(() => api.watches.length === 1, 'the watch')
    api.tell('MODIFIED', pod('a', '11', 'Running'))
    await until(() => podsTold().join() === 'a Running', 'the event to be seen')
    api.watches[0]?.destroy()
    await until(() => api.watches.length === 2, 'the watch to be resumed')
    expect(api.asked).toEqual(['list', 'watch 10', 'watch 11'])
  })

  test('lists again when its version is too old, and forgets what is gone', async () => {
    api.lists.set(PODS, [pod('a', '1', 'Running'), pod('b', '2', 'Running')])
    exporter.start()
    await until(() => api.watches.length === 1, 'the watch')
    api.lists.set(PODS, [pod('b', '2', 'Running')])
    api.tell('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })
    api.watches[0]?.end()
    await until(() => podsTold().join() === 'b Running', 'the second list')
    expect(api.asked.slice(0, 3)).toEqual(['list', 'watch 10', 'list'])
  })

  test('is not ready while something may not be read, and tries again until it may', async () => {
    api.forbidden = '/apis/policy/v1/namespaces/experiment/poddisruptionbudgets'
    exporter.start()
    await until(() => failures.length >= 2, 'two refusals')
    expect(exporter.isReady()).toBe(false)
    expect(new Set(failures)).toEqual(new Set([api.forbidden]))
    api.forbidden = undefined
    await until(() => exporter.isReady(), 'the list to be allowed')
  })
})

describe('makeExporterServer()', () => {
  test('gives no metrics before everything was read, and all of them after', async () => {
    const server = makeExporterServer(exporter, () => {})
    const url = await listenOn(server)
    const statusOf = async (path: string) => (await fetch(url + path)).status
    expect([await statusOf('/healthz'), await statusOf('/readyz'), await statusOf('/metrics')]).toEqual([
      200, 503, 503,
    ])
    exporter.start()
    await until(() => exporter.isReady(), 'everything to be read')
    expect([await statusOf('/readyz'), await statusOf('/other')]).toEqual([200, 404])
    const answer = await fetch(`${url}/metrics`)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await answer.text()).toContain('# TYPE kube_poddisruptionbudget_status_expected_pods gauge\n')
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
})
