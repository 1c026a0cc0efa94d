import { describe, expect, test } from '@jest/globals'
import type { ErrorEvent, EventGroup } from '../../contract.ts'
import {
  exampleAlerts,
  exampleAttack,
  exampleEvent,
  exampleGroup,
  exampleLive,
  exampleRun,
} from '../example-lab.ts'
import { type Page, renderPage } from '../layout.ts'
import { alertsPage } from './alerts.ts'
import { dashboardPage, dashboardsPage } from './dashboards.ts'
import { eventPage, eventsPage, goneEventPage } from './events.ts'
import { livePage } from './live.ts'
import { runbookPage } from './runbooks.ts'
import { runPage, runsPage } from './runs.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)
const HOSTILE = `"'><img src=x onerror=alert(1)><script>alert(2)</script>\${7*7}`
const ZIPKIN = 'http://127.0.0.1:30411'

const render = (page: Page) => renderPage(page, { theme: null, href: asset => `/assets/0/${asset}` })

/** The same thing with every text in it, and every name of an unknown field, replaced by a hostile one. */
function hostile<Value>(value: Value, key = ''): Value {
  if (Array.isArray(value)) return value.map(one => hostile(one)) as Value
  if (typeof value === 'object' && value !== null) {
    const isOpen = ['labels', 'annotations', 'tags', 'contexts', 'data', 'request', 'extra'].includes(key)
    const entries = Object.entries(value).map(([name, one]) => [name, hostile(one, name)] as const)
    return Object.fromEntries(isOpen ? [...entries, [HOSTILE, HOSTILE]] : entries) as Value
  }
  return (typeof value === 'string' ? HOSTILE : value) as Value
}

const group: EventGroup = exampleGroup(NOW_MS)
const event: ErrorEvent = exampleEvent(NOW_MS)
const dashboard = { uid: 'a', title: 'b', tags: ['c'] }

const PAGES: Readonly<Record<string, () => Page>> = {
  live: () => livePage(hostile(exampleLive(NOW_MS)), hostile(exampleRun(NOW_MS)), NOW_MS),
  'live, over': () =>
    livePage(
      {
        ...hostile(exampleLive(NOW_MS)),
        run: hostile({ ...exampleRun(NOW_MS) }),
        halt: HOSTILE,
        problems: [HOSTILE],
      },
      null,
      NOW_MS,
    ),
  runs: () => runsPage([hostile({ ...exampleRun(NOW_MS), verdict: 'diverged', hasReport: true } as const)]),
  run: () => runPage({ ...hostile(exampleRun(NOW_MS)), hasReport: true, reasons: [HOSTILE] }, NOW_MS),
  'run, running': () =>
    runPage(
      { ...hostile(exampleRun(NOW_MS)), attacks: [hostile({ ...exampleAttack(NOW_MS), endMs: NOW_MS })] },
      NOW_MS,
    ),
  alerts: () => alertsPage(hostile(exampleAlerts(NOW_MS)), null, NOW_MS),
  events: () => eventsPage([hostile(group)]),
  event: () =>
    eventPage(
      { ...hostile(group), events: [hostile(event), hostile(event)] },
      { event: hostile(event), attacks: [hostile(exampleAttack(NOW_MS))], zipkinUrl: ZIPKIN },
    ),
  'event, gone': () => goneEventPage(hostile(group)),
  runbook: () => runbookPage(HOSTILE, `# ${HOSTILE}`),
  dashboards: () => dashboardsPage([hostile(dashboard)]),
  dashboard: () => dashboardPage(hostile(dashboard), HOSTILE),
}

describe('pages', () => {
  test.each(Object.entries(PAGES))('%s shows hostile text as text', (_, page) => {
    const text = render(page())

    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(text).not.toContain('<img')
    expect(text).not.toMatch(/<script(?! type="module" src="\/assets\/)/)
    // No attribute is ended by what stands in it.
    expect(text).not.toMatch(/="[^"<>]*"'>/)
  })

  test.each(Object.entries(PAGES))('%s has no inline script, style or handler', (_, page) => {
    const text = render(page())

    expect(text).not.toMatch(/<[^>]*\sstyle=/)
    expect(text).not.toMatch(/<[a-z][^<>]*\son[a-z]+="/)
    expect(text).not.toMatch(/<script[^>]*>[^<]/)
  })

  test.each(Object.entries(PAGES))(
    '%s has a title, one first heading, a skip link and a place for announcements',
    (_, page) => {
      const text = render(page())

      expect(text.match(/<h1/g)).toHaveLength(1)
      expect(text).toMatch(/<title>[^<]+ · divergence<\/title>/)
      expect(text).toContain('<a class="skip" href="#main">')
      expect(text).toContain('aria-live="polite"')
      const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(match => match[1])
      expect(new Set(ids).size).toBe(ids.length)
    },
  )
})

describe('alertsPage()', () => {
  test('links runbooks, but only to addresses a person may be sent to', () => {
    const [alert] = exampleAlerts(NOW_MS)
    if (alert === undefined) throw new Error('there is no alert')
    const linked = (runbook_url: string) =>
      render(alertsPage([{ ...alert, annotations: { runbook_url } }], null, NOW_MS))

    expect(linked('https://example.org/a.md')).toContain('href="https://example.org/a.md"')
    expect(linked('docs/runbooks/Watchdog.md')).toContain('href="/runbooks/Watchdog"')
    expect(linked('javascript:alert(1)')).not.toContain('javascript:')
  })

  test('offers to acknowledge what fires, to note on everything, and shows what was done with its text as text', () => {
    const [firing, , resolved] = exampleAlerts(NOW_MS)
    if (firing === undefined || resolved === undefined) throw new Error('there is no alert')
    const shown = (alert: typeof firing) => render(alertsPage([alert], null, NOW_MS))

    expect(shown(firing)).toContain(
      `data-action="acknowledged" aria-label="Acknowledge: ${firing.name}" disabled>`,
    )
    expect(shown(firing)).toContain('data-action="noted"')
    expect(shown(firing)).toContain('<p class="note">nobody</p>')
    expect(shown(firing)).toContain(`data-instance="${firing.instance}" data-fired="${firing.firedMs}"`)
    expect(shown(resolved)).not.toContain('data-action="acknowledged"')
    expect(shown(resolved)).toContain('data-action="noted"')
    const actions = [{ atMs: NOW_MS, actor: HOSTILE, action: 'noted', note: HOSTILE }] as const
    const hostileOnly = shown({ ...resolved, actions })
    expect(hostileOnly).toContain('<b>Noted</b><span class="sub"><time datetime="2026-11-21T12:00:00Z"')
    expect(hostileOnly.match(/&lt;img src=x/g)).toHaveLength(2)
    expect(hostileOnly).not.toContain('<img')
  })

  test('says what an empty list of firing alerts means', () => {
    expect(render(alertsPage([], 'firing', NOW_MS))).toContain('Watchdog')
  })
})

describe('eventPage()', () => {
  const page = (more: Partial<ErrorEvent>) =>
    render(
      eventPage(
        { ...group, events: [event] },
        { event: { ...event, ...more }, attacks: [exampleAttack(NOW_MS)], zipkinUrl: ZIPKIN },
      ),
    )

  test('leads from the event to its trace', () => {
    expect(page({})).toContain(`href="${ZIPKIN}/zipkin/traces/${event.traceId}"`)
    expect(page({ traceId: '../../x' })).not.toContain('/zipkin/traces/')
    expect(page({ traceId: null })).toContain('its request was not sampled')
  })

  test('names what was attacked then, or that it was the other group', () => {
    expect(page({})).toContain('<dt>latency</dt><dd>recommender-686f59f5dc-fp676, zone b')
    expect(page({ group: 'control' })).toContain('Only the other group was attacked')
  })

  test('shows the newest call first, with its source', () => {
    const text = page({})

    expect(text.indexOf('fetch_similar</strong>')).toBeLessThan(
      text.indexOf('similar</strong> <span class="note mono">pipeline/recommender/routes.py:61'),
    )
    expect(text).toContain(
      '<span class="hit">            return connection.execute(SIMILAR, parameters).fetchall()</span>',
    )
  })

  test('says so when the details are gone', () => {
    expect(render(eventPage({ ...group, events: [] }, null))).toContain('Its details are gone')
  })
})

describe('runPage()', () => {
  test('shows the report in a frame without any right', () => {
    const text = render(runPage({ ...exampleRun(NOW_MS), runId: 'a/b', hasReport: true }, NOW_MS))

    expect(text).toContain('src="/api/runs/a%2Fb/report" sandbox loading="lazy"></iframe>')
  })
})

describe('lists', () => {
  test.each([
    { title: 'runs', page: runsPage([]), says: 'divergence run' },
    { title: 'events', page: eventsPage([]), says: 'SENTRY_DSN' },
    { title: 'dashboards', page: dashboardsPage([]), says: 'OC_DASHBOARDS_DIR' },
    { title: 'alerts', page: alertsPage([], null, NOW_MS), says: 'during an attack' },
  ])('of $title say what to do when they are empty', ({ page, says }) => {
    expect(render(page).toLowerCase()).toContain(says.toLowerCase())
  })
})
