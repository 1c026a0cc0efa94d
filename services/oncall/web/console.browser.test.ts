import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { ExampleConsole, TOKEN } from './example-console.ts'
import { exampleLive, FINGERPRINT, RUN_ID } from './example-lab.ts'
import { THEMES } from './tokens.ts'

const dashboard: unknown = JSON.parse(
  readFileSync(new URL('./example-dashboard.json', import.meta.url), 'utf8'),
)
/** For what a page does by itself within seconds, on a machine that has other things to do. */
const PATIENCE_MS = 20_000
jest.setTimeout(6 * PATIENCE_MS)

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
const SCROLL_WIDTH = 'document.documentElement.scrollWidth'
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
const HALT_FROM_ELSEWHERE = `async target => {
  const send = init => fetch(target + '/api/halt', { method: 'POST', credentials: 'include', ...init })
  await send({ mode: 'no-cors', body: '{"reason":"evil"}' }).catch(() => undefined)
  return send({ headers: { 'x-csrf-token': 'guess' } }).then(({ status }) => 'answered ' + status, () => 'refused')
}`

let browser: Browser
let lab: ExampleConsole
let base: string
/** What a browser complained of: broken scripts and what the page's policy refused. */
let complaints: string[]
const pages: Page[] = []

beforeAll(async () => {
  browser = await launchChromium(process.env.CHROMIUM)
})
afterAll(() => browser?.close())
beforeEach(async () => {
  lab = new ExampleConsole({ example: dashboard })
  base = await lab.start()
  complaints = []
})
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close()
  await lab.stop()
})

async function open(path: string, options: BrowserContextOptions = DESKTOP): Promise<Page> {
  const context = await browser.newContext({ baseURL: base, ...options })
  const page = await context.newPage()
  pages.push(page)
  page.setDefaultTimeout(2 * PATIENCE_MS)
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    // That a request was refused is what some tests are about; the browser tells it as well.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(path)
  return page
}

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
const rgb = (colour: string) =>
  `rgb(${[1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16)).join(', ')})`

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Console token').fill(TOKEN)
  await page.locator('dialog').getByRole('button', { name: 'Sign in' }).click()
}

/** Share of the pixels of a drawing that are not its background. */
function inked(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(`(${INKED})(document.querySelector('${selector} canvas'))`)
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const givenUpAtMs = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > givenUpAtMs) throw new Error(`Cannot wait any longer for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Looks until it sees what is wanted: a page goes on with a key or a click in tasks of its own, after it was pressed. */
async function expectSoon<Seen>(look: () => Promise<Seen>, wanted: Seen): Promise<void> {
  const givenUpAtMs = Date.now() + PATIENCE_MS
  let seen = await look()
  while (!isDeepStrictEqual(seen, wanted) && Date.now() < givenUpAtMs) {
    await new Promise(resolve => setTimeout(resolve, 50))
    seen = await look()
  }
  expect(seen).toEqual(wanted)
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
    expect(complaints).toEqual([])
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
    expect(complaints).toEqual([])
  })
})

describe('the live map', () => {
  test('leaves the focus where it is while it renews itself', async () => {
    const page = await open('/')
    const link = page.locator('#run').getByRole('link', { name: 'network-latency' })
    await page.locator('#tail-now .g-control').waitFor()
    await link.focus()
    const first = await page.locator('#run').textContent()

    lab.live = nowMs => ({ ...exampleLive(nowMs), attacks: [], halt: null })
    await until(async () => (await page.locator('#run').textContent()) !== first, 'the run to be drawn again')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('network-latency')
    expect(complaints).toEqual([])
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
    lab.live = nowMs => ({
      ...exampleLive(nowMs),
      attacks: [],
      run: null,
      services: exampleLive(nowMs).services.map(cell => ({ ...cell, state: 'healthy' })),
    })
    const page = await open('/')
    await page.getByText('All 20 places are healthy').first().waitFor()

    lab.live = exampleLive
    await page.getByText('An attack is on').waitFor()
    const zoneB = page.locator('#map-of-experiment tbody tr').nth(1).locator('td').nth(1)
    expect(await zoneB.textContent()).toContain('attacked')
    await page
      .locator('#announcer', { hasText: 'experiment recommender in zone b: attacked.' })
      .waitFor({ state: 'attached' })
    expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toContain('e = 14 of 100')
    expect(complaints).toEqual([])
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
    expect(complaints).toEqual([])
  })

  test('shows nothing as healthy once its source is gone, and says since when', async () => {
    const page = await open('/')
    await page.locator('.tile.healthy').first().waitFor()
    lab.isReachable = false
    lab.prometheus = 'unreachable'

    await page.getByText('Not up to date', { exact: true }).waitFor()
    await expectSoon(() => page.locator('.tile.healthy').count(), 0)
    await expectSoon(() => page.locator('.tile.unknown').count(), 20)
    await page.getByText('Prometheus cannot be read. Prometheus does not answer.').first().waitFor()
    await expectSoon(() => page.locator('#success-now').textContent(), '')
    await page.locator('#announcer', { hasText: 'No fresh data' }).waitFor({ state: 'attached' })

    lab.isReachable = true
    await page.locator('.tile.healthy').first().waitFor()
  })
})

describe('halting', () => {
  test('is refused without signing in, done with it, seen, and released', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Halt all attacks' }).click()
    await page.getByLabel('Console token').fill('a guess of sixteen characters')
    await page.locator('dialog').getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The token is not right.').waitFor()
    expect(lab.halt).toBeNull()
    await page.keyboard.press('Escape')
    await expectSoon(() => page.locator('dialog').count(), 0)
    await expectSoon(() => activeId(page), 'halt')

    await page.keyboard.press('Enter')
    await signIn(page)
    await page.getByLabel('Reason').fill('users <b>complain</b>')
    expect(lab.halt).toBeNull()
    await page.locator('dialog').getByRole('button', { name: 'Halt' }).click()
    await page.getByText('Everything is halted').first().waitFor()
    await page.getByText('users <b>complain</b>', { exact: false }).first().waitFor()
    expect(lab.halt).toBe('users <b>complain</b>')

    await page.getByRole('button', { name: 'Release the halt' }).click()
    await page.locator('dialog').getByRole('button', { name: 'Release' }).click()
    await page.getByText('An attack is on').waitFor()
    expect(lab.halt).toBeNull()
    expect(complaints).toEqual([])
  })

  test('asks nobody who is signed in for the token again, however early the button is pressed', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signIn(page)
    await page.getByRole('button', { name: 'Sign out' }).waitFor()

    const pressed = Promise.withResolvers<void>()
    await page.route('**/api/session', async route => {
      await pressed.promise
      await route.continue()
    })
    await page.reload()
    await page.getByRole('button', { name: 'Halt all attacks' }).click()
    pressed.resolve()
    await page.locator('dialog').waitFor()
    expect(await page.locator('dialog h2').textContent()).toBe('Halt all attacks?')
  })

  test('leaves the focus on the button that is offered then, though the map shows the halt before the answer comes', async () => {
    const page = await open('/')
    await page.route('**/api/halt', async route => {
      const response = await route.fetch()
      await page.locator('#release').waitFor()
      await route.fulfill({ response })
    })
    await page.getByRole('button', { name: 'Halt all attacks' }).click()
    await signIn(page)
    await page.locator('dialog').getByRole('button', { name: 'Halt' }).click()

    await expectSoon(() => page.locator('dialog').count(), 0)
    await expectSoon(() => activeId(page), 'release')
  })

  test('shows that a button was heard, and hears it once, while the server does not say who is signed in', async () => {
    const page = await open('/')
    const asked = Promise.withResolvers<void>()
    await page.route('**/api/session', async route => {
      await asked.promise
      await route.continue()
    })
    await page.reload()
    const halt = page.locator('#halt')
    await halt.click()
    await expectSoon(() => halt.getAttribute('aria-busy'), 'true')
    expect(await halt.textContent()).toBe('Asking the server ...')
    await halt.click()
    expect(await page.locator('dialog').count()).toBe(0)

    asked.resolve()
    await page.locator('dialog').first().waitFor()
    await expectSoon(() => halt.getAttribute('aria-busy'), null)
    expect(await halt.textContent()).toBe('Halt all attacks')
    expect(await page.locator('dialog').count()).toBe(1)
  })

  test('leaves the focus on the button that is offered then, though nobody signed in', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Halt all attacks' }).click()
    await page.locator('dialog').waitFor()
    lab.halt = 'halted by somebody else'
    await page.locator('#release').waitFor()
    await page.keyboard.press('Escape')

    await expectSoon(() => page.locator('dialog').count(), 0)
    await expectSoon(() => activeId(page), 'release')
  })

  test('is not to be had from another site, though the browser is signed in', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signIn(page)
    await page.getByRole('button', { name: 'Sign out' }).waitFor()

    // The same server under another name: another site to a browser.
    const elsewhere = base.replace('127.0.0.1', 'localhost')
    const other = await page.context().newPage()
    await other.route(`${elsewhere}/evil`, route =>
      route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }),
    )
    await other.goto(`${elsewhere}/evil`)
    const outcome = await other.evaluate<string>(`(${HALT_FROM_ELSEWHERE})('${base}')`)

    expect(outcome).toBe('refused')
    expect(lab.halt).toBeNull()
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
    expect(lab.queries.some(query => query.includes('$'))).toBe(false)
    expect(complaints).toEqual([])
  })

  test('is narrowed by its variables and its time, which stand in the address', async () => {
    const page = await open('/dashboards/example')
    await untilPanelsAreRead(page, 6)
    expect(lab.queries.some(query => query.includes('group=~".*"'))).toBe(true)

    lab.queries.length = 0
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
    lab.prometheus = 'unreachable'
    await page.getByRole('button', { name: 'Read again' }).click()
    await page.getByText('No data could be read. Prometheus does not answer.').first().waitFor()
    await untilPanelsAreRead(page, 0)

    lab.prometheus = 'empty'
    await page.getByRole('button', { name: 'Read again' }).click()
    await page.getByText('No data in this time.').first().waitFor()
    lab.prometheus = 'answers'
    await page.getByRole('button', { name: 'Read again' }).click()
    await untilPanelsAreRead(page, 6)
  })

  const expectQuery = (...parts: readonly string[]) =>
    until(
      async () => lab.queries.some(query => parts.some(part => query.includes(part))),
      `a query with ${parts}`,
    )
})

describe('every page', () => {
  test.each(PAGES)(
    '%s fits a phone and stands still, without a script or style that is refused',
    async path => {
      const page = await open('about:blank', PHONE)
      await page.addInitScript(WATCH_SHIFTS)
      await page.goto(base + path)
      await page.waitForTimeout(1500)

      expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(360)
      // What Google calls good is below 0.1.
      expect(await page.evaluate<number>('shifted')).toBeLessThan(0.05)
      expect(complaints).toEqual([])
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
