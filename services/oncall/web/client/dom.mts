import type { Markup } from '../markup.ts'

/**
 * The element with that id.
 *
 * @throws Error when the page has none: page and script belong together
 */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`Cannot find #${id} on this page`)
  return element as Kind
}

const shown = new WeakMap<Element, string>()

/**
 * Puts markup into an element when it differs from what was put there last: what did not change keeps its place, its
 * focus and what a person has selected.
 */
export function show(element: Element, { markup }: Markup): boolean {
  if (shown.get(element) === markup) return false
  shown.set(element, markup)
  const scrolled = [...element.querySelectorAll('[tabindex]')].map(one => one.scrollTop)
  element.innerHTML = markup
  element.querySelectorAll('[tabindex]').forEach((one, index) => {
    one.scrollTop = scrolled[index] ?? 0
  })
  return true
}

/** Says something to those who hear the page. */
export function announce(text: string): void {
  const announcer = byId('announcer')
  const line = document.createElement('p')
  line.textContent = text
  announcer.replaceChildren(...[...announcer.children].slice(-4), line)
}

/** An element with text and classes; text is text, whatever it holds. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { text, className, ...attributes }: { text?: string; className?: string; [attribute: string]: string | undefined } = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (className !== undefined) made.className = className
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(attribute, value)
  }
  made.append(...children)
  return made
}
