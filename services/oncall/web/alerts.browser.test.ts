import { describe, expect, test } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { coloursOfText, consoleInBrowser, SCROLL_WIDTH, until } from './console-in-browser.ts'
import { TOKEN } from './example-console.ts'
import { contrast } from './tokens.ts'

const DESKTOP = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' } as const
const NAME = 'GatewayLatencyBudgetBurn'
const NOTE = 'Zone b is slow <b>on purpose</b>'

/*
 * What is asked of a page stands here as text: it runs in the browser, whose globals Node's types do not have.
 */
const ACTIVE = `(() => {
  const active = document.activeElement
  return active?.getAttribute('aria-label') ?? active?.id ?? ''
})()`

const shown = consoleInBrowser(DESKTOP)
const { open } = shown

const active = (page: Page) => page.evaluate<string>(ACTIVE)

/** Goes on with Tab until `wanted` has the focus: what a person without a mouse does. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  for (let steps = 0; steps < 60; steps++) {
    if ((await active(page)) === wanted) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Cannot reach '${wanted}' by the keyboard`)
}

async function signInByKeyboard(page: Page): Promise<void> {
  await page.getByLabel('Console token').waitFor()
  await page.keyboard.type(TOKEN)
  await page.keyboard.press('Enter')
}

const acted = (page: Page): Locator => page.locator(`.acted[data-name=${NAME}] .done`)
const focusIs = (page: Page, wanted: string) =>
  until(async () => (await active(page)) === wanted, `the focus on '${wanted}'`)

describe('acting on an alert', () => {
  test('acknowledges with a note by the keyboard: seen at once, told, kept, and the focus stays', async () => {
    const page = await open('/alerts')
    expect(await acted(page).textContent()).toBe('nobody')
    await tabTo(page, `Acknowledge: ${NAME}`)
    await page.keyboard.press('Enter')
    await signInByKeyboard(page)
    await page.getByRole('heading', { name: `Acknowledge ${NAME}?` }).waitFor()
    await focusIs(page, 'note')
    await page.keyboard.type(NOTE)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')

    await acted(page).getByText(NOTE).waitFor()
    expect(await acted(page).textContent()).toMatch(/^Acknowledged\d{4}-\d\d-\d\d [\d:]{8}by console /)
    await page.locator('#announcer', { hasText: `${NAME} is acknowledged.` }).waitFor({ state: 'attached' })
    await focusIs(page, `Acknowledge: ${NAME}`)
    expect(shown.lab.alerts[0]?.actions).toMatchObject([{ action: 'acknowledged', note: NOTE }])

    await page.reload()
    expect(await acted(page).getByText(NOTE).isVisible()).toBe(true)
    expect(shown.complaints).toEqual([])
  })

  test('keeps what was typed when the server refuses, also in a form that is closed and opened again', async () => {
    const page = await open('/alerts')
    const note = page.getByRole('button', { name: `Note: ${NAME}` })
    await note.click()
    await signInByKeyboard(page)
    await page.getByRole('heading', { name: `Note on ${NAME}` }).waitFor()
    await page.keyboard.type(NOTE)
    const kept = shown.lab.alerts
    shown.lab.alerts = []
    await page.getByRole('button', { name: 'Keep the note' }).click()

    await page.locator('dialog').getByText('There is no such alert event.').waitFor()
    expect(await page.getByLabel('Note', { exact: true }).inputValue()).toBe(NOTE)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await focusIs(page, `Note: ${NAME}`)
    expect(await acted(page).textContent()).toBe('nobody')

    shown.lab.alerts = kept
    await page.keyboard.press('Enter')
    expect(await page.getByLabel('Note', { exact: true }).inputValue()).toBe(NOTE)
    await page.getByRole('button', { name: 'Keep the note' }).click()
    await acted(page).getByText(NOTE).waitFor()
    await note.click()
    expect(await page.getByLabel('Note', { exact: true }).inputValue()).toBe('')
    expect(shown.complaints).toEqual([])
  })

  test('asks for the token again when the session ran out, and nothing typed is lost', async () => {
    const page = await open('/alerts')
    const acknowledge = page.getByRole('button', { name: `Acknowledge: ${NAME}` })
    await acknowledge.click()
    await signInByKeyboard(page)
    await page.getByLabel('Note, if there is something to say').fill(NOTE)
    await page.context().clearCookies()
    await page.locator('dialog').getByRole('button', { name: 'Acknowledge' }).click()
    await page.locator('dialog').getByText('Sign in first.').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })

    await acknowledge.click()
    await signInByKeyboard(page)
    expect(await page.getByLabel('Note, if there is something to say').inputValue()).toBe(NOTE)
    await page.locator('dialog').getByRole('button', { name: 'Acknowledge' }).click()
    await acted(page).getByText(NOTE).waitFor()
    expect(shown.complaints).toEqual([])
  })

  test('offers acknowledging for what fires only', async () => {
    const page = await open('/alerts?state=resolved')
    expect(await page.getByRole('button', { name: /^Note: / }).count()).toBe(1)
    expect(await page.getByRole('button', { name: /^Acknowledge: / }).count()).toBe(0)
  })

  test.each(['light', 'dark'] as const)('fits 400 px in %s, its text seen as AA asks for', async scheme => {
    const page = await open('/alerts', { viewport: { width: 400, height: 800 }, colorScheme: scheme })
    const acknowledge = page.getByRole('button', { name: `Acknowledge: ${NAME}` })
    // Seen without scrolling to the side.
    const { x = 0, width = 0 } = (await acknowledge.boundingBox()) ?? {}
    expect(x + width).toBeLessThanOrEqual(400)
    await acknowledge.click()
    await signInByKeyboard(page)
    await page.getByLabel('Note, if there is something to say').fill('W'.repeat(500))
    expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(400)
    const box = await page.locator('dialog').boundingBox()
    expect((box?.x ?? -1) >= 0 && (box?.width ?? 999) <= 400).toBe(true)
    const pairs = await page.evaluate<string[]>(coloursOfText('.acted *, dialog *'))
    const hex = (colour: string) => {
      const parts = /^rgba?\((\d+), (\d+), (\d+)/.exec(colour)?.slice(1) ?? []
      return `#${parts.map(part => Number(part).toString(16).padStart(2, '0')).join('')}`
    }
    const tooWeak = pairs.filter(pair => {
      const [text = '', behind = ''] = pair.split(' on ')
      return contrast(hex(text), hex(behind)) < 4.5
    })
    expect(pairs.length).toBeGreaterThan(2)
    expect(tooWeak).toEqual([])

    await page.locator('dialog').getByRole('button', { name: 'Acknowledge' }).click()
    await acted(page).getByText('WWW').waitFor()
    expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(400)
    expect(shown.complaints).toEqual([])
  })
})
