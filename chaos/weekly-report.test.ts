import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeConfig } from '@kubernetes/client-node'
import { fetchWeek } from './weekly-report.ts'

const PROXY = '/api/v1/namespaces/observability/services/oncall:http/proxy'

let server: Server
let config: KubeConfig
let asked: string[]
let answer: { readonly status: number; readonly body: string }

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(answer.status).end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  config = new KubeConfig()
  config.loadFromClusterAndUser(
    {
      name: 'lab',
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      // Otherwise no kubeconfig may name a server without TLS.
      skipTLSVerify: true,
    },
    { name: 'user' },
  )
})
afterEach(() => {
  server.close()
})

const fetched = (week: string, signal = new AbortController().signal) =>
  fetchWeek(config, week, 'markdown', signal).catch((error: unknown) => error)

describe('fetchWeek()', () => {
  test('asks oncall through the API server, and gives what it answers as it is', async () => {
    answer = { status: 200, body: '# Week 47 of 2026\n' }

    expect(await fetched('2026-W47')).toBe('# Week 47 of 2026\n')
    expect(asked).toEqual([`GET ${PROXY}/api/weeks/2026-W47?format=markdown`])
  })

  test('lets no week be another address', async () => {
    answer = { status: 200, body: '' }
    await fetched('../alerts?x=')

    expect(asked).toEqual([`GET ${PROXY}/api/weeks/..%2Falerts%3Fx%3D?format=markdown`])
  })

  test.each([
    {
      title: 'a week that is none',
      status: 400,
      body: JSON.stringify({ detail: 'Weeks are named as in ISO 8601.' }),
      expected: { code: 'WEEK_UNKNOWN', hint: expect.stringContaining('Weeks are named as in ISO 8601.') },
    },
    {
      title: 'a cluster without a lab',
      status: 404,
      body: JSON.stringify({ kind: 'Status', message: 'services "oncall" not found' }),
      expected: { code: 'LAB_NOT_UP', hint: expect.stringContaining('divergence up') },
    },
    {
      title: 'a lab that has no reports yet',
      status: 404,
      body: JSON.stringify({ detail: 'There is no such resource.' }),
      expected: { name: 'MachineryError', message: expect.stringContaining('older version') },
    },
    {
      title: 'an oncall that is not ready',
      status: 503,
      body: JSON.stringify({ kind: 'Status', message: 'no endpoints available for service "oncall"' }),
      expected: { name: 'MachineryError', message: expect.stringContaining('503, no endpoints available') },
    },
    {
      title: 'an answer that is not JSON',
      status: 502,
      body: 'Bad gateway',
      expected: { name: 'MachineryError', message: expect.stringContaining('502, Bad gateway') },
    },
  ])('tells of $title', async ({ status, body, expected }) => {
    answer = { status, body }

    expect(await fetched('2026-W60')).toMatchObject(expected)
  })

  test('tells of an API server that does not answer', async () => {
    server.close()

    expect(await fetched('current')).toMatchObject({
      name: 'MachineryError',
      message: expect.stringMatching(/API server of the cluster does not answer, .+/),
    })
  })

  test('leaves an interruption to whoever asked for it', async () => {
    expect(await fetched('current', AbortSignal.abort(new Error('Ctrl-C')))).not.toMatchObject({
      name: 'MachineryError',
    })
  })
})
