import { weekBefore, weekOf } from '../../weekly/iso-week.ts'
import type { AlertCounts, Mentioned, Reliability, ReportedRun, WeekReport } from '../../weekly/report.ts'
import {
  DEFINITIONS,
  foundText,
  isEmptyWeek,
  mtbfText,
  NO_VALUE,
  observedText,
  ownerText,
  pooled,
  SEV_LEVELS,
  span,
  summary,
  weekDates,
  weekTitle,
} from '../../weekly/wording.ts'
import { empty, type Page } from '../layout.ts'
import { html, type Markup } from '../markup.ts'
import { count, groupName, pill, time, utc } from '../words.ts'
import { listTable, region } from './region.ts'
import { incidentsSection, runLink } from './sevs.ts'
import { alertsSection, frequentSection } from './week-alerts.ts'
import { coverageSection, reliabilitySection, rulesSection } from './week-attacks.ts'

/** What was in a week: for a manager at the top, for whoever mends it below. */
export function weekPage(report: WeekReport): Page {
  const title = weekTitle(report)
  return {
    title,
    section: '/weeks',
    body: html`<div class="week"><div class="head"><div><h1>${title}${report.isPartial ? html` ${pill('unknown', 'not over')}` : null}</h1><p class="lead">${weekDates(report)}, UTC. ${observedText(report)}</p></div>${otherWeeks(report)}</div>
${report.madeMs < report.fromMs ? notBegun() : content(report)}
${definitions()}
<p class="note made">${report.week}, counted ${utc(report.madeMs)} UTC. <span class="links">The same as <a href="/api/weeks/${report.week}?format=markdown">Markdown</a> or <a href="/api/weeks/${report.week}">JSON</a>.</span></p></div>`,
  }
}

function otherWeeks({ fromMs, madeMs, toMs }: WeekReport): Markup {
  const before = weekBefore(weekOf(fromMs)).name
  // There is no report of what has not begun.
  const after = toMs <= madeMs ? weekOf(toMs).name : null
  return html`<nav class="filters" aria-label="Weeks"><a class="button" href="/weeks/${before}" rel="prev"><span aria-hidden="true">←</span><span class="hidden">Week before:</span> ${before}</a>${
    after === null
      ? null
      : html`<a class="button" href="/weeks/${after}" rel="next"><span class="hidden">Week after:</span>${after} <span aria-hidden="true">→</span></a>`
  }</nav>`
}

function notBegun(): Markup {
  return empty('This week has not begun', html`Go to the <a href="/weeks">current week</a>.`)
}

function content(report: WeekReport): Markup {
  if (isEmptyWeek(report)) {
    const words = html`${summary(report).join(' ')} Of the time that nobody looked, nothing is known.`
    const { reliability } = report
    // How long services went without a failure is known all the same.
    return html`${empty('Nothing was recorded in this week', words)}${reliability.length === 0 ? null : reliabilitySection(reliability)}`
  }
  return html`<section class="card" aria-label="In short"><ul class="reasons">${summary(report).map(sentence => html`<li>${sentence}</li>`)}</ul></section>
${keyFigures(report)}
${incidentsSection(report)}
${alertsSection(report.alerts)}
${frequentSection(report.frequent)}
${reliabilitySection(report.reliability)}
${rulesSection(report.rules)}
${coverageSection(report.coverage)}
${leaksSection(report)}
${undeliveredSection(report)}
${runsSection(report.runs)}`
}

function keyFigures({ alerts, reliability }: WeekReport): Markup {
  const groups = [...new Set([...alerts, ...reliability].map(({ group }) => group))]
  const cards = groups.flatMap(group =>
    [false, true].flatMap(induced => {
      const counted = alerts.filter(row => row.group === group && row.induced === induced)
      const services = reliability.filter(row => row.group === group && row.induced === induced)
      return counted.length + services.length === 0 ? [] : [figureCard(group, induced, counted, services)]
    }),
  )
  return html`<section aria-labelledby="figures"><div class="section"><h2 id="figures">Key figures</h2><span class="note">Of all services; what experiments induced is counted by itself</span></div><ul class="cards">${cards}</ul></section>`
}

function figureCard(
  group: string | null,
  induced: boolean,
  alerts: readonly AlertCounts[],
  services: readonly Reliability[],
): Markup {
  const sum = (pick: (row: AlertCounts) => number) => alerts.reduce((total, row) => total + pick(row), 0)
  const all = pooled(services)
  const meanOf = ({ meanMs, n }: { readonly meanMs: number | null; readonly n: number }) =>
    meanMs === null ? NO_VALUE : `${span(meanMs)}, n ${n}${n < 5 ? ' (few)' : ''}`
  const facts: readonly (readonly [string, string])[] = [
    ['Alerts', `${sum(row => row.events)}, ${sum(row => row.open)} open`],
    [
      induced ? 'Self-resolving' : 'Noisy',
      `${sum(row => (induced ? row.selfResolving : row.noisy))} of ${sum(row => row.events)}`,
    ],
    ...(services.length === 0
      ? []
      : ([
          ['Incidents', SEV_LEVELS.map(level => `${all.sevs[level]} SEV${level}`).join(' · ')],
          ['MTTD', `${meanOf(all.detect)}; ${foundText(all)}`],
          ['MTTR', meanOf(all.recover)],
          [
            'MTBF a service',
            `${mtbfText(all)}${all.failures > 0 ? `, n ${all.failures}${all.failures < 5 ? ' (few)' : ''}` : ''}`,
          ],
        ] as const)),
  ]
  const name = group === null ? html`no group` : groupName(group)
  return html`<li class="card"><header><h3>${name}</h3><span class="note">${induced ? 'induced by experiments' : 'not induced'}</span></header><dl class="facts">${facts.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl></li>`
}

function leaksSection({ beyondCount, leakCount, leaks }: WeekReport): Markup {
  return html`<section aria-labelledby="leaks"><div class="section"><h2 id="leaks">Alerts of the control group during attacks</h2><span class="note">${count(leakCount, 'alert')}: a leak of the attack, or a false alarm</span></div>${
    leakCount === 0
      ? html`<p class="note">None: no attack was felt where none was meant to be.</p>`
      : mentioned('Alerts of the control group during attacks', leaks, leakCount)
  }${
    beyondCount === 0
      ? null
      : html`<p class="note">Besides, ${count(beyondCount, 'alert')} of the experimental group began during an experiment, out of its blast radius.</p>`
  }</section>`
}

function undeliveredSection({ undelivered, undeliveredCount }: WeekReport): Markup {
  return html`<section aria-labelledby="undelivered"><div class="section"><h2 id="undelivered">Alerts of which nobody was told</h2><span class="note">${count(undeliveredCount, 'alert')}: silenced, inhibited or lost on the way</span></div>${
    undeliveredCount === 0
      ? html`<p class="note">None.</p>`
      : mentioned('Alerts of which nobody was told', undelivered, undeliveredCount)
  }</section>`
}

function mentioned(label: string, alerts: readonly Mentioned[], all: number): Markup {
  const rows = alerts.map(
    alert => html`<tr><th scope="row">${alert.name}</th><td>${ownerText(alert)}</td><td>${alert.zone ?? NO_VALUE}</td>
<td class="nowrap">${time(alert.firedMs)}</td><td class="number">${alert.endedMs === null ? 'open' : span(alert.endedMs - alert.firedMs)}</td>
<td>${alert.runId === null ? html`<span class="note">none</span>` : runLink(alert.runId)}</td></tr>`,
  )
  return html`${region(label, listTable(['Alert', 'Service', 'Zone', 'Fired, UTC', '#For', 'Run'], rows))}${
    all > alerts.length
      ? html`<p class="note">${alerts.length} of ${all.toLocaleString('en')} shown.</p>`
      : null
  }`
}

function runsSection(runs: readonly ReportedRun[]): Markup {
  const rows = runs.map(
    ({
      aborted,
      level,
      name,
      openedMs,
      runId,
      state,
      verdict,
    }) => html`<tr><th scope="row"><a href="/runs/${encodeURIComponent(runId)}">${name}</a><span class="sub mono">${runId}</span></th>
<td>${pill(verdict ?? state)}${aborted ? html`<span class="sub">aborted early</span>` : null}</td><td>${level || NO_VALUE}</td><td class="nowrap">${time(openedMs)}</td>
<td>${verdict === null ? html`<span class="note">none</span>` : html`<a href="/runs/${encodeURIComponent(runId)}#report">Read<span class="hidden"> the report of ${name}</span></a>`}</td></tr>`,
  )
  return html`<section aria-labelledby="experiments"><div class="section"><h2 id="experiments">Experiments</h2><span class="note">${count(runs.length, 'run')}</span></div>${
    rows.length === 0
      ? html`<p class="note">None ran.</p>`
      : region('Experiments', listTable(['Experiment', 'Outcome', 'Level', 'Opened, UTC', 'Report'], rows))
  }</section>`
}

function definitions(): Markup {
  return html`<section aria-labelledby="counted"><div class="section"><h2 id="counted">How this is counted</h2></div><dl class="facts terms">${DEFINITIONS.map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl></section>`
}
