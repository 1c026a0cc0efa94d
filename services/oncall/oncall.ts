import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Router } from 'express'
import type pg from 'pg'
import type { Telemetry } from '../../instrumentation/telemetry.ts'
import type { AlertRules } from './alert-fold.ts'
import { AlertStore } from './alert-store.ts'
import { makeApp } from './app.ts'
import type { OncallConfig } from './config.ts'
import type { Log, OncallContext } from './context.ts'
import type { ConsoleContext } from './contract.ts'
import { DashboardFiles } from './dashboard-files.ts'
import { migrate, openPool } from './database.ts'
import { EventStore } from './event-store.ts'
import type { Lab } from './lab-reader.ts'
import { ENDED_SHOWN_MS, OncallMetrics } from './metrics.ts'
import { Prometheus } from './prometheus.ts'
import { RunStore } from './run-store.ts'
import { Sessions } from './session.ts'
import { LOOK_EVERY_MS, markPresent } from './telemetry-store.ts'
import { forgetMoments, Indicators, TAKE_EVERY_MS } from './weekly/indicators.ts'
import { readPolicy } from './weekly/policy-file.ts'

const HEADER_LIMIT_BYTES = 16_384
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000

/** The database comes up when it comes up. */
const MIGRATE_AGAIN_MS = 2_000
const FORGET_EVERY_MS = 600_000
const DAY_MS = 86_400_000

/** The first look at Prometheus, which tells its clock, is over by then. */
const FIRST_TAKE_AFTER_MS = 1_000

const DRAIN_DEADLINE_MS = 8_000
const DRAIN_SWEEP_MS = 25

/** A running oncall. */
export type Oncall = {
  readonly port: number
  /** Resolves once the database is up to date. */
  readonly ready: Promise<void>
  /** Says 503 on /readyz, lets open requests end, closes. */
  readonly drain: () => Promise<void>
}

export type OncallParts = {
  readonly lab: Lab
  readonly pages: (context: ConsoleContext) => Router
  readonly log: Log
  /** Told of errors that a person should see; without it they are only in the log. */
  readonly report?: Telemetry['report']
}

/**
 * Starts oncall. It listens at once and is ready when its database is.
 *
 * @throws UserError when its policy cannot be read; what `listen` throws, such as EADDRINUSE
 */
export async function startOncall(
  config: OncallConfig,
  { lab, pages, log, report }: OncallParts,
): Promise<Oncall> {
  const nowMs = () => Date.now()
  const policy = await readPolicy(config.policyFile)
  const pool = openPool(config.database, config.secrets.database, error =>
    log('database connection lost', { error: error.message }),
  )
  const rules = rulesOf(config)
  const runs = new RunStore(pool, config.runs.abandonedSeconds * 1000)
  let offsetMs: number | null = null
  const context: OncallContext = {
    config,
    pool,
    rules,
    alerts: new AlertStore(pool, rules),
    events: new EventStore(pool, config.events),
    runs,
    lab,
    prometheus: new Prometheus(config.prometheusUrl),
    dashboards: new DashboardFiles(config.dashboardsFolder),
    policy,
    sessions: new Sessions(config.secrets.session, config.publicUrl?.startsWith('https:') ?? false),
    metrics: new OncallMetrics(() => runs.attacks(nowMs(), ENDED_SHOWN_MS)),
    log,
    nowMs,
    offsetMs: () => offsetMs,
  }
  let isMigrated = false
  let isDraining = false
  const stopping = new AbortController()
  const state = { isReady: () => isMigrated, isDraining: () => isDraining, report }
  const app = makeApp(context, state, pages)
  const server = createServer({ maxHeaderSize: HEADER_LIMIT_BYTES }, app)
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  const port = await listen(server, config.listen.port, config.listen.host)
  log('listening', { port })

  const ready = untilMigrated(pool, log, stopping.signal).then(() => {
    isMigrated = !stopping.signal.aborted
  })
  const upkeep = ready.then(() =>
    Promise.all([
      every(LOOK_EVERY_MS, stopping.signal, log, 'watch', async () => {
        offsetMs = await look(context, offsetMs)
      }),
      every(FORGET_EVERY_MS, stopping.signal, log, 'forget', () => forget(context)),
      takeIndicators(context, stopping.signal),
    ]),
  )

  const drain = async () => {
    if (isDraining) return
    isDraining = true
    stopping.abort()
    await closeServer(server)
    await upkeep
    await pool.end()
    log('drained', {})
  }
  return { port, ready, drain }
}

function rulesOf({ alerts }: OncallConfig): AlertRules {
  return {
    evaluationMs: alerts.evaluationSeconds * 1000,
    resendMs: alerts.resendSeconds * 1000,
    refireMs: alerts.refireSeconds * 1000,
  }
}

async function untilMigrated(pool: pg.Pool, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      log('database is up to date', { applied: await migrate(pool) })
      return
    } catch (error) {
      log('database not ready', { error: error instanceof Error ? error.message : String(error) })
      await pause(MIGRATE_AGAIN_MS, signal)
    }
  }
}

/** Writes down who is there, and ends the alerts of which nobody speaks. @returns the clock offset, null: not known */
async function look(
  { alerts, log, metrics, nowMs, pool, prometheus }: OncallContext,
  before: number | null,
): Promise<number | null> {
  await markPresent(pool, 'recorder', nowMs())
  const offsetMs = await prometheus.clockOffsetMs(nowMs).catch(error => {
    if (before !== null) log('Prometheus does not answer', { error: String(error) })
    return null
  })
  if (offsetMs !== null) {
    await markPresent(pool, 'prometheus', nowMs())
    metrics.clockOffset(offsetMs / 1000)
    const isFar = Math.abs(offsetMs) > 1_000
    if (isFar && Math.abs(before ?? 0) <= 1_000) log('clock of Prometheus is off', { offsetMs })
  }
  await alerts.sweep(nowMs(), offsetMs)
  return offsetMs
}

/** Without a policy there is nothing to take. While Prometheus does not answer, `look` says so. */
async function takeIndicators(context: OncallContext, signal: AbortSignal): Promise<void> {
  const { log, nowMs, offsetMs, policy, pool, prometheus } = context
  if (policy === null) return
  const indicators = new Indicators(pool, prometheus, policy, log)
  await pause(FIRST_TAKE_AFTER_MS, signal)
  await every(TAKE_EVERY_MS, signal, log, 'indicators', async () => {
    const offset = offsetMs()
    if (offset !== null) await indicators.keepUp(nowMs() + offset, signal)
  })
}

async function forget({ alerts, config, events, log, nowMs, pool, runs }: OncallContext): Promise<void> {
  const beforeMs = nowMs() - config.retentionDays * DAY_MS
  const gone = {
    facts: await alerts.forgetFactsBefore(nowMs() - config.factsDays * DAY_MS),
    events: await events.forget(beforeMs),
    runs: await runs.forgetBefore(beforeMs),
    moments: await forgetMoments(pool, beforeMs),
  }
  if (gone.facts + gone.events + gone.runs + gone.moments > 0) log('forgot what is old', gone)
}

/** Does `work` again and again; what fails is told and tried the next time. */
async function every(
  ms: number,
  signal: AbortSignal,
  log: Log,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(error => log(`${what} failed`, { error: String(error) }))
    await pause(ms, signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const stop = () => {
    clearTimeout(timer)
    resolve()
  }
  signal.addEventListener('abort', stop, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', stop))
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve))
  const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_SWEEP_MS)
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_DEADLINE_MS)
  await closed
  clearInterval(sweep)
  clearTimeout(cut)
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 512 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}
