import type { Stroke } from '../panels/colours.ts'
import type { Figure } from '../panels/figures.ts'
import type { Table } from '../panels/table.ts'
import type { Tokens } from '../tokens.ts'
import { element } from './dom.mts'

const SVG = 'http://www.w3.org/2000/svg'

function svg(viewBox: string, ...children: readonly SVGElement[]): SVGElement {
  const made = document.createElementNS(SVG, 'svg')
  made.setAttribute('viewBox', viewBox)
  made.setAttribute('preserveAspectRatio', 'none')
  made.setAttribute('aria-hidden', 'true')
  made.append(...children)
  return made
}

function shape(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  return made
}

/** A piece of the line as the chart draws it. */
export function legendMark({ colour, dash }: Stroke): SVGElement {
  const line = shape('line', { x1: '0', x2: '20', y1: '4', y2: '4', stroke: colour, 'stroke-width': '2.5' })
  if (dash !== 'solid') line.setAttribute('stroke-dasharray', dash.join(' '))
  return svg('0 0 20 8', line)
}

/** Numbers side by side, large. */
export function figuresView(figures: readonly Figure[]): HTMLElement {
  return element(
    'div',
    { className: 'figures' },
    ...figures.map(({ name, text, colour }) => {
      const value = element('b', { text, title: text })
      if (colour !== null) value.style.color = colour
      const kind = text.length > 12 ? 'figure words' : figures.length > 2 ? 'figure many' : 'figure'
      return element(
        'div',
        { className: kind },
        value,
        ...(figures.length > 1 ? [element('span', { text: name, title: name })] : []),
      )
    }),
  )
}

/** One bar for each number. */
export function barsOf(figures: readonly Figure[], tokens: Tokens): HTMLElement {
  return element(
    'div',
    { className: 'bars' },
    ...figures.map(({ name, text, share, colour }) => {
      const bar = shape('rect', {
        width: String((share ?? 0) * 100),
        height: '1',
        fill: colour ?? tokens.series1,
      })
      return element(
        'div',
        {},
        element('span', { text: name, title: name }),
        element('div', { className: 'track' }, svg('0 0 100 1', bar)),
        element('b', { text }),
      )
    }),
  )
}

export function tableView({ columns, rows, unknown }: Table, title: string): HTMLElement {
  const head = element(
    'tr',
    {},
    ...columns.map(({ name, numeric }) =>
      element('th', { text: name, scope: 'col', className: numeric ? 'number' : '' }),
    ),
  )
  const body = rows.map(cells =>
    element(
      'tr',
      {},
      ...cells.map(({ text, numeric, colour }) => {
        const cell = element('td', { text, className: numeric ? 'number' : '' })
        if (colour !== null) cell.style.color = colour
        return cell
      }),
    ),
  )
  const note = `Grafana also does here: ${unknown.join(', ')}.`
  return element(
    'div',
    { tabindex: '0', role: 'region', 'aria-label': title },
    element('table', { className: 'list' }, element('thead', {}, head), element('tbody', {}, ...body)),
    ...(unknown.length === 0 ? [] : [element('p', { className: 'note', text: note })]),
  )
}
