import { icon } from './icons.ts'
import { html, type Markup, raw } from './markup.ts'

const SECTIONS = [
  { path: '/', name: 'Live' },
  { path: '/dashboards', name: 'Dashboards' },
  { path: '/runs', name: 'Runs' },
  { path: '/alerts', name: 'Alerts' },
  { path: '/weeks', name: 'Week' },
  { path: '/events', name: 'Events' },
] as const
export type Section = (typeof SECTIONS)[number]['path']

export type Page = {
  /** What stands first in the window's title. */
  readonly title: string
  readonly section: Section | null
  readonly body: Markup
  /** Script of the page besides the one every page has: `live.mts`. */
  readonly script?: string
}

export type Frame = {
  /** null: as the system has it. */
  readonly theme: 'light' | 'dark' | null
  readonly href: (asset: string) => string
}

/** Two lines that were one. */
const BRAND =
  '<svg viewBox="0 0 24 24" fill="none" stroke-width="2.6" stroke-linecap="round" aria-hidden="true"><path class="c" d="M2.5 13.5H9c5 0 6-7 12.5-7"/><path class="e" d="M2.5 13.5H9c5 0 6 5.5 12.5 5.5"/></svg>'

/** A whole page. Nothing in it is inline script or style: the Content-Security-Policy would refuse it. */
export function renderPage({ title, section, body, script }: Page, { theme, href }: Frame): string {
  const scripts = ['client/common.mts', ...(script === undefined ? [] : [`client/${script}`])]
  return html`<!doctype html>
<html lang="en"${theme === null ? null : raw(` data-theme="${theme}"`)}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · divergence</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${href('console.css')}">
${scripts.map(name => html`<script type="module" src="${href(name)}"></script>\n`)}</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<div class="bar"><div>
<a class="brand" href="/">${raw(BRAND)}divergence</a>
<nav aria-label="Console">${SECTIONS.map(
    ({ path, name }) =>
      html`<a href="${path}"${section === path ? raw(' aria-current="page"') : null}>${name}</a>`,
  )}</nav>
<div class="tools"><button class="button" id="session" type="button" hidden>Sign in</button><button class="icon-button" id="theme" type="button" aria-label="Change the colour theme" hidden>${icon('theme')}</button></div>
</div></div>
<main id="main" tabindex="-1">
${body}
</main>
<footer><p>All times on lists are UTC; charts show the time of your own clock.</p></footer>
<div class="hidden" aria-live="polite" id="announcer"></div>
</body>
</html>
`.markup
}

/** What a page says when there is nothing to show, and what would change that. */
export function empty(title: string, advice: Markup): Markup {
  return html`<div class="empty"><h2>${title}</h2><p>${advice}</p></div>`
}

export const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke-width="3" stroke-linecap="round"><path stroke="#3f86d0" d="M2.5 13.5H9c5 0 6-7 12.5-7"/><path stroke="#d96a1f" d="M2.5 13.5H9c5 0 6 5.5 12.5 5.5"/></svg>'
