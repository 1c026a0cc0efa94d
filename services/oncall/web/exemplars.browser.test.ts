import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { ExampleConsole } from './example-console.ts'

const dashboard: unknown = JSON.parse(
  readFileSync(new URL('./example-dashboard.json', import.meta.url), 'utf8'),
)
/** For what a page does by itself within seconds, on a machine that has other things to do. */
const PATIENCE_MS = 20_000
jest.setTimeout(6 * PATIENCE_MS)

const TRACE = /^http:\/\/127\.0\.0\.1:30411\/zipkin\/traces\/([0-9a-f]{32})$/
const PANEL = '.panel[data-type=timeseries]:has(.traces:not([hidden]))'

/*
 * Where the chart library drew one of the newest marks, and where it leads: in the browser, whose module of the library is the
 * page's own.
 */
const MARK = `(async () => {
  const { name } = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/packages/echarts.mjs'))
  const { getInstanceByDom } = await import(name)
  const host = document.querySelector('${PANEL} .draw')
  const chart = getInstanceByDom(host)
  const seriesIndex = chart.getOption().series.findIndex(({ type }) => type === 'scatter')
  const [mark] = chart.getOption().series[seriesIndex].data.slice(2)
  const [x, y] = chart.convertToPixel({ seriesIndex }, mark.value)
  const { left, top } = host.getBoundingClientRect()
  return { x: left + x, y: top + y, href: mark.href }
})()`

let browser: Browser
let lab: ExampleConsole
let page: Page
/** What the browser complained of: broken scripts and what the page's policy refused. */
let complaints: string[]

beforeAll(async () => {
  browser = await launchChromium(process.env.CHROMIUM)
})
afterAll(() => browser?.close())
beforeEach(async () => {
  lab = new ExampleConsole({ example: dashboard })
  const baseURL = await lab.start()
  complaints = []
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 860 } })
  page = await context.newPage()
  page.setDefaultTimeout(2 * PATIENCE_MS)
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  // The trace store is another program; that its page is opened is what counts.
  await context.route('http://127.0.0.1:30411/**', route =>
    route.fulfill({ contentType: 'text/html', body: '<title>a trace</title>' }),
  )
  // It does not read again by itself, so that nothing moves while the test looks.
  await page.goto('/dashboards/example?refresh=0')
})
afterEach(async () => {
  await page.context().close()
  await lab.stop()
})

const list = () => page.getByRole('navigation', { name: 'Requests with a trace: Latency, p95' })

describe('requests with a trace', () => {
  test('are linked below their chart, the newest five, for keyboards too', async () => {
    await list().getByRole('link').first().waitFor()
    expect(await list().getByRole('link').count()).toBe(5)
    // One chart of the dashboard asks for them, once.
    expect(await page.locator('.traces:not([hidden])').count()).toBe(1)
    expect(lab.queries.filter(query => query.startsWith('(histogram_quantile'))).toHaveLength(1)

    const first = list().getByRole('link').first()
    expect(await first.textContent()).toMatch(/^\d\d:\d\d:\d\d (control|experiment) [\d.]+\u00a0ms$/)
    const href = await first.getAttribute('href')
    await first.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(TRACE)
    expect(page.url()).toBe(href)
    expect(complaints).toEqual([])
  })

  test('are marked on the chart; a mark tells its request and leads to its trace', async () => {
    await list().getByRole('link').first().waitFor()
    await page.locator(PANEL).scrollIntoViewIfNeeded()
    const mark = await page.evaluate<{ x: number; y: number; href: string }>(MARK)

    await page.mouse.move(mark.x, mark.y)
    await page.locator('.tip', { hasText: /Request with a trace: (control|experiment)/ }).waitFor()
    await page.mouse.click(mark.x, mark.y)
    await page.waitForURL(TRACE)
    expect(page.url()).toBe(mark.href)
    expect(complaints).toEqual([])
  })

  test('are said to be none when there are none, and unread when they cannot be read', async () => {
    await list().getByRole('link').first().waitFor()
    await page.route('**/api/prometheus/query_exemplars?*', route =>
      route.fulfill({ json: { status: 'success', data: [] } }),
    )
    await page.getByRole('button', { name: 'Read again' }).click()
    await list().getByText('No request with a trace in this time.').waitFor()

    await page.route('**/api/prometheus/query_exemplars?*', route =>
      route.fulfill({ status: 502, json: { detail: 'Prometheus did not answer.' } }),
    )
    await page.getByRole('button', { name: 'Read again' }).click()
    await list().getByText('Single requests could not be read. Prometheus did not answer.').waitFor()
    // The lines are worth showing without them.
    expect(await page.locator(`${PANEL}[data-series="2"]`).count()).toBe(1)
    expect(complaints).toEqual([])
  })
})
