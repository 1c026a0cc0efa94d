import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import express from 'express'
import type { ErrorReport } from '../../instrumentation/telemetry.ts'
import { problemHandler, RequestRefused } from './problem.ts'

/** Asks an application whose every handler throws `error`. @returns its answer, and what was reported */
async function answerTo(path: string, error: unknown) {
  const reports: ErrorReport[] = []
  const app = express()
  const fail = () => {
    throw error
  }
  app.get('/api/runs/:runId', fail)
  app.get('/api/:project/envelope/', fail)
  app.use(
    problemHandler(
      () => undefined,
      report => reports.push(report),
    ),
  )
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
    return { status: response.status, body: await response.text(), reports }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe('problemHandler()', () => {
  test('reports by route what nobody foresaw, and tells the client nothing of it', async () => {
    const error = new TypeError('undefined is not a run')

    const { status, body, reports } = await answerTo('/api/runs/7', error)

    expect(status).toBe(500)
    expect(body).not.toContain('undefined')
    expect(reports).toEqual([
      {
        error,
        level: 'error',
        fingerprint: ['request failed', 'GET', '/api/runs/:runId', 'TypeError'],
        route: '/api/runs/:runId',
        method: 'GET',
      },
    ])
  })

  test.each([
    { title: 'what was refused', error: new RequestRefused(404, 'There is no such run.'), status: 404 },
    {
      title: 'a database that is away',
      error: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      status: 503,
    },
  ])('does not report $title', async ({ error, status }) => {
    expect(await answerTo('/api/runs/7', error)).toMatchObject({ status, reports: [] })
  })

  test('does not report an event that could not be taken: the report would be the next one', async () => {
    const answer = await answerTo('/api/1/envelope/', new TypeError('no event'))

    expect(answer).toMatchObject({ status: 500, reports: [] })
  })
})
