import type { ReportedRun, Sev, WeekReport } from '../../weekly/report.ts'
import { chainText, detectionText, impactText, SEV_LEVELS, span, spanOr } from '../../weekly/wording.ts'
import { html, type Markup, raw } from '../markup.ts'
import { count, groupName, pill, time, utc } from '../words.ts'
import { region } from './region.ts'

const DAY_MS = 86_400_000
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
/** Width of a line of the picture: the hours of a week. */
const HOURS = 168
/** So that an incident of a minute is seen in a picture of a week. */
const LEAST_HOURS = 1

/** The incidents of a week: when they were, and each with what is known of it. */
export function incidentsSection(report: WeekReport): Markup {
  const { sevs } = report
  return html`<section aria-labelledby="incidents"><div class="section"><h2 id="incidents">Incidents</h2><span class="note">${count(sevs.length, 'incident')}</span></div>
${
  sevs.length === 0
    ? html`<p class="note">No incident was opened.</p>`
    : html`${weekLines(report)}${region('Incidents', sevTable(sevs))}`
}</section>`
}

function sevTable(sevs: readonly Sev[]): Markup {
  return html`<table class="list"><thead><tr><th scope="col">Level</th><th scope="col">Service</th><th scope="col">Opened, UTC</th><th scope="col" class="number">Impact</th><th scope="col">Found</th><th scope="col" class="number">Recovered after</th><th scope="col">Cause</th></tr></thead>
<tbody>${sevs.map(sevRow)}</tbody></table>`
}

function sevRow(sev: Sev): Markup {
  const { alerts, chain, detection, endedMs, group, level, openedMs, recoverMs, restoreMs, service, slos } =
    sev
  const steps = chainText(sev)
  return html`<tr><td>${levelPill(level)}${endedMs === null ? html`<span class="sub">goes on</span>` : null}</td>
<th scope="row">${service}<span class="sub">${groupName(group)}</span><span class="sub">${slos.join(', ')}</span></th>
<td class="nowrap">${time(openedMs)}<span class="sub">${endedMs === null ? '' : `open for ${span(endedMs - openedMs)}`}</span></td>
<td class="number">${impactText(sev)}</td>
<td>${detectionText(detection)}<span class="sub">${alerts.length > 1 ? `with ${alerts.filter(name => !('alert' in detection) || name !== detection.alert).join(', ')}` : ''}</span>${steps === '' || chain.injectedMs === null ? null : html`<span class="sub">from the attack: ${steps}</span>`}</td>
<td class="number">${spanOr(recoverMs)}${restoreMs === null ? null : html`<span class="sub">restored after ${span(restoreMs)}</span>`}</td>
<td>${cause(sev)}</td></tr>`
}

function cause({ induced, runId, sharedCause }: Sev): Markup {
  const shared = sharedCause
    ? html`<span class="sub">shared: the control group was as bad, so it counts for no attack</span>`
    : null
  if (runId !== null) return html`${runLink(runId)}${shared}`
  return html`${induced ? 'an experiment' : html`<span class="note">no experiment</span>`}${shared}`
}

/** A run by its name, with the instant that makes it the only one: `20261121T103354Z-zone-outage`. */
export function runLink(runId: string): Markup {
  const [, stamp, name] = /^(\d{8}T\d{6}Z)-(.+)$/.exec(runId) ?? []
  const href = `/runs/${encodeURIComponent(runId)}`
  return stamp === undefined || name === undefined
    ? html`<a href="${href}">${runId}</a>`
    : html`<a href="${href}">${name}</a><span class="sub mono stamp">${stamp}</span>`
}

function levelPill(level: Sev['level']): Markup {
  return pill(level <= 2 ? 'error' : level === 3 ? 'warning' : 'info', `SEV${level}`)
}

/** Monday to Sunday, a line for each group and level that had an incident, and one for the experiments. */
function weekLines(report: WeekReport): Markup {
  const { runs, sevs } = report
  const groups = [...new Set(sevs.map(({ group }) => group))].sort()
  const lines = groups.flatMap(group =>
    SEV_LEVELS.flatMap(level => {
      const some = sevs.filter(sev => sev.group === group && sev.level === level)
      return some.length === 0 ? [] : [sevLine(report, group, level, some)]
    }),
  )
  return html`<div class="weekline"><div class="days" aria-hidden="true"><span></span>${DAYS.map(
    (day, index) => html`<span>${day}<small> ${dayOfMonth(report.fromMs + index * DAY_MS)}</small></span>`,
  )}</div>${lines}${runs.length === 0 ? null : runLine(report, runs)}</div>`
}

function sevLine(report: WeekReport, group: string, level: Sev['level'], sevs: readonly Sev[]): Markup {
  const bars = sevs.map(({ openedMs, endedMs }) =>
    bar(report, openedMs, endedMs ?? Math.min(report.madeMs, report.toMs)),
  )
  const words = `${group} SEV${level}: ${count(sevs.length, 'incident')}, opened ${sevs.map(({ openedMs }) => utc(openedMs)).join(', ')}`
  return html`<div class="line"><span>${groupName(group)} SEV${level}</span>${drawing(group === 'control' || group === 'experiment' ? group : 'other', words, bars)}</div>`
}

function runLine(report: WeekReport, runs: readonly ReportedRun[]): Markup {
  const words = `${count(runs.length, 'experiment')}, opened ${runs.map(({ openedMs }) => utc(openedMs)).join(', ')}`
  const bars = runs.map(({ openedMs }) => bar(report, openedMs, openedMs))
  return html`<div class="line"><span>experiments</span>${drawing('run', words, bars)}</div>`
}

/** @param tone class that gives the bars their colour */
function drawing(tone: string, words: string, bars: readonly Markup[]): Markup {
  const days = DAYS.slice(1).map((_, index) => raw(`<path d="M${(index + 1) * 24} 0v10"/>`))
  return html`<svg class="${tone}" viewBox="0 0 ${HOURS} 10" preserveAspectRatio="none" role="img" aria-label="${words}">${days}${bars}</svg>`
}

function bar({ fromMs, toMs }: WeekReport, beginMs: number, endMs: number): Markup {
  const hour = (ms: number) => (Math.min(Math.max(ms, fromMs), toMs) - fromMs) / 3_600_000
  const width = Math.max(LEAST_HOURS, hour(endMs) - hour(beginMs))
  const x = Math.min(hour(beginMs), HOURS - width)
  return raw(`<rect x="${x.toFixed(2)}" y="1" width="${width.toFixed(2)}" height="8"/>`)
}

const dayOfMonth = (ms: number) => new Date(ms).getUTCDate()
