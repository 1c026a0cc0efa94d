import { empty, type Page } from '../layout.ts'
import { renderMarkdown } from '../markdown.ts'
import { html } from '../markup.ts'

export function runbooksPage(names: readonly string[]): Page {
  return {
    title: 'Runbooks',
    section: '/alerts',
    body: html`<div class="head"><div><h1>Runbooks</h1><p class="lead">One for each alert: what it means, what it does to users, what to look at, what to do.</p></div></div>${
      names.length === 0
        ? empty('No runbook came with this service', html`They stand in <code>docs/runbooks</code>.`)
        : html`<ul class="cards">${names.map(name => html`<li><a class="card" href="/runbooks/${name}">${name}</a></li>`)}</ul>`
    }`,
  }
}

export function runbookPage(name: string, text: string): Page {
  return {
    title: `${name}, runbook`,
    section: '/alerts',
    body: html`<p class="eyebrow"><a href="/runbooks">Runbooks</a></p><article class="prose">${renderMarkdown(text)}</article>`,
  }
}
