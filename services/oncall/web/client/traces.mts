import type { Panel } from '../panels/dashboard.ts'
import { type Exemplar, newest } from '../panels/exemplars.ts'
import { format } from '../panels/units.ts'
import { element } from './dom.mts'

/** The newest of the requests that a chart marks, as links: for keyboards, and for those who hear the page. */
export class TraceList {
  readonly element: HTMLElement
  private readonly panel: Panel
  private readonly hrefOf: (traceId: string) => string | null

  constructor(panel: Panel, hrefOf: (traceId: string) => string | null) {
    this.panel = panel
    this.hrefOf = hrefOf
    this.element = element('nav', {
      className: 'traces',
      'aria-label': `Requests with a trace: ${panel.title}`,
      hidden: '',
    })
  }

  show(exemplars: readonly Exemplar[]): void {
    if (exemplars.length === 0) {
      this.say('No request with a trace in this time.')
      return
    }
    // Who walks the links by keyboard opens the one that was read, not one that took its place.
    if (this.element.contains(document.activeElement)) return
    this.element.hidden = false
    this.element.replaceChildren(
      element('span', { className: 'key', text: 'Requests with a trace' }),
      element('ul', {}, ...newest(exemplars).map(one => element('li', {}, this.link(one)))),
    )
  }

  say(message: string): void {
    this.element.hidden = false
    this.element.replaceChildren(element('span', { text: message }))
  }

  clear(): void {
    this.element.hidden = true
    this.element.replaceChildren()
  }

  private link({ seconds, value, traceId, labels: { group = '' } }: Exemplar): HTMLElement {
    const { unit, decimals } = this.panel.field
    const at = new Date(seconds * 1000).toLocaleTimeString('en-GB')
    const text = [at, group, format(value, unit, decimals)].filter(part => part !== '').join(' ')
    const href = this.hrefOf(traceId)
    const className = group === 'control' || group === 'experiment' ? `g-${group}` : ''
    return href === null
      ? element('span', { text, className })
      : element('a', { text, className, href, rel: 'noopener noreferrer' })
  }
}
