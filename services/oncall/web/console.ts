import { type NextFunction, type Request, type Response, Router } from 'express'
import { UserError } from '../../../platform/errors.ts'
import type { ConsoleContext, ConsoleReads, ErrorEvent, EventGroupDetail } from '../contract.ts'
import { loadAssets } from './assets.ts'
import { FAVICON, type Frame, type Page, renderPage } from './layout.ts'
import { attacksAt } from './live/attacks-at.ts'
import { html } from './markup.ts'
import { ALERT_STATES, alertsPage } from './pages/alerts.ts'
import { dashboardPage, dashboardsPage } from './pages/dashboards.ts'
import { eventPage, eventsPage, goneEventPage } from './pages/events.ts'
import { livePage } from './pages/live.ts'
import { problemPage } from './pages/problem.ts'
import { runbookPage, runbooksPage } from './pages/runbooks.ts'
import { runPage, runsPage } from './pages/runs.ts'
import { weekPage } from './pages/week.ts'
import { loadRunbooks } from './runbooks.ts'

/** Rows of a list. */
const MOST_ROWS = 200

/** What a page may do: run and read what this server serves, and frame its own reports. Nothing inline, nothing else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'x-frame-options': 'DENY',
}

/** All pages of the console. It reads only; what changes anything is done by its scripts through the API. */
export function consoleRouter({ reads, settings }: ConsoleContext): Router {
  const assets = loadAssets()
  const runbooks = loadRunbooks()
  const router = Router({ caseSensitive: true })

  const send = (request: Request, response: Response, page: Page, status = 200) => {
    const frame: Frame = { theme: themeOf(request.headers.cookie), href: assets.href }
    response
      .status(status)
      .set(HEADERS)
      .set('cache-control', 'no-cache')
      .type('html')
      .send(renderPage(page, frame))
  }
  const missing = (request: Request, response: Response, what: string, back: string) =>
    send(
      request,
      response,
      problemPage(
        `There is no such ${what}`,
        html`It may have been older than what is kept. Go <a href="${back}">back to the list</a>.`,
      ),
      404,
    )

  router.get('/assets/:hash/*path', (request, response, next) => {
    const { hash, path } = request.params as unknown as { hash: string; path: readonly string[] }
    const asset = assets.find(path.join('/'))
    if (asset === null) return next()
    const lasting = hash === assets.hash
    response.set({
      'content-type': asset.type,
      'cache-control': lasting ? 'public, max-age=31536000, immutable' : 'no-cache',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      vary: 'accept-encoding',
    })
    if (!request.acceptsEncodings('gzip')) return void response.send(asset.body)
    response.set('content-encoding', 'gzip').send(asset.gzip)
  })
  router.get('/favicon.svg', (_request, response) => {
    response
      .set({ ...HEADERS, 'cache-control': 'public, max-age=86400' })
      .type('image/svg+xml')
      .send(FAVICON)
  })

  router.get('/', async (request, response) => {
    // The map is shown without data rather than not at all: that nothing is known is what has to be seen then.
    const live = await reads.live().catch(() => null)
    const [last] = live?.run === null ? await reads.runs(1).catch(() => []) : []
    const run = live?.run ?? last ?? null
    const detail = run === null ? null : await reads.run(run.runId).catch(() => null)
    send(request, response, livePage(live === null ? null : { ...live, run }, detail, Date.now()))
  })
  router.get('/dashboards', async (request, response) => {
    send(request, response, dashboardsPage((await settings()).dashboards))
  })
  router.get('/dashboards/:uid', async (request, response) => {
    const { dashboards, zipkinUrl } = await settings()
    const entry = dashboards.find(({ uid }) => uid === request.params.uid)
    if (entry === undefined) return missing(request, response, 'dashboard', '/dashboards')
    send(request, response, dashboardPage(entry, zipkinUrl))
  })
  router.get('/runs', async (request, response) => {
    send(request, response, runsPage(await reads.runs(MOST_ROWS)))
  })
  router.get('/runs/:runId', async (request, response) => {
    const run = await reads.run(request.params.runId)
    if (run === null) return missing(request, response, 'run', '/runs')
    send(request, response, runPage(run, Date.now()))
  })
  router.get('/alerts', async (request, response) => {
    const asked = valueOfQuery(request, 'state')
    const state = ALERT_STATES.find(one => one === asked) ?? null
    const alerts = await reads.alerts({ limit: MOST_ROWS, ...(state === null ? {} : { state }) })
    send(request, response, alertsPage(alerts, state, Date.now()))
  })
  router.get(['/weeks', '/weeks/:week'], async (request, response) => {
    const asked: unknown = request.params.week
    const found = await reads.week(typeof asked === 'string' ? asked : 'current').catch((error: unknown) => {
      if (error instanceof UserError) return error
      throw error
    })
    if (!(found instanceof UserError)) return send(request, response, weekPage(found))
    const advice = html`${found.hint} Go to the <a href="/weeks">current week</a>.`
    send(request, response, problemPage('There is no such week', advice), 404)
  })
  router.get('/runbooks', (request, response) => {
    send(request, response, runbooksPage(runbooks.names))
  })
  router.get('/runbooks/:name', (request, response) => {
    const { name } = request.params
    const text = runbooks.text(name)
    if (text === null) return missing(request, response, 'runbook', '/runbooks')
    send(request, response, runbookPage(name, text))
  })
  router.get('/events', async (request, response) => {
    send(request, response, eventsPage(await reads.eventGroups({ limit: MOST_ROWS })))
  })
  router.get('/events/:fingerprint', async (request, response) => {
    const [group, { zipkinUrl }] = await Promise.all([
      reads.eventGroup(request.params.fingerprint),
      settings(),
    ])
    if (group === null) return missing(request, response, 'event', '/events')
    const asked = valueOfQuery(request, 'event')
    const event = asked === null ? group.events[0] : await eventOf(reads, group, asked)
    // Another one in its place would be taken for it.
    if (event === null) return send(request, response, goneEventPage(group), 404)
    const shown = event && { event, zipkinUrl, attacks: await attacksAt(reads, event.atMs) }
    send(request, response, eventPage(group, shown ?? null))
  })

  router.use((request: Request, response: Response, next: NextFunction) => {
    // What others serve is answered by them; a person who mistyped an address gets a page.
    if (request.method !== 'GET' || !request.accepts('html') || /^\/(api|assets)\//.test(request.path))
      return next()
    send(
      request,
      response,
      problemPage('There is no such page', html`Go to the <a href="/">live map</a>.`),
      404,
    )
  })
  router.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent || /^\/(api|assets)\//.test(request.path)) return next(error)
    // A broken percent-encoding is the visitor's; everything else is the store's or ours.
    if (error instanceof URIError) {
      return send(
        request,
        response,
        problemPage('That address is not valid', html`Go to the <a href="/">live map</a>.`),
        400,
      )
    }
    send(
      request,
      response,
      problemPage(
        'This page cannot be made now',
        html`What it is made from cannot be read: ask <code>/readyz</code> of this service what is missing, then read the page again.`,
      ),
      503,
    )
    console.error(JSON.stringify({ event: 'page failed', path: request.path, error: String(error) }))
  })
  return router
}

/** One event of a group: among its newest, or of those that are kept besides; null: it is neither. */
async function eventOf(
  reads: ConsoleReads,
  { events, fingerprint }: EventGroupDetail,
  eventId: string,
): Promise<ErrorEvent | null> {
  const newest = events.find(one => one.eventId === eventId)
  if (newest !== undefined) return newest
  const kept = await reads.event(eventId)
  return kept?.fingerprint === fingerprint ? kept : null
}

/** The query as a browser sends it: Express may be set up without a parser. */
function valueOfQuery(request: Request, name: string): string | null {
  const at = request.originalUrl.indexOf('?')
  return at < 0 ? null : new URLSearchParams(request.originalUrl.slice(at)).get(name)
}

/** The theme a person has chosen, kept in a cookie so that a page comes in it from its first pixel. */
export function themeOf(cookies: string | undefined): Frame['theme'] {
  const theme = /(?:^|;\s*)theme=(light|dark)(?:;|$)/.exec(cookies ?? '')?.[1]
  return theme === 'light' || theme === 'dark' ? theme : null
}
