import type { AlertCounts, FrequentAlert } from '../../weekly/report.ts'
import { ownerText, percent, rankChange, span, spanOr } from '../../weekly/wording.ts'
import { html, type Markup } from '../markup.ts'
import { count, groupName } from '../words.ts'
import { listTable, region } from './region.ts'

/** Alerts by service, in two tables: induced by experiments and not. */
export function alertsSection(alerts: readonly AlertCounts[]): Markup {
  return html`<section aria-labelledby="alerts"><div class="section"><h2 id="alerts">Alerts by service</h2><span class="note">Counted by what fired, whether or not anybody was told</span></div>
${part('Not induced', alerts, false)}${part('Induced by experiments', alerts, true)}</section>`
}

const HEADINGS = [
  'Service',
  ...['#Alerts', '#Carried over', '#Open', '#Noisy', '#Self-resolving', '#Flaps', '#Expired', '#Unknown'],
  ...['#Notified', '#Resolved p50', '#p90', '#Mean', '#n'],
] as const

function part(title: string, alerts: readonly AlertCounts[], induced: boolean): Markup {
  const rows = alerts.filter(row => row.induced === induced).map(countRow)
  return html`<h3 class="part">${title}</h3>${rows.length === 0 ? html`<p class="note">None.</p>` : region(`Alerts by service, ${title}`, listTable(HEADINGS, rows, 'dense'))}`
}

function countRow(row: AlertCounts): Markup {
  const { clockSuspect, oldestOpenMs, resolution } = row
  const plain = [row.carriedOver, null, row.noisy, row.selfResolving, row.flaps, row.expired, row.unknown]
  const open = html`<td class="number">${row.open}${oldestOpenMs === null ? null : html`<span class="sub">oldest ${span(oldestOpenMs)}</span>`}</td>`
  return html`<tr>${ownerCell(row)}<td class="number"><b>${row.events}</b></td>${plain.map(value => (value === null ? open : html`<td class="number">${value}</td>`))}
<td class="number">${row.notified}</td>${[resolution.p50Ms, resolution.p90Ms, resolution.meanMs].map(ms => html`<td class="number">${spanOr(ms)}</td>`)}
<td class="number">${resolution.n}${clockSuspect === 0 ? null : html`<span class="sub">${clockSuspect} left out: clock</span>`}</td></tr>`
}

/** First cell of a row: whose it is. */
export function ownerCell(owner: { readonly group: string | null; readonly service: string | null }): Markup {
  const { group, service } = owner
  if (group === null && service === null) return html`<th scope="row">${ownerText(owner)}</th>`
  return html`<th scope="row">${service ?? 'no service'}<span class="sub">${group === null ? 'no group' : groupName(group)}</span></th>`
}

/** The twenty most frequent of each service, closed until somebody asks. */
export function frequentSection(frequent: readonly FrequentAlert[]): Markup {
  const owners = Map.groupBy(frequent, ownerText)
  return html`<section aria-labelledby="frequent"><div class="section"><h2 id="frequent">Most frequent alerts</h2><span class="note">At most twenty a service, with their rank against the week before</span></div>${
    owners.size === 0
      ? html`<p class="note">None.</p>`
      : html`<div class="folded">${[...owners].map(([owner, rows]) => folded(owner, rows))}</div>`
  }</section>`
}

function folded(owner: string, rows: readonly FrequentAlert[]): Markup {
  const [first] = rows
  const headings = ['#Rank', 'Change', 'Alert', '#Alerts', '#Induced', '#Flaps', '#Firing', '#Noisy']
  return html`<details><summary><b>${owner}</b> <span class="note">${count(rows.length, 'alert')}${first === undefined ? '' : `, ${first.name} first`}</span></summary>${region(`Most frequent alerts of ${owner}`, listTable(headings, rows.map(frequentRow), 'dense'))}</details>`
}

function frequentRow(row: FrequentAlert): Markup {
  const { events, firingMs, flaps, induced, name, noisyShare, rank, rankBefore } = row
  const { sign, words } = rankChange(rank, rankBefore)
  return html`<tr><td class="number">${rank}</td><td class="nowrap"><span aria-hidden="true" title="${words}">${sign}</span><span class="hidden">${words}</span></td><th scope="row">${name}</th>
<td class="number"><b>${events}</b></td><td class="number">${induced}</td><td class="number">${flaps}</td><td class="number">${span(firingMs)}</td><td class="number">${percent(noisyShare)}</td></tr>`
}
