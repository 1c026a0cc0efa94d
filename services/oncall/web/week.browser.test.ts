import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { ExampleConsole } from './example-console.ts'
import { contrast } from './tokens.ts'

/** For what a page does by itself within seconds, on a machine that has other things to do. */
const PATIENCE_MS = 20_000
jest.setTimeout(6 * PATIENCE_MS)

const DESKTOP = { viewport: { width: 1200, height: 900 }, colorScheme: 'light' } as const
const PHONE = { viewport: { width: 400, height: 800 }, colorScheme: 'light' } as const

/*
 * What is asked of a page stands here as text: it runs in the browser, whose globals Node's types do not have.
 */
const SCROLL_WIDTH = 'document.documentElement.scrollWidth'
const ACTIVE_ADDRESS = "document.activeElement?.getAttribute('href')"
const ACTIVE_REGION = "document.activeElement?.getAttribute('aria-label')"
/** Colours of every text that is seen, on the nearest background that is not clear. */
const COLOURS_OF_TEXT = `(() => {
  const clear = colour => /, 0\\)$|^transparent$/.test(colour)
  const pairs = new Set()
  for (const element of document.querySelectorAll('main *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim() !== '')) continue
    let behind = element
    while (behind !== null && clear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement
    pairs.add(getComputedStyle(element).color + ' on ' + getComputedStyle(behind ?? document.body).backgroundColor)
  }
  return [...pairs]
})()`

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
  lab = new ExampleConsole({})
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
  page.setDefaultTimeout(PATIENCE_MS)
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(path)
  return page
}

/** Goes on with Tab until `holds`: what a person without a mouse does. */
async function tabUntil(page: Page, holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let steps = 0; steps < 60; steps++) {
    await page.keyboard.press('Tab')
    if (await holds()) return
  }
  throw new Error(`Cannot reach ${what} by the keyboard`)
}

/** `rgb(27, 28, 32)` as `#1b1c20`. */
function hex(colour: string): string {
  const parts = /^rgba?\((\d+), (\d+), (\d+)/.exec(colour)?.slice(1) ?? []
  return `#${parts.map(part => Number(part).toString(16).padStart(2, '0')).join('')}`
}

describe('the page of a week', () => {
  test('is reached from the sections, and leads to the week before and back by the keyboard', async () => {
    const page = await open('/')
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Week' }).click()
    await page.getByRole('heading', { name: 'Week 47 of 2026' }).waitFor()

    await page.getByRole('link', { name: 'Week before: 2026-W46' }).waitFor()
    const isBefore = async () => (await page.evaluate<string | null>(ACTIVE_ADDRESS)) === '/weeks/2026-W46'
    await tabUntil(page, isBefore, 'the week before')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/weeks/2026-W46')
    await page.getByText('No alert in this week; 2 % of it was observed.').waitFor()
    await page.getByRole('link', { name: 'Week after: 2026-W47' }).click()
    await page.waitForURL('**/weeks/2026-W47')
    expect(complaints).toEqual([])
  })

  test('opens the most frequent alerts of a service, and hides them until then', async () => {
    const page = await open('/weeks')
    const folded = page.locator('details', { hasText: 'gateway, experiment' })
    const first = folded.getByText('RetriesOverBudget')
    expect(await first.isVisible()).toBe(false)

    await folded.locator('summary').focus()
    await page.keyboard.press('Enter')
    await first.waitFor()
    expect(await folded.locator('tbody tr').count()).toBe(5)
    expect(complaints).toEqual([])
  })

  test.each(['/weeks', '/weeks/2026-W46', '/weeks/2026-W45'])(
    '%s fits a phone: what is wide scrolls in its own region, which the keyboard reaches',
    async path => {
      const page = await open(path, PHONE)
      for (const summary of await page.locator('summary').all()) await summary.click()

      expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(400)
      expect(complaints).toEqual([])
      if (path !== '/weeks') return
      const isRegion = async () => (await page.evaluate<string | null>(ACTIVE_REGION)) === 'Incidents'
      await tabUntil(page, isRegion, 'the table of incidents')
    },
  )

  test.each(['light', 'dark'] as const)('has text in %s that is seen as AA asks for', async colorScheme => {
    const page = await open('/weeks', { ...DESKTOP, colorScheme })
    for (const summary of await page.locator('summary').all()) await summary.click()
    const pairs = await page.evaluate<string[]>(COLOURS_OF_TEXT)
    const tooWeak = pairs.filter(pair => {
      const [text = '', behind = ''] = pair.split(' on ')
      return contrast(hex(text), hex(behind)) < 4.5
    })

    expect(pairs.length).toBeGreaterThan(5)
    expect(tooWeak).toEqual([])
  })

  test('is printed without what only a screen needs, and with the lists that were closed', async () => {
    const page = await open('/weeks')
    await page.emulateMedia({ media: 'print' })

    expect(await page.getByRole('navigation', { name: 'Console' }).isVisible()).toBe(false)
    expect(await page.getByRole('link', { name: 'Week before: 2026-W46' }).isVisible()).toBe(false)
    await page.getByText('RetriesOverBudget').first().waitFor()
    expect(complaints).toEqual([])
  })
})
