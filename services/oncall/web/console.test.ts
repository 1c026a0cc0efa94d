import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { importsOf, loadAssets } from './assets.ts'
import { themeOf } from './console.ts'
import { ExampleConsole } from './example-console.ts'
import { exampleEvent, FINGERPRINT, RUN_ID } from './example-lab.ts'

const example = new ExampleConsole({ a: { title: 'Steady state', tags: ['front'], panels: [] } })
let base = ''

beforeAll(async () => {
  base = await example.start()
})
afterAll(() => example.stop())

describe('consoleRouter()', () => {
  test.each([
    '/',
    '/dashboards',
    '/dashboards/a',
    '/runs',
    `/runs/${RUN_ID}`,
    '/alerts',
    '/alerts?state=firing',
    '/weeks',
    '/weeks/last',
    '/weeks/2026-W46',
    '/runbooks',
    '/runbooks/Watchdog',
    '/events',
    `/events/${FINGERPRINT}`,
  ])('serves %s under a policy that allows nothing inline', async path => {
    const answer = await fetch(base + path)
    const policy = answer.headers.get('content-security-policy') ?? ''

    expect(answer.status).toBe(200)
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('referrer-policy')).toBe('same-origin')
  })

  test.each([
    '/nothing',
    '/runs/nobody',
    '/weeks/2026-W60',
    '/weeks/next',
    '/events/00',
    '/dashboards/none',
    '/runbooks/none',
    '/runbooks/..%2fREADME',
  ])('says on a page that %s is not there', async path => {
    const answer = await fetch(base + path, { headers: { accept: 'text/html' } })

    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain('There is no such')
  })

  test('shows the event that is asked for, and says of one that is not kept that it is gone', async () => {
    const page = `${base}/events/${FINGERPRINT}`
    const { eventId } = exampleEvent(Date.now())
    const kept = await fetch(`${page}?event=${eventId}`)
    expect([kept.status, await kept.text()]).toEqual([200, expect.stringContaining(eventId)])

    for (const asked of ['0'.repeat(32), 'nothing', '']) {
      const gone = await fetch(`${page}?event=${asked}`)
      const text = await gone.text()
      expect(gone.status).toBe(404)
      expect(text).toContain('That event is gone')
      expect(text).toContain('<a href="/events">back to the list</a>')
      expect(text).not.toContain(eventId)
    }
  })

  test('leaves addresses of the API to the API', async () => {
    const answer = await fetch(`${base}/api/nothing`, { headers: { accept: 'text/html' } })

    expect(answer.headers.get('content-security-policy')).not.toContain("script-src 'self'")
  })

  test('shows the map without data when nothing can be read, and no page fails on it', async () => {
    example.isReachable = false
    const text = await (await fetch(base)).text()
    example.isReachable = true

    expect(text).toContain('No data')
    expect(text).not.toContain('tile healthy')
  })

  test('lets assets be kept for good, as their address changes with them', async () => {
    const page = await (await fetch(base)).text()
    const [style = ''] = /\/assets\/[0-9a-f]{12}\/console\.css/.exec(page) ?? []
    const answer = await fetch(base + style)

    expect(answer.headers.get('cache-control')).toContain('immutable')
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(await answer.text()).toContain('--experiment: #b5480c')
    const old = await fetch(base + style.replace(/[0-9a-f]{12}/, '000000000000'))
    expect(old.headers.get('cache-control')).toBe('no-cache')
  })

  test('serves no file besides its assets', async () => {
    for (const path of [
      'services/oncall/web/console.ts',
      'package.json',
      '..%2f..%2fpackage.json',
      '%2fetc%2fpasswd',
    ]) {
      expect((await fetch(`${base}/assets/000000000000/${path}`)).status).toBe(404)
    }
  })

  test('comes in the theme a person has chosen', async () => {
    const text = await (await fetch(base, { headers: { cookie: 'a=b; theme=dark' } })).text()

    expect(text).toContain('<html lang="en" data-theme="dark">')
  })
})

describe('themeOf()', () => {
  test.each([
    { cookies: 'theme=light', expected: 'light' },
    { cookies: 'x=1; theme=dark; y=2', expected: 'dark' },
    { cookies: 'theme="><script>', expected: null },
    { cookies: 'mytheme=dark', expected: null },
    { cookies: undefined, expected: null },
  ])('of $cookies is $expected', ({ cookies, expected }) => {
    expect(themeOf(cookies)).toBe(expected)
  })
})

describe('loadAssets()', () => {
  const assets = loadAssets()
  const scripts = ['client/common.mts', 'client/live.mts', 'client/dashboard.mts'].map(name =>
    assets.href(name),
  )

  test('serves everything that a script imports, without a type left in it', () => {
    const prefix = `/assets/${assets.hash}/`
    const seen = new Set<string>()
    const queue = [...scripts]
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      const asset = assets.find(path.slice(prefix.length))
      if (asset === null) throw new Error(`${path} is imported and not served`)
      const code = asset.body.toString()
      if (path.includes('/packages/')) continue
      expect(code).not.toMatch(/^\s*(import type|export type|interface)\b/m)
      queue.push(...importsOf(code).map(specifier => new URL(specifier, `http://x${path}`).pathname))
    }
    expect([...seen].some(path => path.endsWith('/packages/echarts.mjs'))).toBe(true)
    expect(seen.size).toBeGreaterThan(15)
  })

  test('gives no address to what is not served', () => {
    expect(() => assets.href('client/nothing.mts')).toThrow("Cannot link 'client/nothing.mts'")
  })
})

describe('client/', () => {
  test('has no error of types, in a browser’s terms', async () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url))
    const tsc = `${root}node_modules/typescript/bin/tsc`
    const project = fileURLToPath(new URL('./client/tsconfig.json', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', project], { cwd: root }).catch(
      (error: { stdout: string }) => error,
    )

    expect(stdout).toBe('')
  }, 60_000)
})
