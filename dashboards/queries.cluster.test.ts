import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { connectLab } from '../chaos/lab/connect.ts'
import { type LoadPlan, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../load/plan.ts'
import { labFolders } from '../platform/cluster/local/folders.ts'
import { LocalCluster } from '../platform/cluster/local/local.ts'
import { readRecord, recordPath } from '../platform/lab.ts'
import { SCRAPE_SECONDS } from '../platform/manifests/prometheus-config.ts'
import { FORWARDED_PORTS, GROUPS, PORTS, sharedHost } from '../platform/topology.ts'
import { launchChromium } from '../services/oncall/web/chromium.ts'
import { dashboards } from './files.ts'
import { panelsOf } from './lint.ts'
import { type Asked, askedBy } from './viewed.ts'

/*
 * On the running local lab (`./divergence up`): a panel that shows nothing is worse than none. Every query of every panel
 * is asked as a viewer asks it, and every page is drawn by the console, while the product's own load generator drives both
 * groups.
 */

const MINUTE_MS = 60_000
jest.setTimeout(6 * MINUTE_MS)

/** Long enough for every page to be asked and drawn, on a busy machine; it is ended as soon as they are. */
const LOAD = { requestsPerSecond: 10, writeShare: 0.1, durationSeconds: 600 }
/** A new series is there after a scrape, a rate after two, a rule that reads it an evaluation later. */
const GIVE_UP_MS = MINUTE_MS
/** The browser stands on the machine of the lab, and draws forty charts. */
const DRAWN_WITHIN_MS = 2 * MINUTE_MS
const LOOK_EVERY_MS = SCRAPE_SECONDS * 1000

const VIEW = { rangeSeconds: 300, stepSeconds: 15 }

/** Panels that are empty in a healthy lab, and why they are right to be. */
const EMPTY_WHEN_HEALTHY: Readonly<Record<string, string>> = {
  'Steady state / Attacks': 'nothing is attacked by this test',
  'Infrastructure / Attacks': 'nothing is attacked by this test',
  'Pipeline / Attacks': 'nothing is attacked by this test',
  'Load / Attacks': 'nothing is attacked by this test',
  'Kubernetes capacity / Attacks': 'nothing is attacked by this test',
  'Alerts and on-call / Attacks': 'nothing is attacked by this test',
  'SEV / Attacks': 'nothing is attacked by this test',
  'Application events / Attacks': 'nothing is attacked by this test',
  'Cluster of the lab / Attacks': 'nothing is attacked by this test',
  'Steady state / Running attacks': 'nothing is attacked by this test',
  'Infrastructure / CPU throttled': 'only a container with a CPU limit is throttled, and the lab sets none',
  'Load / Requests not sent':
    'the series begins with the first request that is left out, which makes a run invalid',
  'Kubernetes capacity / Why pods wait': 'no container waits',
  'Alerts and on-call / Firing alerts': 'nothing but the Watchdog has to fire',
  'Alerts and on-call / Firing by group': 'nothing but the Watchdog has to fire',
  'Alerts and on-call / Firing by alert': 'nothing but the Watchdog has to fire',
  'Alerts and on-call / Pending by alert': 'no condition has to hold',
  'SEV / What opens incidents now': 'no budget burns',
  'SEV / Alerts with a level': 'no budget burns',
  'Cluster of the lab / Targets that are down': 'all targets are up',
}

const PROMETHEUS = `http://127.0.0.1:${FORWARDED_PORTS.prometheus}/api/v1`

type Series = { readonly value?: [number, string]; readonly values?: readonly [number, string][] }

/** Finite values that a query has now, or over the last minutes. @throws Error with what Prometheus says */
async function ask({ query, instant }: Omit<Asked, 'name'>): Promise<readonly number[]> {
  const end = Date.now() / 1000
  const times = { start: String(end - VIEW.rangeSeconds), end: String(end), step: String(VIEW.stepSeconds) }
  const parameters = new URLSearchParams(instant ? { query } : { query, ...times })
  const answer = await fetch(`${PROMETHEUS}/${instant ? 'query' : 'query_range'}`, {
    method: 'POST',
    body: parameters,
    signal: AbortSignal.timeout(30_000),
  })
  const body = (await answer.json()) as { error?: string; data?: { result: readonly Series[] } }
  if (body.data === undefined) throw new Error(`Prometheus refuses '${query}': ${body.error}`)
  return body.data.result
    .flatMap(({ value, values }) => values ?? (value === undefined ? [] : [value]))
    .map(([, text]) => Number(text))
    .filter(Number.isFinite)
}

const record = await readRecord(recordPath(labFolders().state, undefined))
const { agents, clock, load, lock, urls } = connectLab({
  access: record.access,
  cluster: new LocalCluster(labFolders()),
  images: record.images,
  remoteWriteUrl: `http://${sharedHost('prometheus')}:${PORTS.prometheus}/api/v1/write`,
  self: { host: hostname(), pid: process.pid, isAlive: pid => pid === process.pid },
})
let held: { release(): Promise<void> } | undefined

beforeAll(async () => {
  const runId = `panels-${clock.nowMs()}`
  const signal = AbortSignal.timeout(3 * MINUTE_MS)
  held = await lock.acquire(runId, signal)
  await load.remove()
  const plan: LoadPlan = {
    runId,
    profile: 'steady',
    ...LOAD,
    seed: 1,
    urls,
    readTimeoutMs: READ_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
  }
  await load.start(plan, signal)
  for (const group of GROUPS) {
    const query = `sum(rate(k6_http_reqs_total{group="${group}"}[20s])) > 0`
    await until(
      async () => (await ask({ query, instant: true })).length > 0,
      `requests of the load generator to the ${group} group`,
    )
  }
})

afterAll(async () => {
  await load.remove()
  await held?.release()
  agents.close()
})

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpMs = Date.now() + 2 * MINUTE_MS
  while (!(await condition())) {
    if (Date.now() > giveUpMs) throw new Error(`Waited in vain for: ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}

/** Those that have no value; asked one after the other, as a page is drawn by one browser. */
async function unanswered(questions: readonly Asked[]): Promise<readonly Asked[]> {
  const empty: Asked[] = []
  for (const question of questions) if ((await ask(question)).length === 0) empty.push(question)
  return empty
}

const panelOf = ({ name }: Asked) => name.replace(/, [A-Z]$/, '')

const nowSeconds = Date.now() / 1000
const view = {
  fromSeconds: nowSeconds - VIEW.rangeSeconds,
  toSeconds: nowSeconds,
  stepSeconds: VIEW.stepSeconds,
}
const pages = dashboards().map(page => [page.title ?? '', askedBy(page, view)] as const)

describe('every query of every panel', () => {
  test.each(pages)('%s shows values', async (_, questions) => {
    const giveUpMs = Date.now() + GIVE_UP_MS
    const needed = questions.filter(question => !(panelOf(question) in EMPTY_WHEN_HEALTHY))
    // What may be empty is asked as well: a query that is wrong would be refused.
    await unanswered(questions.filter(question => !needed.includes(question)))
    let empty = await unanswered(needed)
    while (empty.length > 0 && Date.now() < giveUpMs) {
      await sleep(LOOK_EVERY_MS)
      empty = await unanswered(empty)
    }
    expect(empty).toEqual([])
  })

  test('is forgiven for being empty only where there is such a panel', () => {
    const names = pages.flatMap(([, questions]) => questions.map(panelOf))
    expect(Object.keys(EMPTY_WHEN_HEALTHY).filter(name => !names.includes(name))).toEqual([])
  })

  test('would be found out: a metric that nobody has gives no value', async () => {
    const invented = { name: 'Invented', query: 'sum(invented_total)', instant: false }
    expect(await unanswered([invented])).toEqual([invented])
  })
})

const CONSOLE = `http://127.0.0.1:${FORWARDED_PORTS.oncall}`
const ZIPKIN = `http://127.0.0.1:${FORWARDED_PORTS.zipkin}`

/** How a page looks, one row for each panel: it runs in the browser, whose globals Node's types do not have. */
const PANELS = `[...document.querySelectorAll('.panel')].map(panel => ({
  title: panel.querySelector('h3').textContent,
  isRead: panel.dataset.series !== undefined || panel.querySelector('.body > .message') !== null,
  isDrawn: Number(panel.dataset.series) > 0 && panel.querySelector('canvas, .figure, .bars > div, tbody tr') !== null,
  message: panel.querySelector('.body > .message')?.textContent ?? '',
  problem:
    panel.querySelector('.message.bad')?.textContent ??
    [...panel.querySelectorAll('.traces')].map(one => one.textContent).find(text => text.includes('could not')) ??
    '',
}))`

type Seen = {
  readonly title: string
  readonly isRead: boolean
  readonly isDrawn: boolean
  readonly message: string
  readonly problem: string
}

/** What a page lacks: panels, what they should show, or the answer of Prometheus. */
async function lacks(page: Page, name: string, titles: readonly string[]): Promise<readonly string[]> {
  const seen = await page.evaluate<readonly Seen[]>(PANELS)
  return [
    ...titles.filter(title => !seen.some(one => one.title === title)).map(title => `${title}: no such panel`),
    ...seen
      .filter(({ title, isRead, isDrawn, problem }) => {
        const mayBeEmpty = `${name} / ${title}` in EMPTY_WHEN_HEALTHY
        return problem !== '' || !(mayBeEmpty ? isRead : isDrawn)
      })
      .map(({ title, message, problem }) => `${title}: ${problem || message || 'not read'}`),
  ]
}

describe('the console', () => {
  let browser: Browser
  let page: Page
  /** Broken scripts, and what the page's policy refused. */
  let complaints: string[]

  beforeAll(async () => {
    browser = await launchChromium(process.env.CHROMIUM)
  }, MINUTE_MS)
  afterAll(() => browser?.close())

  async function open(uid: string | undefined): Promise<void> {
    page = await browser.newPage()
    complaints = []
    page.on('pageerror', error => complaints.push(error.message))
    page.on('console', message => {
      // What could not be loaded stands in its panel.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text())
    })
    await page.goto(`${CONSOLE}/dashboards/${uid}`)
  }

  test.each(dashboards().map(one => [one.title ?? '', one] as const))('draws %s', async (name, one) => {
    const titles = panelsOf(one).map(({ title }) => title ?? '')
    await open(one.uid)
    // It reads again by itself, every ten seconds.
    const giveUpMs = Date.now() + DRAWN_WITHIN_MS
    let lacking = await lacks(page, name, titles)
    while (lacking.length > 0 && Date.now() < giveUpMs) {
      await sleep(1_000)
      lacking = await lacks(page, name, titles)
    }
    expect({ lacking, complaints }).toEqual({ lacking: [], complaints: [] })
    await page.close()
  })

  test('leads from a request that a chart marks to its trace', async () => {
    await open('divergence-pipeline')
    const links = page
      .getByRole('navigation', { name: 'Requests with a trace: Gateway: latency', exact: true })
      .getByRole('link')
    await links.first().waitFor({ timeout: DRAWN_WITHIN_MS })
    let trace: readonly unknown[] = []
    // Spans come to the store some seconds after their request.
    await until(async () => {
      const href = (await links.last().getAttribute('href')) ?? ''
      const traceId = /^http:\/\/[^/]+\/zipkin\/traces\/([0-9a-f]{32})$/.exec(href)?.[1]
      expect([href, traceId]).toEqual([href, expect.any(String)])
      const answer = await fetch(`${ZIPKIN}/api/v2/trace/${traceId}`, { signal: AbortSignal.timeout(10_000) })
      if (answer.ok) trace = (await answer.json()) as readonly unknown[]
      return trace.length > 0
    }, 'the trace of a marked request')
    expect(JSON.stringify(trace)).toContain('gateway')
    await page.close()
  })
})
