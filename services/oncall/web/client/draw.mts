import * as echarts from 'echarts'
import type { Mark } from '../panels/exemplars.ts'
import { element } from './dom.mts'

export type Option = Parameters<echarts.ECharts['setOption']>[0]

/** One row of a tooltip as the chart library tells it. */
type Hovered = {
  /** Of the axis' tooltip; that of a mark has none. */
  readonly axisValue?: number
  readonly seriesName?: string
  /** Of a mark: the group its request belongs to. */
  readonly name?: string
  readonly color?: string
  readonly value?: readonly [number, number | null]
}

/** A chart in an element; it follows the element's size and is drawn again with other colours. */
export class Chart {
  private readonly chart: echarts.ECharts
  private readonly host: HTMLElement

  constructor(host: HTMLElement, write: (value: number | null, name: string) => string) {
    this.host = host
    this.chart = echarts.init(host, null, { renderer: 'canvas' })
    this.write = write
    new ResizeObserver(() => this.chart.resize()).observe(host)
    this.chart.on('click', ({ data }) => {
      const { href } = (data ?? {}) as Partial<Mark>
      if (href) location.assign(href)
    })
  }

  private readonly write: (value: number | null, name: string) => string

  get widthPixels(): number {
    return this.host.clientWidth
  }

  draw(option: Option): void {
    const { tooltip, ...rest } = option as Record<string, unknown>
    const withTip =
      typeof tooltip === 'object'
        ? { ...tooltip, formatter: (hovered: unknown) => this.tip(hovered) }
        : tooltip
    this.chart.setOption({ ...rest, tooltip: withTip } as Option, { notMerge: true, lazyUpdate: true })
  }

  clear(): void {
    this.chart.clear()
  }

  /** An element, not markup: names of series come from outside, and the page's policy refuses inline styles. */
  private tip(hovered: unknown): HTMLElement {
    const rows = (Array.isArray(hovered) ? hovered : [hovered]) as readonly Hovered[]
    const tip = element('div', { className: 'tip' })
    const at = rows[0]?.axisValue ?? rows[0]?.value?.[0]
    if (at !== undefined)
      tip.append(element('div', { className: 'when', text: new Date(at).toLocaleTimeString('en-GB') }))
    for (const { axisValue, seriesName = '', name = '', color = '', value } of rows) {
      if (seriesName === '') continue
      const mark = element('i')
      mark.style.background = color
      tip.append(
        mark,
        element('span', { text: axisValue === undefined ? `${seriesName}: ${name}` : seriesName }),
        element('b', { text: this.write(value?.[1] ?? null, seriesName) }),
      )
    }
    return tip
  }
}
