import { type Dashboard, parseDashboard, type Variable } from '../panels/dashboard.ts'
import {
  aligned,
  type QueryContext,
  SCRAPE_SECONDS,
  substitute,
  type TimeRange,
  variableQuery,
} from '../panels/query.ts'
import { type Interval, intervals } from '../panels/result.ts'
import { traceHref } from '../trace-link.ts'
import { ask, wordsOf } from './api.mts'
import { byId, element } from './dom.mts'
import { PanelView } from './panel.mts'
import { instant, range } from './prometheus.mts'
import { onThemeChange } from './theme.mts'
import { makeToolbar, type Toolbar } from './toolbar.mts'

const grid = byId('grid')
const uid = grid.dataset.uid ?? ''

/** Queries that are under way at once: one Prometheus answers for everybody. */
const AT_ONCE = 6

async function open(): Promise<void> {
  let dashboard: Dashboard
  try {
    dashboard = parseDashboard(await ask(`/api/dashboards/${encodeURIComponent(uid)}`))
  } catch (error) {
    const why = error instanceof TypeError ? error.message : wordsOf(error)
    grid.replaceChildren(
      element('p', { className: 'problems', text: `The dashboard cannot be shown. ${why}` }),
    )
    return
  }
  byId('description').textContent = dashboard.description
  const zipkinUrl = grid.dataset.zipkin ?? null
  const views = dashboard.panels.map(panel => new PanelView(panel, id => traceHref(zipkinUrl, id)))
  grid.replaceChildren(...views.map(view => view.element))
  const toolbar = makeToolbar(dashboard)
  const reading = new Reading(dashboard, views, toolbar)
  await reading.offerChoices()
  toolbar.onChange(() => reading.start())
  onThemeChange(() => {
    for (const view of views) view.redraw()
  })
  reading.start()
}

/** Reads all panels, and again after the refresh time; a new reading ends the one before. */
class Reading {
  private readonly dashboard: Dashboard
  private readonly views: readonly PanelView[]
  private readonly toolbar: Toolbar
  private current = new AbortController()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(dashboard: Dashboard, views: readonly PanelView[], toolbar: Toolbar) {
    this.dashboard = dashboard
    this.views = views
    this.toolbar = toolbar
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.toolbar.refreshSeconds() > 0) this.start()
    })
  }

  start(): void {
    clearTimeout(this.timer)
    this.current.abort()
    this.current = new AbortController()
    this.read(this.current.signal).catch(() => undefined)
  }

  private async read(signal: AbortSignal): Promise<void> {
    if (!document.hidden) await this.readAll(signal)
    if (signal.aborted) return
    const seconds = this.toolbar.refreshSeconds()
    if (seconds > 0) this.timer = setTimeout(() => this.start(), seconds * 1000)
  }

  private async readAll(signal: AbortSignal): Promise<void> {
    const shown = this.shown()
    const annotations = await this.annotations(shown, signal)
    const context = (stepSeconds: number): QueryContext => ({ ...this.context(shown), stepSeconds })
    const queue = this.views.filter(view => view.asks)
    const worker = async () => {
      for (let view = queue.shift(); view !== undefined && !signal.aborted; view = queue.shift()) {
        await view.read(context, shown, annotations, signal)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    if (!signal.aborted) byId('asked').textContent = `Read at ${new Date().toLocaleTimeString('en-GB')}`
  }

  private shown(): TimeRange {
    const toSeconds = Date.now() / 1000
    return aligned({ fromSeconds: toSeconds - this.toolbar.rangeSeconds(), toSeconds }, SCRAPE_SECONDS)
  }

  private context(shown: TimeRange): Omit<QueryContext, 'stepSeconds'> {
    return { range: shown, variables: this.toolbar.variables(), chosen: this.toolbar.chosen() }
  }

  private async annotations(shown: TimeRange, signal: AbortSignal): Promise<readonly Interval[]> {
    const length = shown.toSeconds - shown.fromSeconds
    const stepSeconds = Math.max(SCRAPE_SECONDS, Math.ceil(length / 500))
    const found = await Promise.all(
      this.dashboard.annotations.map(({ expr, titleFormat }) =>
        range(substitute(expr, { ...this.context(shown), stepSeconds }), shown, stepSeconds, '', '', signal)
          .then(series => intervals(series, titleFormat, stepSeconds))
          // Panels without their shading are still worth showing.
          .catch(() => []),
      ),
    )
    return found.flat()
  }

  /** Asks Prometheus for the values that variables can have. */
  async offerChoices(): Promise<void> {
    const shown = this.shown()
    const values = async (variable: Variable): Promise<readonly string[]> => {
      if (variable.query === null) return variable.values
      const query = variableQuery(variable.query, { ...this.context(shown), stepSeconds: SCRAPE_SECONDS })
      const series = await instant(query, shown.toSeconds).catch(() => [])
      const { label } = variable.query
      return [...new Set(series.map(({ labels }) => labels[label] ?? ''))]
        .filter(value => value !== '')
        .sort()
    }
    for (const variable of this.dashboard.variables) this.toolbar.offer(variable.name, await values(variable))
  }
}

open().catch(error => {
  grid.replaceChildren(
    element('p', { className: 'problems', text: `The dashboard cannot be shown. ${wordsOf(error)}` }),
  )
})
