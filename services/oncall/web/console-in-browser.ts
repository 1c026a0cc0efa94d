import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { ExampleConsole, TOKEN } from './example-console.ts'

/*
 * The console with an example lab, in a real Chromium. What is asked of a page stands in the tests as text: it runs in the
 * browser, whose globals Node's types do not have.
 */

/** For what a page does by itself within seconds, on a machine that has other things to do. */
const PATIENCE_MS = 20_000
const LOOK_AGAIN_MS = 50

export const SCROLL_WIDTH = 'document.documentElement.scrollWidth'

/** Colours of every text that is seen in what `selector` chooses, on the nearest background that is not clear. */
export function coloursOfText(selector: string): string {
  return `(() => {
  const clear = colour => /, 0\\)$|^transparent$/.test(colour)
  const pairs = new Set()
  for (const element of document.querySelectorAll('${selector}')) {
    if (!element.matches('textarea') && ![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim() !== '')) continue
    let behind = element
    while (behind !== null && clear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement
    pairs.add(getComputedStyle(element).color + ' on ' + getComputedStyle(behind ?? document.body).backgroundColor)
  }
  return [...pairs]
})()`
}

export type ShownConsole = {
  /** A new one for each test. */
  lab: ExampleConsole
  base: string
  /** What a browser complained of: broken scripts and what the page's policy refused. */
  complaints: string[]
  /** A page of its own, as of another person. */
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Page>
}

/**
 * Begins and ends it around each test of the file that calls this.
 *
 * @param usual how pages are opened that do not say otherwise
 * @param dashboards by uid
 */
export function consoleInBrowser(
  usual: BrowserContextOptions,
  dashboards: Readonly<Record<string, unknown>> = {},
): ShownConsole {
  jest.setTimeout(6 * PATIENCE_MS)
  const pages: Page[] = []
  let browser: Browser | undefined
  const shown: ShownConsole = { lab: new ExampleConsole(dashboards), base: '', complaints: [], open }
  beforeAll(async () => {
    browser = await launchChromium(process.env.CHROMIUM)
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    shown.lab = new ExampleConsole(dashboards)
    shown.base = await shown.lab.start()
    shown.complaints = []
  })
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close()
    await shown.lab.stop()
  })

  async function open(path: string, options: BrowserContextOptions = usual): Promise<Page> {
    if (browser === undefined) throw new Error('Cannot open a page: no browser was started')
    const context = await browser.newContext({ baseURL: shown.base, ...options })
    const page = await context.newPage()
    pages.push(page)
    page.setDefaultTimeout(2 * PATIENCE_MS)
    page.on('pageerror', error => shown.complaints.push(error.message))
    page.on('console', message => {
      // That a request was refused is what some tests are about; the browser tells it as well.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        shown.complaints.push(message.text())
    })
    await page.goto(path)
    return page
  }
  return shown
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Console token').fill(TOKEN)
  await page.locator('dialog').getByRole('button', { name: 'Sign in' }).click()
}

export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const givenUpAtMs = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > givenUpAtMs) throw new Error(`Cannot wait any longer for ${what}`)
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

/** Looks until it sees what is wanted: a page goes on with a key or a click in tasks of its own, after it was pressed. */
export async function expectSoon<Seen>(look: () => Promise<Seen>, wanted: Seen): Promise<void> {
  const givenUpAtMs = Date.now() + PATIENCE_MS
  let seen = await look()
  while (!isDeepStrictEqual(seen, wanted) && Date.now() < givenUpAtMs) {
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS))
    seen = await look()
  }
  expect(seen).toEqual(wanted)
}
