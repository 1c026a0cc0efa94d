import { html, type Markup } from '../markup.ts'

/** What may be wider than the page, in a region that scrolls by itself and that the keyboard reaches. */
export function region(label: string, content: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${content}</div>`
}

/** A table of a list. @param headings `#` in front: numbers stand below it */
export function listTable(headings: readonly string[], rows: readonly Markup[], kind = ''): Markup {
  return html`<table class="list ${kind}"><thead><tr>${headings.map(heading =>
    heading.startsWith('#')
      ? html`<th scope="col" class="number">${heading.slice(1)}</th>`
      : html`<th scope="col">${heading}</th>`,
  )}</tr></thead><tbody>${rows}</tbody></table>`
}
