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
 * Puts markup into an element when it differs from what was put there last. The focus and what was scrolled stay where
 * they were: a page that renews itself must not throw out who walks it by keyboard.
 */
export function show(element: Element, { markup }: Markup): boolean {
  if (shown.get(element) === markup) return false
  shown.set(element, markup)
  const stops = () => [...element.querySelectorAll<HTMLElement>('a[href], button, summary, [tabindex]')]
  const before = stops()
  const scrolled = before.map(one => one.scrollTop)
  const focused = before.indexOf(document.activeElement as HTMLElement)
  element.innerHTML = markup
  const after = stops()
  after.forEach((one, index) => {
    one.scrollTop = scrolled[index] ?? 0
  })
  after[focused]?.focus({ preventScroll: true })
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
  {
    text,
    className,
    ...attributes
  }: { text?: string; className?: string; [attribute: string]: string | undefined } = {},
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
