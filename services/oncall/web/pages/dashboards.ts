import type { DashboardEntry } from '../../contract.ts'
import { empty, type Page } from '../layout.ts'
import { html } from '../markup.ts'

/** Lengths of time a dashboard can show, seconds. */
export const RANGES = [300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800] as const

export function dashboardsPage(dashboards: readonly DashboardEntry[]): Page {
  return {
    title: 'Dashboards',
    section: '/dashboards',
    body: html`<div class="head"><div><h1>Dashboards</h1><p class="lead">The same files that Grafana is provisioned with, drawn here from Prometheus.</p></div></div>${
      dashboards.length === 0
        ? empty(
            'No dashboards are mounted',
            html`They come with the lab: <code>divergence up</code> renders them from the folder <code>dashboards</code> and mounts them where <code>OC_DASHBOARDS_DIR</code> says.`,
          )
        : html`<ul class="cards">${dashboards.map(
            ({ uid, title, tags }) =>
              html`<li><a class="card" href="/dashboards/${encodeURIComponent(uid)}"><h2>${title}</h2><p class="note">${tags.join(' · ') || uid}</p></a></li>`,
          )}</ul>`
    }`,
  }
}

/**
 * The viewer's frame: its script fills in panels and variables.
 *
 * @param zipkinUrl where traces can be looked at; null: nowhere
 */
export function dashboardPage({ uid, title }: DashboardEntry, zipkinUrl: string | null): Page {
  return {
    title,
    section: '/dashboards',
    script: 'dashboard.mts',
    body: html`<div class="head"><div><h1>${title}</h1><p class="lead" id="description">&nbsp;</p></div></div>
<form class="toolbar" id="toolbar" aria-label="What is shown">
<div class="field"><label for="range">Time</label><select id="range"></select></div>
<div class="field"><label for="refresh">Refresh</label><select id="refresh"></select></div>
<button class="button" type="submit">Read again</button>
<div id="variables" class="toolbar-variables"></div>
<p class="note end" id="asked" role="status"></p>
</form>
<noscript><p class="problems">The panels are drawn by a script, and JavaScript is off. The same dashboard is at <a href="/api/dashboards/${encodeURIComponent(uid)}">its JSON</a>, for Grafana.</p></noscript>
<div class="grid" id="grid" data-uid="${uid}"${zipkinUrl === null ? null : html` data-zipkin="${zipkinUrl}"`}></div>`,
  }
}
