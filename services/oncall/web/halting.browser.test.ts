import { describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { consoleInBrowser, expectSoon, signIn } from './console-in-browser.ts'

const DESKTOP = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' } as const
const ACTIVE_ID = 'document.activeElement?.id'
const HALT_FROM_ELSEWHERE = `async target => {
  const send = init => fetch(target + '/api/halt', { method: 'POST', credentials: 'include', ...init })
  await send({ mode: 'no-cors', body: '{"reason":"evil"}' }).catch(() => undefined)
  return send({ headers: { 'x-csrf-token': 'guess' } }).then(({ status }) => 'answered ' + status, () => 'refused')
}`

const shown = consoleInBrowser(DESKTOP)
const { open } = shown

const activeId = (page: Page) => page.evaluate<string>(ACTIVE_ID)

describe('halting', () => {
  test('is refused without signing in, done with it, seen, and released', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Halt all attacks' }).click()
    await page.getByLabel('Console token').fill('a guess of sixteen characters')
    await page.locator('dialog').getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The token is not right.').waitFor()
    expect(shown.lab.halt).toBeNull()
    await page.keyboard.press('Escape')
    await expectSoon(() => page.locator('dialog').count(), 0)
    await expectSoon(() => activeId(page), 'halt')

    await page.keyboard.press('Enter')
    await signIn(page)
    await page.getByLabel('Reason').fill('users <b>complain</b>')
    expect(shown.lab.halt).toBeNull()
    await page.locator('dialog').getByRole('button', { name: 'Halt' }).click()
    await page.getByText('Everything is halted').first().waitFor()
    await page.getByText('users <b>complain</b>', { exact: false }).first().waitFor()
    expect(shown.lab.halt).toBe('users <b>complain</b>')

    await page.getByRole('button', { name: 'Release the halt' }).click()
    await page.locator('dialog').getByRole('button', { name: 'Release' }).click()
    await page.getByText('An attack is on').waitFor()
    expect(shown.lab.halt).toBeNull()
    expect(shown.complaints).toEqual([])
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
    shown.lab.halt = 'halted by somebody else'
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
    const elsewhere = shown.base.replace('127.0.0.1', 'localhost')
    const other = await page.context().newPage()
    await other.route(`${elsewhere}/evil`, route =>
      route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }),
    )
    await other.goto(`${elsewhere}/evil`)
    const outcome = await other.evaluate<string>(`(${HALT_FROM_ELSEWHERE})('${shown.base}')`)

    expect(outcome).toBe('refused')
    expect(shown.lab.halt).toBeNull()
  })
})
