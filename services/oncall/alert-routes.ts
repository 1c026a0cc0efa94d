import express, { type RequestHandler, Router } from 'express'
import { instanceOf } from './alert-fold.ts'
import { alertsMessage, notificationMessage, toldAlert } from './alert-message.ts'
import type { OncallContext } from './context.ts'
import { limited, RequestRefused, refuseDeepJson } from './problem.ts'
import { isSameSecret } from './session.ts'
import { TokenBucket } from './token-bucket.ts'

/** Prometheus sends 256 alerts at a time. */
const BODY_LIMIT = '2mb'
const PER_SECOND = 50
const BURST = 200

/** The recorder: Alertmanager's own API as Prometheus uses it, and Alertmanager's webhook. */
export function alertRoutes(context: OncallContext): Router {
  const { alerts, config, metrics, nowMs, offsetMs, rules } = context
  const router = Router()
  const guards = [
    requireBearer(config.secrets.recorder),
    limited(new TokenBucket(PER_SECOND, BURST, () => performance.now())),
    express.json({ limit: BODY_LIMIT, verify: (_request, _response, body) => refuseDeepJson(body) }),
  ]

  router.post('/api/v2/alerts', ...guards, async (request, response) => {
    const receivedMs = nowMs()
    const offset = offsetMs()
    const told = alertsMessage
      .parse(request.body)
      .map(message => toldAlert(message, rules, receivedMs, offset ?? 0))
    await alerts.record(told, offset, receivedMs)
    for (const kind of ['firing', 'resolved'] as const) {
      metrics.facts(kind, told.filter(alert => alert.kind === kind).length)
    }
    response.status(200).end()
  })

  router.post('/api/v2/notifications', ...guards, async (request, response) => {
    const receivedMs = nowMs()
    const message = notificationMessage.parse(request.body)
    const told = message.alerts.flatMap(({ status, labels, startsAt }) =>
      // That somebody was told of the end says nothing about the beginning.
      status === 'firing' && startsAt !== undefined
        ? [{ instance: instanceOf(labels), startsMs: startsAt }]
        : [],
    )
    await alerts.notified(told, message.receiver, receivedMs, offsetMs())
    metrics.notifications(told.length)
    response.status(200).end()
  })
  return router
}

/** Lets pass who knows the token. */
export function requireBearer(token: string): RequestHandler {
  return (request, _response, next) => {
    const [, given = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (isSameSecret(given, token)) return next()
    throw new RequestRefused(401, 'This needs the bearer token of the recorder.', {
      'www-authenticate': 'Bearer realm="oncall"',
    })
  }
}
