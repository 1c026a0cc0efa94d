import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { writeRoutes } from '../console-routes.ts'
import type { OncallContext } from '../context.ts'
import type { AlertEvent, ConsoleReads, DashboardEntry, LiveState } from '../contract.ts'
import { problemHandler } from '../problem.ts'
import { Sessions } from '../session.ts'
import type { AlertAction } from '../weekly/alert-actions.ts'
import { emptyReport, exampleReport, smallReport } from '../weekly/example-report.ts'
import { parseWeek } from '../weekly/iso-week.ts'
import type { WeekReport } from '../weekly/report.ts'
import { consoleRouter } from './console.ts'
import { exampleAlerts, exampleEvent, exampleGroup, exampleLive, exampleRun } from './example-lab.ts'
import { answerOf, exemplarsOf } from './example-prometheus.ts'

export const TOKEN = 'a token of sixteen characters and more'

/** The console, its sign-in and its halt before the example's lab; on 127.0.0.1. */
export class ExampleConsole {
  /** Why everything is halted; null: it is not. */
  halt: string | null = null
  /** What Prometheus cannot do: refuse queries, or answer with nothing. */
  prometheus: 'answers' | 'empty' | 'unreachable' = 'answers'
  /** Whether /api/live answers. */
  isReachable = true
  /** Changed by a test before a page is opened. */
  live: (nowMs: number) => LiveState = exampleLive
  /** What is acted on is kept here. */
  alerts: readonly AlertEvent[] = exampleAlerts(Date.now())
  /** What was asked of Prometheus, in order. */
  readonly queries: string[] = []
  private readonly dashboards: ReadonlyMap<string, unknown>
  private readonly server: Server

  constructor(dashboards: Readonly<Record<string, unknown>>) {
    this.dashboards = new Map(Object.entries(dashboards))
    this.server = createServer(this.app())
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
  }

  private app(): Express {
    const app = express()
    app.disable('x-powered-by')
    this.reading(app)
    this.changing(app)
    app.use(consoleRouter({ reads: this.reads(), settings: async () => this.settings() }))
    app.use(problemHandler(() => undefined))
    return app
  }

  private state(): LiveState {
    if (!this.isReachable) throw new Error('Prometheus cannot be reached')
    return { ...this.live(Date.now()), halt: this.halt }
  }

  private reads(): ConsoleReads {
    const now = () => Date.now()
    return {
      live: async () => this.state(),
      runs: async () => [exampleRun(now())],
      run: async runId => (runId === exampleRun(now()).runId ? exampleRun(now()) : null),
      eventGroups: async () => [exampleGroup(now())],
      eventGroup: async fingerprint =>
        fingerprint === exampleGroup(now()).fingerprint
          ? { ...exampleGroup(now()), events: [exampleEvent(now())] }
          : null,
      event: async eventId => (eventId === exampleEvent(now()).eventId ? exampleEvent(now()) : null),
      alerts: async ({ state }) => this.alerts.filter(one => state === undefined || one.state === state),
      week: async name => weekNamed(name),
    }
  }

  private settings() {
    const entries = [...this.dashboards].map(([uid, json]): DashboardEntry => {
      const { title, tags } = json as { title: string; tags?: readonly string[] }
      return { uid, title, tags: tags ?? [] }
    })
    return { zipkinUrl: 'http://127.0.0.1:30411', dashboards: entries }
  }

  private reading(app: Express): void {
    app.get('/api/live', (_request, response) => {
      if (this.isReachable) response.json(this.state())
      else response.status(503).json({ title: 'Unavailable', detail: 'Prometheus cannot be reached.' })
    })
    app.get('/api/runs', (_request, response) => void response.json([exampleRun(Date.now())]))
    app.get('/api/runs/:runId', (_request, response) => void response.json(exampleRun(Date.now())))
    app.get('/api/dashboards/:uid', (request, response) => {
      const json = this.dashboards.get(request.params.uid)
      if (json === undefined) response.status(404).json({ title: 'Not found' })
      else response.json(json)
    })
    app.use('/api/prometheus', (request, response, next) => {
      this.queries.push(String(request.query.query ?? ''))
      if (this.prometheus !== 'unreachable') return next()
      response.status(502).json({ title: 'Bad gateway', detail: 'Prometheus does not answer.' })
    })
    app.get('/api/prometheus/query_exemplars', (request, response) => {
      const { start, end } = request.query
      const data = this.prometheus === 'empty' ? [] : exemplarsOf(Number(start), Number(end))
      response.json({ status: 'success', data })
    })
    app.get(['/api/prometheus/query', '/api/prometheus/query_range'], (request, response) => {
      const { query = '', start, end, step, time } = request.query as Record<string, string>
      const isRange = request.path.endsWith('_range')
      const to = Number(isRange ? end : time)
      const found =
        this.prometheus === 'empty'
          ? []
          : answerOf(query, isRange ? Number(start) : to, to, Number(step ?? 1))
      const result = isRange ? found : found.map(({ metric, values }) => ({ metric, value: values.at(-1) }))
      response.json({ status: 'success', data: { resultType: isRange ? 'matrix' : 'vector', result } })
    })
  }

  private act({ instance, firedMs, ...acted }: Omit<AlertAction, 'atMs'>, nowMs: number) {
    const event = this.alerts.find(one => one.instance === instance && one.firedMs === firedMs)
    if (event === undefined) return null
    const actions = [...event.actions, { ...acted, atMs: nowMs }]
    this.alerts = this.alerts.map(one => (one === event ? { ...one, actions } : one))
    return actions
  }

  /** Sign-in, halt and acting on alerts are the service's own, before a lab that only keeps what it is told. */
  private changing(app: Express): void {
    const lab = {
      halted: async () => this.halt,
      halt: async (reason: string) => {
        this.halt = reason
      },
      release: async () => {
        this.halt = null
      },
    }
    const context = {
      alerts: { act: async (acted: Omit<AlertAction, 'atMs'>, nowMs: number) => this.act(acted, nowMs) },
      config: { secrets: { console: TOKEN, runner: `the runner's ${TOKEN}` } },
      lab,
      log: () => undefined,
      nowMs: () => Date.now(),
      pool: { query: async () => ({ rows: [] }) },
      sessions: new Sessions(`signs ${TOKEN}`, false),
    }
    app.use(writeRoutes(context as unknown as OncallContext))
  }
}

/** The example's week is the current one; the one before is empty, and all others have little in them. */
function weekNamed(name: string): WeekReport {
  if (name === 'current' || name === exampleReport().week) return exampleReport()
  if (name === 'last' || name === emptyReport().week) return emptyReport()
  const { name: week, fromMs, toMs } = parseWeek(name)
  return {
    ...smallReport(),
    week,
    fromMs,
    toMs,
    madeMs: Math.max(smallReport().madeMs, toMs),
    isPartial: false,
  }
}
