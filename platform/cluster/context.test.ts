import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { V1Node } from '@kubernetes/client-node'
import { MachineryError } from '../errors.ts'
import { ContextCluster, contextChecks, missingNodes } from './context.ts'

function node(group: string | undefined, zone: string, ready = true): V1Node {
  const labels = {
    ...(group ? { group } : {}),
    'topology.kubernetes.io/zone': `eu-1${zone}`,
    'divergence/zone': zone,
  }
  return {
    metadata: { labels },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }
}

const whole = ['control', 'experiment'].flatMap(group => ['a', 'b', 'c'].map(zone => node(group, zone)))

describe('missingNodes()', () => {
  test('finds nothing missing when both groups have a Ready node in each zone, whatever a cloud calls the zones', () => {
    expect(missingNodes(whole)).toEqual([])
  })

  test.each([
    { title: 'counts zones, not nodes', nodes: [...whole.slice(1), node('control', 'b')] },
    {
      title: 'does not count a node that is not Ready',
      nodes: [node('control', 'a', false), ...whole.slice(1)],
    },
    { title: 'does not count a node without a group', nodes: [node(undefined, 'a'), ...whole.slice(1)] },
    {
      title: 'does not count a zone that is none of the lab',
      nodes: [node('control', 'd'), ...whole.slice(1)],
    },
  ])('$title', ({ nodes }) => {
    expect(missingNodes(nodes)).toEqual(["group 'control' has no Ready node in zone a"])
  })
})

const never = new AbortController().signal
const quiet = () => undefined

async function listening<T>(server: Server, work: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    return await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

const closedPort = () => listening(createServer(), async port => port)

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'divergence-context-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function kubeconfig(text: string): Promise<string> {
  const path = join(folder, 'config')
  await writeFile(path, text)
  return path
}

async function clusterAt(port: number): Promise<ContextCluster> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'far', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'me', user: {} }],
    contexts: [{ name: 'staging', context: { cluster: 'far', user: 'me' } }],
  }
  return new ContextCluster({
    kubeconfigPath: await kubeconfig(JSON.stringify(config)),
    context: 'staging',
  })
}

describe('ContextCluster', () => {
  test('says which kubeconfig is missing or cannot be read, and how to name another', async () => {
    const made = (kubeconfigPath: string) => () => new ContextCluster({ kubeconfigPath, context: 'staging' })
    const broken = await kubeconfig('{ no yaml')

    expect(made('/missing/config')).toThrow("there is no kubeconfig '/missing/config'")
    expect(made('/missing/config')).toThrow(expect.objectContaining({ code: 'KUBECONFIG_MISSING' }))
    expect(made(broken)).toThrow(expect.objectContaining({ code: 'KUBECONFIG_UNREADABLE' }))
  })

  test('says that nobody listens, and what to try', async () => {
    const cluster = await clusterAt(await closedPort())
    const up = cluster.up(quiet, never)

    await expect(up).rejects.toThrow(MachineryError)
    await expect(up).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot use context 'staging': .*ECONNREFUSED/),
      hint: "See what kubectl says: kubectl --context 'staging' get nodes",
    })
  })

  test('stops asking a silent API server when it is told to', () =>
    listening(createServer(), async port => {
      const cluster = await clusterAt(port)
      const beganMs = performance.now()

      await expect(cluster.up(quiet, AbortSignal.timeout(200))).rejects.toThrow('timeout')
      expect(performance.now() - beganMs).toBeLessThan(5_000)
    }))

  test('tells what the API server said', () =>
    listening(
      createHttpServer((_, response) => void response.writeHead(403).end('{}')),
      async port => {
        const up = (await clusterAt(port)).up(quiet, never)

        await expect(up).rejects.toThrow("Cannot use context 'staging': the API server said 403")
      },
    ))
})

describe('contextChecks()', () => {
  const fits = { up: async () => ({ kubeconfigPath: '', context: '' }) }
  const registryCheck = async (registry: string | undefined) =>
    (await contextChecks(fits, registry, never)).find(({ check }) => check === 'registry')

  test('tells of a context that does not answer, with what to do', async () => {
    const [check] = await contextChecks(await clusterAt(await closedPort()), undefined, never)

    expect(check).toMatchObject({ ok: false, detail: expect.stringContaining('ECONNREFUSED') })
    expect(check?.hint).toContain('kubectl --context')
  })

  test.each([
    { status: 200, ok: true, detail: /answers \(http\)$/ },
    { status: 401, ok: true, detail: /asks for a login/ },
    { status: 404, ok: false, detail: /does not answer as a registry does/ },
  ])('takes an answer of $status at /v2/ for a registry: $ok', ({ status, ok, detail }) =>
    listening(
      createHttpServer(({ url }, response) => void response.writeHead(url === '/v2/' ? status : 500).end()),
      async port => {
        expect(await registryCheck(`127.0.0.1:${port}/team`)).toMatchObject({
          ok,
          detail: expect.stringMatching(detail),
        })
      },
    ),
  )

  test('tells of a registry where nobody listens, and of none', async () => {
    expect(await registryCheck(`127.0.0.1:${await closedPort()}`)).toMatchObject({ ok: false })
    expect(await registryCheck(undefined)).toMatchObject({ ok: true })
  })
})
