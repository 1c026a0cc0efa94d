import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { consoleInBrowser, expectSoon, SCROLL_WIDTH, until } from './console-in-browser.ts'
import { exampleLive, FINGERPRINT, RUN_ID } from './example-lab.ts'
import { THEMES } from './tokens.ts'

const dashboard: unknown = JSON.parse(
  readFileSync(new URL('./example-dashboard.json', import.meta.url), 'utf8'),
)
const DESKTOP = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' } as const
const PHONE = { viewport: { width: 360, height: 740 }, colorScheme: 'light' } as const
const PAGES = [
  '/',
  '/dashboards',
  '/dashboards/example',
  '/runs',
  `/runs/${RUN_ID}`,
  '/alerts',
  '/weeks',
  '/weeks/last',
  '/runbooks',
  '/runbooks/DatabaseFailover',
  '/events',
  `/events/${FINGERPRINT}`,
]

/*
 * What is asked of a page stands here as text: it runs in the browser, whose globals Node's types do not have.
 */
const ACTIVE_ID = 'document.activeElement?.id'
const FOCUSED = `(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body)
  return { text: document.activeElement?.textContent?.trim() ?? '', ring: outlineStyle + ' ' + outlineWidth }
})()`
const ROOM_AROUND_WORDS = `Math.min(...[...document.querySelectorAll('.tile > span:first-child')].map(word => {
  const [inner, outer] = [word, word.parentElement].map(one => one.getBoundingClientRect())
  return Math.min(inner.left - outer.left, outer.right - inner.right)
}))`
const INKED = `canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  let drawn = 0
  for (let index = 3; index < data.length; index += 4) if (data[index] > 0) drawn++
  return drawn / (data.length / 4)
}`
const WATCH_SHIFTS = `shifted = 0
new PerformanceObserver(list => {
  for (const { value } of list.getEntries()) shifted += value
}).observe({ type: 'layout-shift', buffered: true })`
const shown = consoleInBrowser(DESKTOP, { example: dashboard })
const { open } = shown

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
const rgb = (colour: string) =>
  `rgb(${[1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16)).join(', ')})`

/** Share of the pixels of a drawing that are not its background. */
function inked(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(`(${INKED})(document.querySelector('${selector} canvas'))`)
}

const activeId = (page: Page) => page.evaluate<string | undefined>(ACTIVE_ID)

async function untilInked(page: Page, selector: string): Promise<void> {
  await until(async () => (await inked(page, selector)) > 0.01, `${selector} to be drawn`)
}

async function untilPanelsAreRead(page: Page, count: number): Promise<void> {
  await expectSoon(() => page.locator('.panel[data-series]').count(), count)
}

describe('the theme', () => {
  test('follows the system, turns by its button, and stays on the next page', async () => {
    const page = await open('/runs')
    await expectSoon(() => background(page), rgb(THEMES.light.paper))

    await page.getByRole('button', { name: 'Use the dark theme' }).click()
    await expectSoon(() => background(page), rgb(THEMES.dark.paper))
    await page.goto('/alerts')
    await expectSoon(() => background(page), rgb(THEMES.dark.paper))
    await page.getByRole('button', { name: 'Use the light theme' }).click()
    await expectSoon(() => background(page), rgb(THEMES.light.paper))
    const ofADarkSystem = await open('/runs', { ...DESKTOP, colorScheme: 'dark' })
    await expectSoon(() => background(ofADarkSystem), rgb(THEMES.dark.paper))
    expect(shown.complaints).toEqual([])
  })
})

describe('the keyboard', () => {
  test('skips to the content, walks the sections and opens one, its place always seen', async () => {
    const page = await open('/')
    const focused = () => page.evaluate<{ text: string; ring: string }>(FOCUSED)

    await page.keyboard.press('Tab')
    await expectSoon(focused, { text: 'Skip to the content', ring: 'solid 2px' })
    await page.keyboard.press('Enter')
    await expectSoon(() => activeId(page), 'main')

    await page.goto('/')
    const stops = [
      'Skip to the content',
      'divergence',
      'Live',
      'Dashboards',
      'Runs',
      'Alerts',
      'Week',
      'Events',
    ]
    for (const text of stops) {
      await page.keyboard.press('Tab')
      await expectSoon(focused, { text, ring: 'solid 2px' })
    }
    await page.keyboard.press('Enter')
    await page.waitForURL('**/events')
    expect(shown.complaints).toEqual([])
  })
})

describe('the live map', () => {
  test('leaves the focus where it is while it renews itself', async () => {
    const page = await open('/')
    const link = page.locator('#run').getByRole('link', { name: 'network-latency' })
    await page.locator('#tail-now .g-control').waitFor()
    await link.focus()
    const first = await page.locator('#run').textContent()

    shown.lab.live = nowMs => ({ ...exampleLive(nowMs), attacks: [], halt: null })
    await until(async () => (await page.locator('#run').textContent()) !== first, 'the run to be drawn again')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('network-latency')
    expect(shown.complaints).toEqual([])
  })

  test.each([400, 800, 1200, 1390])(
    'keeps its words within their squares on a page of %i px',
    async width => {
      const page = await open('/', { viewport: { width, height: 900 } })
      await page.getByText('attacked', { exact: true }).waitFor()
      expect(await page.evaluate<number>(ROOM_AROUND_WORDS)).toBeGreaterThanOrEqual(3)
    },
  )

  test('moves without a reload and tells it to those who hear the page', async () => {
    shown.lab.live = nowMs => ({
      ...exampleLive(nowMs),
      attacks: [],
      run: null,
      services: exampleLive(nowMs).services.map(cell => ({ ...cell, state: 'healthy' })),
    })
    const page = await open('/')
    await page.getByText('All 20 places are healthy').first().waitFor()

    shown.lab.live = exampleLive
    await page.getByText('An attack is on').waitFor()
    const zoneB = page.locator('#map-of-experiment tbody tr').nth(1).locator('td').nth(1)
    expect(await zoneB.textContent()).toContain('attacked')
    await page
      .locator('#announcer', { hasText: 'experiment recommender in zone b: attacked.' })
      .waitFor({ state: 'attached' })
    expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toContain('e = 14 of 100')
    expect(shown.complaints).toEqual([])
  })

  test('draws the steady state of both groups and their difference', async () => {
    const page = await open('/')

    for (const id of ['success', 'throughput', 'median', 'tail']) {
      await page.locator(`#${id}-now .g-experiment`).waitFor()
      await until(
        async () =>
          /Now: control .+, experiment .+\./.test(
            (await page.locator(`#${id}`).getAttribute('aria-label')) ?? '',
          ),
        `#${id} to tell its numbers`,
      )
      await untilInked(page, `#${id}`)
    }
    expect(shown.complaints).toEqual([])
  })

  test('shows nothing as healthy once its source is gone, and says since when', async () => {
    const page = await open('/')
    await page.locator('.tile.healthy').first().waitFor()
    shown.lab.isReachable = false
    shown.lab.prometheus = 'unreachable'

    await page.getByText('Not up to date', { exact: true }).waitFor()
    await expectSoon(() => page.locator('.tile.healthy').count(), 0)
    await expectSoon(() => page.locator('.tile.unknown').count(), 20)
    await page.getByText('Prometheus cannot be read. Prometheus does not answer.').first().waitFor()
    await expectSoon(() => page.locator('#success-now').textContent(), '')
    await page.locator('#announcer', { hasText: 'No fresh data' }).waitFor({ state: 'attached' })

    shown.lab.isReachable = true
    await page.locator('.tile.healthy').first().waitFor()
  })
})

describe('a dashboard', () => {
  test('is drawn from its Grafana file: lines, numbers, bars, table and heat', async () => {
    const page = await open('/dashboards')
    await page.getByRole('link', { name: 'Example of every panel' }).click()
    await untilPanelsAreRead(page, 6)

    const panel = (title: string) =>
      page.locator('.panel', { has: page.getByRole('heading', { name: title, exact: true }) })
    expect(await panel('Success ratio').locator('.figure b').first().textContent()).toMatch(
      /^99\.\d\d\u00a0%$/,
    )
    expect(await panel('Requests by zone').locator('.bars > div').count()).toBe(3)
    expect(await panel('Services').locator('th').allTextContents()).toEqual([
      'Group',
      'Service',
      'Requests/s',
    ])
    expect(await panel('Services').locator('tbody tr').count()).toBe(6)
    for (const type of ['timeseries', 'heatmap']) await untilInked(page, `.panel[data-type=${type}]`)
    expect(await panel('Latency, p95').locator('.legend').textContent()).toMatch(
      /control.+ms.*experiment.+ms/,
    )
    expect(await panel('A panel of another kind').textContent()).toContain('drawn by Grafana only')
    expect(shown.lab.queries.some(query => query.includes('$'))).toBe(false)
    expect(shown.complaints).toEqual([])
  })

  test('is narrowed by its variables and its time, which stand in the address', async () => {
    const page = await open('/dashboards/example')
    await untilPanelsAreRead(page, 6)
    expect(shown.lab.queries.some(query => query.includes('group=~".*"'))).toBe(true)

    shown.lab.queries.length = 0
    await page.getByLabel('Group: All').click()
    await page.getByRole('checkbox', { name: 'experiment' }).check()
    await page.getByText('Read at').waitFor()
    await page.waitForURL(/var-group=experiment/)
    await expectQuery('group=~"experiment"')
    await page.keyboard.press('Escape')
    await expectSoon(() => page.locator('details[open]').count(), 0)

    await page.getByLabel('Time').selectOption({ label: 'last 6 h' })
    // 21600 s over half the pixels of a panel: the step grows, and the rate with it.
    await expectQuery('[65s]', '[125s]', '[35s]')
    await page.reload()
    await expectSoon(() => page.getByLabel('Time').inputValue(), '21600')
    await expectSoon(() => page.locator('#var-group').textContent(), 'experiment')
  })

  test('says what is wrong instead of drawing an old picture', async () => {
    const page = await open('/dashboards/example')
    await untilPanelsAreRead(page, 6)
    shown.lab.prometheus = 'unreachable'
    await page.getByRole('button', { name: 'Read again' }).click()
    await page.getByText('No data could be read. Prometheus does not answer.').first().waitFor()
    await untilPanelsAreRead(page, 0)

    shown.lab.prometheus = 'empty'
    await page.getByRole('button', { name: 'Read again' }).click()
    await page.getByText('No data in this time.').first().waitFor()
    shown.lab.prometheus = 'answers'
    await page.getByRole('button', { name: 'Read again' }).click()
    await untilPanelsAreRead(page, 6)
  })

  const expectQuery = (...parts: readonly string[]) =>
    until(
      async () => shown.lab.queries.some(query => parts.some(part => query.includes(part))),
      `a query with ${parts}`,
    )
})

describe('every page', () => {
  test.each(PAGES)(
    '%s fits a phone and stands still, without a script or style that is refused',
    async path => {
      const page = await open('about:blank', PHONE)
      await page.addInitScript(WATCH_SHIFTS)
      await page.goto(shown.base + path)
      await page.waitForTimeout(1500)

      expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(360)
      // What Google calls good is below 0.1.
      expect(await page.evaluate<number>('shifted')).toBeLessThan(0.05)
      expect(shown.complaints).toEqual([])
    },
  )

  test('leads from an event to its trace', async () => {
    const page = await open('/events')
    await page.getByRole('link', { name: 'OperationalError' }).click()
    await page.getByText('fetch_similar').first().waitFor()

    expect(await page.getByRole('link', { name: 'Follow its trace in Zipkin' }).getAttribute('href')).toMatch(
      /^http:\/\/127\.0\.0\.1:30411\/zipkin\/traces\/[0-9a-f]{32}$/,
    )
  })
})
