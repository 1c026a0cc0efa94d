import express, { type RequestHandler, Router } from 'express'
import type { OncallContext } from './context.ts'
import { limited, RequestRefused, refuseDeepJson } from './problem.ts'
import { entriesMessage, runIdText } from './run-entry.ts'
import { isSameSecret } from './session.ts'
import { TokenBucket } from './token-bucket.ts'

export const RUNNER_HEADER = 'x-divergence-token'

const ENTRIES_LIMIT = '4mb'
const REPORT_LIMIT = '8mb'
const PER_SECOND = 50
const BURST = 500

/**
 * The mirror of runs. The runner comes by the API server's proxy, which keeps `authorization` for itself: its token has a
 * header of its own.
 */
export function runRoutes(context: OncallContext): Router {
  const { config, metrics, nowMs, runs } = context
  const router = Router()
  const guards = [
    requireRunner(config.secrets.runner),
    limited(new TokenBucket(PER_SECOND, BURST, () => performance.now())),
  ]

  router.post(
    '/api/runs/:runId/entries',
    ...guards,
    express.json({ limit: ENTRIES_LIMIT, verify: (_request, _response, body) => refuseDeepJson(body) }),
    async (request, response) => {
      const runId = runIdText.parse(request.params.runId)
      const message = entriesMessage.parse(request.body)
      const added = await runs.record(runId, message, nowMs())
      metrics.entries(added)
      response.status(200).json({ added })
    },
  )

  router.put(
    '/api/runs/:runId/report',
    ...guards,
    express.text({ type: 'text/html', limit: REPORT_LIMIT }),
    async (request, response) => {
      const runId = runIdText.parse(request.params.runId)
      if (typeof request.body !== 'string' || request.body === '') {
        throw new RequestRefused(415, 'A report is text/html.')
      }
      const isKnown = await runs.recordReport(runId, request.body, nowMs())
      if (!isKnown) throw new RequestRefused(404, 'There is no such run.')
      response.status(204).end()
    },
  )
  return router
}

/** Lets pass who knows the runner's token. */
export function requireRunner(token: string): RequestHandler {
  return (request, _response, next) => {
    const given = request.headers[RUNNER_HEADER]
    if (typeof given === 'string' && isSameSecret(given, token)) return next()
    throw new RequestRefused(401, `This needs the runner's token in the header ${RUNNER_HEADER}.`)
  }
}
