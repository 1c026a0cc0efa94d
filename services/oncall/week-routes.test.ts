import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import { readRoutes } from './console-routes.ts'
import type { OncallContext } from './context.ts'
import type { ConsoleReads } from './contract.ts'
import { problemHandler } from './problem.ts'
import { emptyReport, exampleReport } from './weekly/example-report.ts'
import { parseWeek } from './weekly/iso-week.ts'
import { weekMarkdown } from './weekly/markdown.ts'

const READS: Pick<ConsoleReads, 'week'> = {
  week: async name => {
    if (name === 'broken') throw new Error('the store is gone')
    if (name === 'last') return emptyReport()
    parseWeek(name)
    return exampleReport()
  },
}

let server: Server
let base = ''

beforeAll(async () => {
  const app = express().set('query parser', 'simple')
  const settings = async () => ({ zipkinUrl: null, dashboards: [] })
  app.use(readRoutes({} as OncallContext, READS as ConsoleReads, settings))
  app.use(problemHandler(() => undefined))
  server = createServer(app)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/weeks`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describe('GET /api/weeks/:week', () => {
  test('answers the report as data', async () => {
    const answer = await fetch(`${base}/2026-W47`)

    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(exampleReport())))
    expect(await (await fetch(`${base}/last?format=json`)).json()).toMatchObject({ week: '2026-W46' })
  })

  test('answers it as Markdown when that is asked for', async () => {
    const answer = await fetch(`${base}/2026-W47?format=markdown`)

    expect(answer.headers.get('content-type')).toMatch(/^text\/markdown/)
    expect(await answer.text()).toBe(weekMarkdown(exampleReport()))
  })

  test('refuses a week that is none, and says which there are', async () => {
    const answer = await fetch(`${base}/2026-W54`)

    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await answer.json()).toMatchObject({
      detail: expect.stringMatching(
        /there is no such week\. Weeks are named as in ISO 8601, such as 2026-W47/,
      ),
    })
  })

  test('refuses a form that there is not', async () => {
    expect((await fetch(`${base}/2026-W47?format=pdf`)).status).toBe(400)
  })

  test('takes no failure of its own for a mistake of who asks', async () => {
    expect((await fetch(`${base}/broken`)).status).toBe(500)
  })
})
