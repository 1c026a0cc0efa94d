import { html, type Markup, raw, safeHref } from './markup.ts'

/*
 * As much of Markdown as the runbooks use: headings, paragraphs, lists, fenced code, and in a line code, bold and links.
 * Whatever is not one of these is text.
 */

/** @param depth what a `#` becomes: 1 is h1 */
export function renderMarkdown(text: string, depth: 1 | 2 = 1): Markup {
  const blocks: Markup[] = []
  const lines = text.replaceAll('\r', '').split('\n')
  let at = 0
  const take = (matches: (line: string) => boolean): string[] => {
    const taken: string[] = []
    for (let line = lines[at]; line !== undefined && matches(line); line = lines[++at]) taken.push(line)
    return taken
  }
  while (at < lines.length) {
    const line = lines[at] ?? ''
    const heading = /^(#{1,4})\s+(.*)$/.exec(line)
    if (line.trim() === '') at++
    else if (heading !== null) {
      const level = Math.min(6, (heading[1] ?? '').length + depth - 1)
      blocks.push(html`${raw(`<h${level}>`)}${inline(heading[2] ?? '')}${raw(`</h${level}>`)}`)
      at++
    } else if (line.startsWith('```')) {
      at++
      const code = take(one => !one.startsWith('```'))
      at++
      blocks.push(html`<pre tabindex="0"><code>${code.join('\n')}</code></pre>`)
    } else if (ITEM.test(line)) blocks.push(list(take(one => ITEM.test(one) || /^\s+\S/.test(one))))
    else blocks.push(html`<p>${inline(take(one => one.trim() !== '' && !STARTS.test(one)).join(' '))}</p>`)
  }
  return html`${blocks}`
}

const ITEM = /^\s*(?:[-*]|\d+\.)\s+/
/** What ends a paragraph without an empty line before it. */
const STARTS = /^(?:#{1,4}\s|```|\s*(?:[-*]|\d+\.)\s)/

/** A line that is further in continues the item before it. */
function list(lines: readonly string[]): Markup {
  const items: string[] = []
  for (const line of lines) {
    if (ITEM.test(line)) items.push(line.replace(ITEM, ''))
    else items.push(`${items.pop() ?? ''} ${line.trim()}`)
  }
  const tag = /^\s*\d/.test(lines[0] ?? '') ? 'ol' : 'ul'
  return html`${raw(`<${tag}>`)}${items.map(item => html`<li>${inline(item)}</li>`)}${raw(`</${tag}>`)}`
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g

function inline(text: string): Markup {
  const parts: Markup[] = []
  let from = 0
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, label, target] = match
    parts.push(html`${text.slice(from, match.index)}`)
    from = match.index + whole.length
    if (code !== undefined) parts.push(html`<code>${code}</code>`)
    else if (bold !== undefined) parts.push(html`<strong>${bold}</strong>`)
    else parts.push(link(label ?? '', target ?? ''))
  }
  return html`${[...parts, html`${text.slice(from)}`]}`
}

/** Runbooks link to each other by their files' names. */
function link(label: string, target: string): Markup {
  const neighbour = /^(?:\.\/)?([A-Za-z0-9]+)\.md$/.exec(target)?.[1]
  const href = neighbour === undefined ? safeHref(target) : `/runbooks/${neighbour}`
  return href === null ? html`${label}` : html`<a href="${href}" rel="noopener noreferrer">${label}</a>`
}
