import express, { type Request, type RequestHandler, Router } from 'express'
import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import type { OncallContext } from './context.ts'
import type { ConsoleReads, ConsoleSettings } from './contract.ts'
import { toDate } from './database.ts'
import { limited, RequestRefused, refuseDeepJson } from './problem.ts'
import { exemplarsQuery, instantQuery, rangeQuery } from './prometheus.ts'
import { runIdText } from './run-entry.ts'
import { RUNNER_HEADER } from './run-routes.ts'
import { isSameSecret } from './session.ts'
import { TokenBucket } from './token-bucket.ts'
import { weekMarkdown } from './weekly/markdown.ts'

const BODY_LIMIT = '8kb'
/** Guessing a token is hopeless; this keeps it quiet as well. */
const SIGN_INS_PER_SECOND = 1
const SIGN_IN_BURST = 5
/** More than a shift writes, less than what fills a database unseen. */
const ACTIONS_PER_SECOND = 5
const ACTION_BURST = 50
const READS_PER_SECOND = 200
const READ_BURST = 1_000

const fingerprint = z.string().regex(/^[0-9a-f]{32}$/)
const limit = z.coerce.number().int().min(1).max(1_000).optional()
const shortText = z.string().min(1).max(200).optional()

const runsQuery = z.strictObject({ limit: limit.default(50) })
const eventsQuery = z.strictObject({ service: shortText, group: shortText, limit })
const alertsQuery = z.strictObject({
  state: z.enum(['firing', 'resolved', 'expired', 'unknown']).optional(),
  sinceMs: z.coerce.number().min(0).max(1e14).optional(),
  limit,
})
const weekQuery = z.strictObject({ format: z.enum(['json', 'markdown']).default('json') })
const tracesQuery = z.strictObject({ traceId: fingerprint })
const signIn = z.strictObject({ token: z.string().min(1).max(1_000) })
const alertEvent = z.strictObject({
  instance: fingerprint,
  firedMs: z
    .string()
    .regex(/^\d{1,14}$/)
    .transform(Number),
})
const alertAction = z
  .strictObject({
    action: z.enum(['acknowledged', 'noted']),
    note: z.string().trim().max(500).optional(),
  })
  .refine(({ action, note }) => action === 'acknowledged' || Boolean(note), {
    path: ['note'],
    message: 'a note has a text',
  })
const haltOrder = z.strictObject({ reason: z.string().trim().min(1).max(500) })

/** What a report may do: be looked at. It came from outside, and no script is needed to read it. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"

/** The read API. It needs no session: whoever reaches oncall may look. */
export function readRoutes(
  context: OncallContext,
  reads: ConsoleReads,
  settings: () => Promise<ConsoleSettings>,
): Router {
  const { dashboards, events, prometheus, runs } = context
  const router = Router()
  router.use('/api', limited(new TokenBucket(READS_PER_SECOND, READ_BURST, () => performance.now())))
  router.use('/api', (_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  })

  router.get('/api/live', async (_request, response) => void response.json(await reads.live()))
  router.get('/api/console', async (_request, response) => void response.json(await settings()))
  router.get('/api/runs', async (request, response) => {
    response.json(await reads.runs(runsQuery.parse(request.query).limit))
  })
  router.get('/api/runs/:runId', async (request, response) => {
    response.json(found(await reads.run(runIdText.parse(request.params.runId)), 'run'))
  })
  router.get('/api/runs/:runId/report', async (request, response) => {
    const html = found(await runs.report(runIdText.parse(request.params.runId)), 'report')
    response.set({ 'content-security-policy': REPORT_POLICY, 'x-content-type-options': 'nosniff' })
    response.type('html').send(html)
  })
  router.get('/api/event-groups', async (request, response) => {
    response.json(await reads.eventGroups(withoutUndefined(eventsQuery.parse(request.query))))
  })
  router.get('/api/event-groups/:fingerprint', async (request, response) => {
    response.json(
      found(await reads.eventGroup(fingerprint.parse(request.params.fingerprint)), 'group of events'),
    )
  })
  router.get('/api/events', async (request, response) => {
    response.json(await events.ofTrace(tracesQuery.parse(request.query).traceId))
  })
  router.get('/api/events/:eventId', async (request, response) => {
    response.json(found(await reads.event(fingerprint.parse(request.params.eventId)), 'event'))
  })
  router.get('/api/alerts', async (request, response) => {
    response.json(await reads.alerts(withoutUndefined(alertsQuery.parse(request.query))))
  })
  router.get('/api/weeks/:week', async (request, response) => {
    const { format } = weekQuery.parse(request.query)
    const report = await reads.week(request.params.week).catch(refuseUnknownWeek)
    if (format === 'json') response.json(report)
    else response.type('text/markdown').send(weekMarkdown(report))
  })
  router.get('/api/dashboards/:uid', async (request, response) => {
    response.type('json').send(found(await dashboards.json(request.params.uid), 'dashboard'))
  })
  for (const [path, schema] of [
    ['query', instantQuery],
    ['query_range', rangeQuery],
    ['query_exemplars', exemplarsQuery],
  ] as const) {
    router.get(`/api/prometheus/${path}`, async (request, response) => {
      const { status, body } = await prometheus.ask(path, schema.parse(request.query))
      response.status(status).type('json').send(body)
    })
  }
  return router
}

/** Signing in, and what changes anything. */
export function writeRoutes(context: OncallContext): Router {
  const { alerts, config, lab, log, nowMs, pool, sessions } = context
  const router = Router()
  const parse = express.json({
    limit: BODY_LIMIT,
    verify: (_request, _response, body) => refuseDeepJson(body),
  })
  const quiet = limited(new TokenBucket(SIGN_INS_PER_SECOND, SIGN_IN_BURST, () => performance.now()))

  const audit = async (actor: string, action: string, detail: Readonly<Record<string, string>>) => {
    log(action, { actor, ...detail })
    await pool.query('INSERT INTO audit_log (at, actor, action, detail) VALUES ($1, $2, $3, $4)', [
      toDate(nowMs()),
      actor,
      action,
      JSON.stringify(detail),
    ])
  }

  /** @throws RequestRefused unless a person of the console or the runner asks */
  const actorOf = (request: Request): string => {
    const token = request.headers[RUNNER_HEADER]
    if (typeof token === 'string') {
      if (isSameSecret(token, config.secrets.runner)) return 'runner'
      throw new RequestRefused(401, 'The token is not the runner’s.')
    }
    const session = sessions.read(request.headers, nowMs())
    if (session === null) throw new RequestRefused(401, 'Sign in first.')
    if (!sessions.isOurs(request.headers, session)) {
      throw new RequestRefused(403, 'Only a page of this console may ask for that.')
    }
    return `console ${session.id.slice(0, 8)}`
  }

  router.get('/api/session', (request, response) => {
    response.set('cache-control', 'no-store').json(sessions.state(sessions.read(request.headers, nowMs())))
  })
  router.post('/api/session', quiet, parse, async (request, response) => {
    const { token } = signIn.parse(request.body)
    if (!isSameSecret(token, config.secrets.console)) {
      log('sign-in refused', {})
      throw new RequestRefused(401, 'The token is not right.')
    }
    const session = sessions.open(nowMs())
    await audit(`console ${session.id.slice(0, 8)}`, 'sign-in', {})
    response.set({ 'cache-control': 'no-store', 'set-cookie': sessions.cookie(session) })
    response.json(sessions.state(session))
  })
  router.delete('/api/session', async (request, response) => {
    actorOf(request)
    response.set('set-cookie', sessions.noCookie()).status(204).end()
  })

  // Who may not act at all uses up nothing of what those may who do.
  const permitted: RequestHandler = (request, _response, next) => {
    actorOf(request)
    next()
  }
  const unhurried = limited(new TokenBucket(ACTIONS_PER_SECOND, ACTION_BURST, () => performance.now()))
  const actionsPath = '/api/alerts/:instance/:firedMs/actions'
  router.post(actionsPath, permitted, unhurried, parse, async (request, response) => {
    const actor = actorOf(request)
    const { instance, firedMs } = alertEvent.parse(request.params)
    const { action, note } = alertAction.parse(request.body)
    const acted = { instance, firedMs, actor, action, note: note || null }
    const actions = found(await alerts.act(acted, nowMs()), 'alert event')
    await audit(actor, `alert ${action}`, { instance, fired: toDate(firedMs).toISOString() })
    response.set('cache-control', 'no-store').json(actions)
  })

  router.post('/api/halt', parse, async (request, response) => {
    const actor = actorOf(request)
    const { reason } = haltOrder.parse(request.body)
    // The switch first: that it cannot be written down must not keep an attack going.
    await lab.halt(reason)
    await audit(actor, 'halt', { reason })
    response.json({ halt: await lab.halted() })
  })
  router.delete('/api/halt', async (request, response) => {
    const actor = actorOf(request)
    await audit(actor, 'release', {})
    await lab.release()
    response.json({ halt: await lab.halted() })
  })
  return router
}

function refuseUnknownWeek(error: unknown): never {
  if (error instanceof UserError) throw new RequestRefused(400, `${error.message}. ${error.hint}`)
  throw error
}

function found<T>(value: T | null, what: string): T {
  if (value !== null) return value
  throw new RequestRefused(404, `There is no such ${what}.`)
}

type WithoutUndefined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** Leaves out what was not given, so that it is absent and not undefined. */
function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries) as WithoutUndefined<T>
}
