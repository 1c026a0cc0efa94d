import type { AlertEvent, AlertState } from '../../contract.ts'
import { empty, type Page } from '../layout.ts'
import { html, type Markup, raw, safeHref } from '../markup.ts'
import { runbookName } from '../runbooks.ts'
import { count, groupName, length, pill, time } from '../words.ts'
import { actionsCell } from './alert-actions.ts'

export const ALERT_STATES: readonly AlertState[] = ['firing', 'resolved', 'expired', 'unknown']

/** @param state what is shown; null: everything */
export function alertsPage(alerts: readonly AlertEvent[], state: AlertState | null, nowMs: number): Page {
  const filters = [null, ...ALERT_STATES]
  return {
    title: state === null ? 'Alerts' : `Alerts, ${state}`,
    section: '/alerts',
    script: 'alerts.mts',
    body: html`<div class="head"><div><h1>Alerts</h1><p class="lead">Each row is one firing interval of one alert, with its re-fires, whether or not a person was notified. What to do about it stands in its <a href="/runbooks">runbook</a>.</p></div></div>
<nav class="filters" aria-label="State">${filters.map(
      one =>
        html`<a class="button" href="/alerts${one === null ? '' : `?state=${one}`}"${one === state ? raw(' aria-current="true"') : null}>${one ?? 'all'}</a>`,
    )}</nav>
${alerts.length === 0 ? nothing(state) : html`<noscript><p class="problems">Acknowledging an alert and writing a note need JavaScript.</p></noscript>${table(alerts, nowMs)}`}`,
  }
}

function nothing(state: AlertState | null): Markup {
  if (state === 'firing') {
    return empty(
      'Nothing fires',
      html`The Watchdog alert always fires: if it is missing as well, alerts do not reach this page. Look at Prometheus’ alertmanagers under <a href="/dashboards">Dashboards</a>, Alerts and on-call.`,
    )
  }
  return empty(
    state === null ? 'No alert yet' : `No alert is ${state}`,
    html`Prometheus sends every alert to the recorder of this service. During an attack, alerts of the experiment group appear here.`,
  )
}

function table(alerts: readonly AlertEvent[], nowMs: number): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Alerts"><table class="list dense alerts">
<thead><tr><th scope="col">Alert</th><th scope="col">Acted on</th><th scope="col">State</th><th scope="col">Group</th><th scope="col">Service</th><th scope="col">Severity</th><th scope="col">Fired, UTC</th><th scope="col" class="number">For</th><th scope="col" class="number">Flaps</th><th scope="col">Notified</th><th scope="col">Runbook</th></tr></thead>
<tbody>${alerts.map(alert => row(alert, nowMs))}</tbody></table></div><p class="note">${count(alerts.length, 'event')} shown.</p>`
}

function row(alert: AlertEvent, nowMs: number): Markup {
  const { annotations, labels } = alert
  const own = runbookName(annotations.runbook_url)
  const runbook = own === null ? safeHref(annotations.runbook_url) : `/runbooks/${own}`
  const more = Object.entries(labels)
    .filter(([label]) => !['alertname', 'group', 'service', 'severity'].includes(label))
    .map(([label, value]) => `${label}=${value}`)
    .join(' ')
  return html`<tr><th scope="row">${alert.name}<span class="sub">${annotations.summary ?? annotations.description ?? ''}</span>${more === '' ? null : html`<span class="sub mono">${more}</span>`}</th>
${actionsCell(alert)}<td>${pill(alert.state)}</td><td>${groupName(alert.group)}</td><td>${alert.service ?? '–'}</td><td>${alert.severity ?? '–'}</td>
<td>${time(alert.firedMs)}${alert.clockSuspect ? html`<span class="sub">clock is suspect</span>` : null}</td>
<td class="number">${length(alert.endedMs === null ? nowMs - alert.firedMs : alert.firingMs)}</td><td class="number">${alert.flapCount}</td>
<td>${alert.notifiedMs === null ? html`<span class="note">nobody</span>` : time(alert.notifiedMs)}</td>
<td>${runbook === null ? html`<span class="note">none</span>` : html`<a href="${runbook}" rel="noopener noreferrer">Open<span class="hidden"> the runbook of ${alert.name}</span></a>`}</td></tr>`
}
