import { describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { coloursOfText, consoleInBrowser, SCROLL_WIDTH } from './console-in-browser.ts'
import { contrast } from './tokens.ts'

const DESKTOP = { viewport: { width: 1200, height: 900 }, colorScheme: 'light' } as const
const PHONE = { viewport: { width: 400, height: 800 }, colorScheme: 'light' } as const

/*
 * What is asked of a page stands here as text: it runs in the browser, whose globals Node's types do not have.
 */
const ACTIVE_ADDRESS = "document.activeElement?.getAttribute('href')"
const ACTIVE_REGION = "document.activeElement?.getAttribute('aria-label')"

const shown = consoleInBrowser(DESKTOP)
const { open } = shown

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
    expect(shown.complaints).toEqual([])
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
    expect(shown.complaints).toEqual([])
  })

  test.each(['/weeks', '/weeks/2026-W46', '/weeks/2026-W45'])(
    '%s fits a phone: what is wide scrolls in its own region, which the keyboard reaches',
    async path => {
      const page = await open(path, PHONE)
      for (const summary of await page.locator('summary').all()) await summary.click()

      expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(400)
      expect(shown.complaints).toEqual([])
      if (path !== '/weeks') return
      const isRegion = async () => (await page.evaluate<string | null>(ACTIVE_REGION)) === 'Incidents'
      await tabUntil(page, isRegion, 'the table of incidents')
    },
  )

  test.each(['light', 'dark'] as const)('has text in %s that is seen as AA asks for', async colorScheme => {
    const page = await open('/weeks', { ...DESKTOP, colorScheme })
    for (const summary of await page.locator('summary').all()) await summary.click()
    const pairs = await page.evaluate<string[]>(coloursOfText('main *'))
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
    expect(shown.complaints).toEqual([])
  })
})
