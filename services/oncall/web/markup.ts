/** Text that is HTML already. Only `html` and `raw` make it, so whatever else enters a page is escaped. */
export type Markup = { readonly markup: string }

export type Part = string | number | Markup | readonly Markup[] | null

/** Template tag: what is written is HTML, what is put in is text, unless it is markup itself; null is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return {
    markup: texts
      .map((text, index) => text + (index < parts.length ? toMarkup(parts[index] ?? null) : ''))
      .join(''),
  }
}

/** Marks text as HTML that needs no escaping: for what this folder wrote itself, never for data. */
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

/**
 * An address for an `href`, or null when it is not one a person may be sent to: only http and https, or a path of this
 * server. What is given as data could be a script otherwise.
 */
export function safeHref(address: string | null | undefined): string | null {
  if (!address) return null
  if (/^\/(?![/\\])/.test(address)) return address
  try {
    const { protocol, href } = new URL(address)
    return protocol === 'http:' || protocol === 'https:' ? href : null
  } catch {
    return null
  }
}

function toMarkup(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escapeHtml(part)
  if ('markup' in part) return part.markup
  return part.map(({ markup }) => markup).join('')
}
