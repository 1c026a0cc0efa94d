import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type ApiServer, describeReference, KubeconfigApiServer } from './api-server.ts'

type Asked = { readonly line: string; readonly type: string | undefined; readonly body: string }

/** Answers in the order in which they are given; the last one for ever. */
type Script = readonly { readonly status: number; readonly body: unknown }[]

let server: Server
let folder: string
let asked: Asked[]

async function serverThat(script: Script): Promise<ApiServer> {
  server = createServer(async (request, response) => {
    const answer = script[Math.min(asked.length, script.length - 1)]
    asked.push({
      line: `${request.method} ${request.url}`,
      type: request.headers['content-type'],
      body: await text(request),
    })
    const body = typeof answer?.body === 'string' ? answer.body : JSON.stringify(answer?.body)
    response.writeHead(answer?.status ?? 500).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true }
  const kubeconfigPath = join(folder, 'kubeconfig')
  await writeFile(
    kubeconfigPath,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'it', cluster }],
      users: [{ name: 'me', user: { token: 'secret' } }],
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'me' } }],
    }),
  )
  return new KubeconfigApiServer({ kubeconfigPath, context: 'it' })
}

async function text(request: IncomingMessage): Promise<string> {
  let all = ''
  for await (const chunk of request) all += chunk
  return all
}

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'gateway', namespace: 'control', labels: {} },
}

beforeEach(async () => {
  asked = []
  folder = await mkdtemp(join(tmpdir(), 'api-server-'))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true })
})

describe('KubeconfigApiServer', () => {
  test('applies by server-side apply, as the one owner of its fields', async () => {
    const api = await serverThat([{ status: 200, body: SERVICE }])

    await api.apply(SERVICE)

    expect(asked).toEqual([
      {
        line: 'PATCH /api/v1/namespaces/control/services/gateway?fieldManager=divergence&force=true',
        type: 'application/apply-patch+yaml',
        body: JSON.stringify(SERVICE),
      },
    ])
  })

  test('lists by labels and gives every item its kind', async () => {
    const api = await serverThat([{ status: 200, body: { items: [{ metadata: { name: 'a' } }] } }])

    const jobs = await api.list('Job', {
      namespace: 'control',
      labels: { group: 'control', service: 'ingest' },
    })

    expect(jobs).toEqual([{ kind: 'Job', metadata: { name: 'a' } }])
    expect(asked[0]?.line).toBe(
      'GET /apis/batch/v1/namespaces/control/jobs?labelSelector=group%3Dcontrol%2Cservice%3Dingest',
    )
  })

  test('takes what is missing for an answer', async () => {
    const api = await serverThat([{ status: 404, body: {} }])
    const reference = { kind: 'Job', name: 'gone', namespace: 'control' }

    expect(await api.read(reference)).toBeUndefined()
    expect(await api.remove(reference)).toBe(false)
    expect(await api.logTail('control', 'gone', 5)).toBe('')
  })

  test('leaves what is there already as it is', async () => {
    const api = await serverThat([{ status: 409, body: {} }])

    expect(await api.create(SERVICE)).toBeUndefined()
  })

  test('removes an object with all that it made', async () => {
    const api = await serverThat([{ status: 200, body: SERVICE }])

    expect(await api.remove({ kind: 'Job', name: 'old', namespace: 'control' })).toBe(true)
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ propagationPolicy: 'Background' })
  })

  test('asks again when the API server is busy', async () => {
    const api = await serverThat([
      { status: 503, body: 'not yet' },
      { status: 200, body: SERVICE },
    ])

    await expect(api.apply(SERVICE)).resolves.toEqual(SERVICE)
    expect(asked).toHaveLength(2)
  })

  test('tells the API server’s own words when it refuses', async () => {
    const api = await serverThat([{ status: 403, body: { message: 'services is forbidden' } }])

    await expect(api.apply(SERVICE)).rejects.toMatchObject({
      name: 'MachineryError',
      message: 'Cannot apply Service control/gateway: the API server said 403, services is forbidden',
      hint: expect.stringContaining('Use a context whose user may'),
    })
  })

  test('refuses a kind it does not know', async () => {
    const api = await serverThat([{ status: 200, body: {} }])

    await expect(api.read({ kind: 'Widget', name: 'x' })).rejects.toThrow("Cannot speak of kind 'Widget'")
    expect(asked).toEqual([])
  })
})

describe('describeReference()', () => {
  test('names the namespace only where there is one', () => {
    expect(describeReference({ kind: 'Job', name: 'x', namespace: 'control' })).toBe('Job control/x')
    expect(describeReference({ kind: 'Node', name: 'system' })).toBe('Node system')
  })
})
