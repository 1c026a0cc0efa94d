import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeConfig, type V1ResourceAttributes } from '@kubernetes/client-node'
import type { Action } from '../faults/fault.ts'
import { systemClock } from '../measurement/clock.ts'
import { kubernetesAgents } from './kubernetes-agents.ts'
import { kubernetesApiFaults } from './kubernetes-api-faults.ts'
import { kubernetesHalt } from './kubernetes-halt.ts'
import { KubernetesLab } from './kubernetes-lab.ts'
import { kubernetesLeases } from './kubernetes-leases.ts'
import { KubernetesLoad } from './kubernetes-load.ts'
import { kubernetesLock } from './kubernetes-lock.ts'
import { describeRight, rightsOf } from './rights.ts'

/** What a request asks for, as the API server's authorizer sees it. */
function askedBy({ method = '', url = '' }: IncomingMessage): V1ResourceAttributes {
  const { pathname, searchParams } = new URL(url, 'http://api')
  const [, group, namespace, resource = '', name, subresource] =
    /^\/api(?:s\/([^/]+))?\/v1(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    ) ?? []
  const isOne = name !== undefined
  const verb = {
    GET: isOne ? 'get' : searchParams.get('watch') === 'true' ? 'watch' : 'list',
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: isOne ? 'delete' : 'deletecollection',
  }[method]
  return { verb, group, namespace, resource, name, subresource } as V1ResourceAttributes
}

/** A right without a name is one to all objects of the kind. */
function covers(right: V1ResourceAttributes, asked: V1ResourceAttributes): boolean {
  const keys = ['verb', 'group', 'namespace', 'resource', 'subresource'] as const
  return keys.every(key => right[key] === asked[key]) && (right.name ?? asked.name) === asked.name
}

describe('rightsOf()', () => {
  const never = new AbortController().signal
  const asked: V1ResourceAttributes[] = []
  let server: Server
  let config: KubeConfig

  /** Has everything that is asked for by list, nothing that is asked for by name, and takes all that is written. */
  async function answer(question: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = askedBy(question)
    asked.push(request)
    const chunks: Buffer[] = []
    for await (const chunk of question) chunks.push(chunk as Buffer)
    response.statusCode = request.verb === 'get' ? 404 : 200
    response.setHeader('content-type', 'application/json')
    // A watch tells nothing, and goes on.
    if (request.verb === 'watch') return response.flushHeaders()
    const written = Buffer.concat(chunks).toString()
    response.end(
      request.verb === 'list' ? '{"metadata":{"resourceVersion":"1"},"items":[]}' : written || '{}',
    )
  }

  beforeEach(async () => {
    asked.length = 0
    server = createServer((question, response) => void answer(question, response))
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    config = new KubeConfig()
    const { port } = server.address() as AddressInfo
    config.loadFromClusterAndUser(
      { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'nobody' },
    )
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const uncovered = (actions: readonly Action[]) => {
    const rights = rightsOf(actions)
    return asked.filter(request => !rights.some(right => covers(right, request))).map(describeRight)
  }
  const askedFor = (words: string) => asked.map(describeRight).filter(text => text.includes(words))

  test('has all that a run without faults asks for', async () => {
    const over = new AbortController()
    const lab = new KubernetesLab(config, systemClock)
    await lab.view()
    await lab.watch(() => undefined, over.signal)
    while (askedFor('watch').length < 3) await systemClock.sleep(5, never)
    over.abort()
    await Promise.all([lab.node('experiment-b'), lab.pod('experiment', 'gateway-b')])
    await kubernetesHalt(config).reason()
    await kubernetesAgents(config).list()
    const self = { host: 'here', pid: 1, isAlive: () => true }
    const held = await kubernetesLock(config, systemClock, self).acquire('run-1', never)
    await held.release()
    const leases = kubernetesLeases(config, systemClock)
    const promise = await leases.take({ name: 'load-run-1', runId: 'run-1', undo: [] })
    while (askedFor('patch leases').length === 0) await systemClock.sleep(50, never)
    await promise.release()
    await leases.list()
    const load = new KubernetesLoad({ config, clock: systemClock, image: 'load', remoteWriteUrl: null })
    await load.remove('run-1')
    await kubernetesApiFaults(config, 'sleeper').undo({ undo: 'delete-load', job: 'load-run-1' })

    expect(uncovered([])).toEqual([])
    // What was asked for at all: a server that heard nothing would find everything covered.
    expect(askedFor("leases 'divergence-run' in namespace observability")).not.toEqual([])
    expect(askedFor("configmaps 'halt'")).not.toEqual([])
    expect(askedFor('deletecollection jobs')).not.toEqual([])
  })

  test('has exec in every namespace where a run starts programs', () => {
    const places = rightsOf([]).filter(({ subresource }) => subresource === 'exec')
    expect(places.map(({ namespace }) => namespace).sort()).toEqual([
      'chaos',
      'control',
      'experiment',
      'observability',
    ])
  })

  const pod = { namespace: 'experiment', name: 'gateway-b', uid: 'u' }
  test.each<Action>([
    { action: 'delete-pod', ...pod, graceSeconds: 0 },
    { action: 'evict-pod', ...pod },
    { action: 'cordon', node: 'experiment-b' },
    { action: 'scale', resource: 'deployments', name: 'gateway', replicas: 1 },
    { action: 'scale', resource: 'statefulsets', name: 'database', replicas: 1 },
    { action: 'occupy', name: 'o', pods: 3, cpuRequest: 1, memoryRequestMiB: 64, priority: 'low' },
    { action: 'api-undo', undo: { undo: 'uncordon', node: 'experiment-b' } },
    {
      action: 'api-undo',
      undo: { undo: 'scale', resource: 'statefulsets', name: 'database', replicas: 3 },
    },
    { action: 'api-undo', undo: { undo: 'delete-deployment', name: 'o' } },
  ])('has what the action $action asks for, and only with it', async action => {
    const api = kubernetesApiFaults(config, 'sleeper')
    const lab = new KubernetesLab(config, systemClock)
    if (action.action === 'delete-pod') await lab.deletePod(action)
    if (action.action === 'evict-pod') await api.evict(action)
    if (action.action === 'cordon') await api.cordon(action.node)
    if (action.action === 'scale') await api.scale(action)
    if (action.action === 'occupy') await api.occupy(action)
    if (action.action === 'api-undo') await api.undo(action.undo)

    expect(asked).toHaveLength(1)
    expect(uncovered([action])).toEqual([])
    expect(uncovered([])).toHaveLength(1)
  })
})
