/** Text that is HTML already. Only `html` and `raw` make it, so whatever else enters a page is escaped. */
export type Markup = { readonly markup: string }

type Part = string | number | Markup | readonly Markup[] | null

/** A number keeps its unit on its line. */
const NUMBER_AND_UNIT = /(\d) (?=(?:%|ms|s|pp)(?!\w))/g

/** Template tag: what is written is HTML, what is put in is text, unless it is markup itself; null is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const filled = parts.map(toMarkup)
  return { markup: texts.map((text, index) => text + (filled[index] ?? '')).join('') }
}

/** Marks text as HTML that needs no escaping: for SVG and CSS that this folder made itself. */
export function raw(markup: string): Markup {
  return { markup }
}

/** Escapes text for HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function toMarkup(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escapeHtml(part.replace(NUMBER_AND_UNIT, '$1\u00a0'))
  if ('markup' in part) return part.markup
  return part.map(({ markup }) => markup).join('')
}
