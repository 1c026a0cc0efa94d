import type { ChartInput } from '../panels/chart.ts'
import { linesOf, timeSeriesOption } from '../panels/chart.ts'
import type { Panel } from '../panels/dashboard.ts'
import { type Exemplar, exemplarQuery } from '../panels/exemplars.ts'
import { figuresOf } from '../panels/figures.ts'
import { heatmapOption } from '../panels/heatmap.ts'
import { type QueryContext, stepSeconds, substitute, type TimeRange } from '../panels/query.ts'
import { type Interval, reduce, type Series } from '../panels/result.ts'
import { tableOf } from '../panels/table.ts'
import { display } from '../panels/units.ts'
import { Refused, wordsOf } from './api.mts'
import { element } from './dom.mts'
import { Chart, type Option } from './draw.mts'
import { barsOf, figuresView, legendMark, tableView } from './figures.mts'
import { exemplars, instant, range } from './prometheus.mts'
import { currentTokens } from './theme.mts'
import { TraceList } from './traces.mts'

const CHARTS = ['timeseries', 'graph', 'heatmap'] as const
const NUMBERS = ['stat', 'gauge', 'bargauge', 'barchart'] as const

type Read = {
  readonly series: readonly Series[]
  readonly exemplars: readonly Exemplar[]
  readonly annotations: readonly Interval[]
  readonly range: TimeRange
  readonly stepSeconds: number
}

/** One panel on the page: its frame, and what is in it once it has been read. */
export class PanelView {
  readonly element: HTMLElement
  /** Whether it has anything to ask. */
  readonly asks: boolean
  private readonly panel: Panel
  /** Where the trace of a request can be looked at; null: nowhere. */
  private readonly hrefOf: (traceId: string) => string | null
  private readonly traces: TraceList
  private readonly body = element('div', { className: 'body' })
  private readonly legend = element('ul', { className: 'legend' })
  private chart: Chart | null = null
  private last: Read | null = null

  constructor(panel: Panel, hrefOf: (traceId: string) => string | null) {
    this.panel = panel
    this.hrefOf = hrefOf
    this.traces = new TraceList(panel, hrefOf)
    const { type, grid } = panel
    this.asks = panel.targets.length > 0 && type !== 'row' && type !== 'text'
    this.element =
      type === 'row' ? element('h2', { className: 'row-title', text: panel.title }) : this.frame()
    this.element.style.gridColumn = `${Math.min(24, grid.x + 1)} / span ${Math.min(24, grid.w)}`
    this.element.style.gridRow = `${grid.y + 1} / span ${grid.h}`
    if (type === 'text') this.body.append(element('p', { text: String(panel.options.content ?? '') }))
    else if (!this.asks && type !== 'row')
      this.say(this.unsupported() ?? 'This panel asks nothing of Prometheus.')
  }

  private frame(): HTMLElement {
    const { id, title, description, grid } = this.panel
    const about = element(
      'details',
      { className: 'about' },
      element('summary', { text: '?', 'aria-label': `About ${title}` }),
    )
    about.append(element('p', { text: description }))
    const header = element(
      'header',
      {},
      element('h3', { text: title, id: `panel-${id}`, title }),
      ...(description === '' ? [] : [about]),
    )
    return element(
      'section',
      {
        className: grid.h <= 4 ? 'panel short' : 'panel',
        'aria-labelledby': `panel-${id}`,
        'data-type': this.panel.type,
      },
      header,
      this.body,
      this.legend,
      this.traces.element,
    )
  }

  private unsupported(): string | null {
    const { type } = this.panel
    const known = [...CHARTS, ...NUMBERS, 'table', 'row', 'text'] as readonly string[]
    return known.includes(type) ? null : `Panels of the type “${type}” are drawn by Grafana only.`
  }

  async read(
    contextOf: (stepSeconds: number) => QueryContext,
    shown: TimeRange,
    annotations: readonly Interval[],
    signal: AbortSignal,
  ): Promise<void> {
    const unsupported = this.unsupported()
    if (unsupported !== null) return this.say(unsupported)
    const { targets } = this.panel
    const widest = targets.map(({ interval }) => stepSeconds(shown, this.body.clientWidth, interval))
    const step = Math.max(...widest)
    try {
      const read = await Promise.all(
        targets.map(({ expr, refId, legendFormat, instant: once }) => {
          const query = substitute(expr, contextOf(step))
          return once
            ? instant(query, shown.toSeconds, refId, legendFormat, signal)
            : range(query, shown, step, refId, legendFormat, signal)
        }),
      )
      if (signal.aborted) return
      const marks = await this.readExemplars(contextOf(step), shown, signal)
      if (signal.aborted) return
      this.last = { series: read.flat(), exemplars: marks, annotations, range: shown, stepSeconds: step }
      this.redraw()
    } catch (error) {
      if (signal.aborted) return
      // An old picture would pass for what is now.
      this.last = null
      const isRefused = error instanceof Refused && error.status < 500
      this.say(
        `${isRefused ? 'Prometheus refused the query: ' : 'No data could be read. '}${wordsOf(error)}`,
        true,
      )
    }
  }

  /** After the lines, so that a panel never asks more at once than it has queries; a chart without marks is still one. */
  private async readExemplars(
    context: QueryContext,
    shown: TimeRange,
    signal: AbortSignal,
  ): Promise<readonly Exemplar[]> {
    const query = exemplarQuery(this.panel, expr => substitute(expr, context))
    if (query === null) return []
    try {
      const found = await exemplars(query, shown, signal)
      this.traces.show(found)
      return found
    } catch (error) {
      if (!signal.aborted) this.traces.say(`Single requests could not be read. ${wordsOf(error)}`)
      return []
    }
  }

  redraw(): void {
    if (this.last === null) return
    const { series } = this.last
    const hasData = series.some(({ points }) => points.some(([, value]) => value !== null))
    const { type, field } = this.panel
    if (!hasData && !(type === 'stat' && field.noValue !== null)) {
      this.say(
        field.noValue ?? (type === 'table' ? 'Nothing to list in this time.' : 'No data in this time.'),
      )
      return
    }
    if ((CHARTS as readonly string[]).includes(type)) this.drawChart(this.last)
    else this.drawNumbers(this.last)
    this.element.dataset.series = String(series.length)
  }

  private drawChart(read: Read): void {
    if (this.chart === null) {
      const host = element('div', {
        className: 'draw',
        role: 'img',
        'aria-label': `Chart: ${this.panel.title}`,
      })
      this.body.replaceChildren(host)
      this.chart = new Chart(host, (value, name) => this.write(value, name))
    }
    const tokens = currentTokens()
    const { panel, hrefOf } = this
    const input: ChartInput = { panel, ...read, hrefOf, tokens, widthPixels: this.chart.widthPixels }
    if (this.panel.type === 'heatmap') {
      this.chart.draw(heatmapOption(input) as Option)
      return
    }
    this.chart.draw(timeSeriesOption(input) as Option)
    const legend = this.panel.options.legend as
      | { showLegend?: boolean; displayMode?: string; calcs?: readonly string[] }
      | undefined
    if (legend?.showLegend === false || legend?.displayMode === 'hidden') return
    const calculation = legend?.calcs?.[0] ?? 'lastNotNull'
    this.legend.replaceChildren(
      ...linesOf(this.panel, read.series, tokens).map(({ name, field, stroke, series }) =>
        element(
          'li',
          {},
          legendMark(stroke),
          field.custom.axisPlacement === 'right' ? `${name} (right axis)` : name,
          element('b', { text: display(reduce(series.points, calculation), field).text }),
        ),
      ),
    )
  }

  private drawNumbers({ series }: Read): void {
    this.chart = null
    this.legend.replaceChildren()
    const tokens = currentTokens()
    if (this.panel.type === 'table') {
      this.body.replaceChildren(tableView(tableOf(this.panel, series, tokens, Date.now()), this.panel.title))
      return
    }
    const figures = figuresOf(this.panel, series, tokens, Date.now())
    this.body.replaceChildren(this.panel.type === 'stat' ? figuresView(figures) : barsOf(figures, tokens))
  }

  private write(value: number | null, name: string): string {
    const line =
      this.last === null
        ? undefined
        : linesOf(this.panel, this.last.series, currentTokens()).find(one => one.name === name)
    return display(value, line?.field ?? this.panel.field).text
  }

  private say(message: string, bad = false): void {
    this.chart = null
    this.legend.replaceChildren()
    this.traces.clear()
    delete this.element.dataset.series
    this.body.replaceChildren(element('p', { className: bad ? 'message bad' : 'message', text: message }))
  }
}
