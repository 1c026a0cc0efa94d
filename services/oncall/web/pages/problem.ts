import type { Page } from '../layout.ts'
import { html, type Markup } from '../markup.ts'

/** Something is not there or does not work: what it is, and what to do. */
export function problemPage(title: string, advice: Markup): Page {
  return { title, section: null, body: html`<div class="empty"><h1>${title}</h1><p>${advice}</p></div>` }
}
