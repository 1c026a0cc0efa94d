import type { Coverage, Mean, Reliability, RuleScore } from '../../weekly/report.ts'
import {
  behindMean,
  foundText,
  gapTexts,
  meanText,
  mtbfText,
  NO_VALUE,
  outOf,
  SEV_LEVELS,
  spanOr,
} from '../../weekly/wording.ts'
import { html, type Markup, raw } from '../markup.ts'
import { listTable, region } from './region.ts'
import { ownerCell } from './week-alerts.ts'

/** How often services failed, how fast it was found and mended; in two tables, induced and not. */
export function reliabilitySection(rows: readonly Reliability[]): Markup {
  return html`<section aria-labelledby="reliability"><div class="section"><h2 id="reliability">Reliability by service</h2><span class="note">A mean stands beside its number; fewer than five are marked</span></div>
${part('Not induced', rows, false)}${part('Induced by experiments', rows, true)}</section>`
}

function part(title: string, all: readonly Reliability[], induced: boolean): Markup {
  const rows = all.filter(row => row.induced === induced).map(reliabilityRow)
  const headings = [
    'Service',
    ...SEV_LEVELS.map(level => `#SEV${level}`),
    '#Carried over',
    'MTTD',
    'MTTR',
    'Restore',
    'MTBF',
  ]
  return html`<h3 class="part">${title}</h3>${rows.length === 0 ? html`<p class="note">None.</p>` : region(`Reliability by service, ${title}`, listTable(headings, rows, 'dense'))}`
}

function reliabilityRow(row: Reliability): Markup {
  const { carriedOver, detect, isFew, missed, mtbfMs, preExisting, recover, restore, sevs } = row
  const outcomes = [
    foundText(row),
    ...(preExisting === 0 ? [] : [`${preExisting} fired before`]),
    ...(missed === 0 ? [] : [`${missed} missed`]),
  ]
  return html`<tr>${ownerCell(row)}${SEV_LEVELS.map(level => html`<td class="number">${sevs[level]}</td>`)}<td class="number">${carriedOver}</td>
<td><b>${meanText(detect)}</b>; ${outcomes.join(', ')}${behind(detect)}</td><td><b>${meanText(recover)}</b>${behind(recover)}</td><td><b>${meanText(restore)}</b>${behind(restore)}</td>
<td><b>${mtbfText(row)}</b>${mtbfMs !== null && isFew ? html`<span class="sub">few</span>` : null}</td></tr>`
}

const behind = (mean: Mean) => (mean.n === 0 ? null : html`<span class="sub">${behindMean(mean)}</span>`)

/** What each rule was worth against the attacks of the week. */
export function rulesSection(rules: readonly RuleScore[]): Markup {
  const rows = rules.map(
    ({
      attacks,
      delay,
      events,
      found,
      induced,
      rule,
    }) => html`<tr><th scope="row">${rule}</th><td class="number">${events}</td><td class="number">${outOf(induced, events)}</td><td class="number">${outOf(found, attacks)}</td>
${[delay.p50Ms, delay.p90Ms, delay.meanMs].map(ms => html`<td class="number">${spanOr(ms)}</td>`)}<td class="number">${delay.n}</td></tr>`,
  )
  const headings = ['Rule', '#Alerts', '#Precision', '#Recall', '#Delay p50', '#p90', '#Mean', '#n']
  return html`<section aria-labelledby="rules"><div class="section"><h2 id="rules">Rules against attacks</h2><span class="note">Precision: of its alerts, those that attacks explain. Recall: of attacks of its kinds, those it fired at</span></div>${
    rows.length === 0
      ? html`<p class="note">No rule fired in the experimental group.</p>`
      : region('Rules against attacks', listTable(headings, rows, 'dense'))
  }</section>`
}

/** Every kind of fault that was on against every rule that fired at one, and what is missing in words. */
export function coverageSection(coverage: Coverage): Markup {
  const { kinds } = coverage
  const rules = [...new Set(kinds.flatMap(kind => kind.rules.map(({ rule }) => rule)))].sort()
  const gaps = gapTexts(coverage)
  return html`<section aria-labelledby="coverage"><div class="section"><h2 id="coverage">Faults and what told of them</h2><span class="note">Attacks at which a rule fired, of all of their kind</span></div>${
    kinds.length === 0
      ? html`<p class="note">No fault was on.</p>`
      : html`${gaps.length === 0 ? null : html`<div class="problems gaps"><ul>${gaps.map(gap => html`<li>${gap}</li>`)}</ul></div>`}${region('Faults and what told of them', matrix(kinds, rules))}`
  }</section>`
}

function matrix(kinds: Coverage['kinds'], rules: readonly string[]): Markup {
  const rows = kinds.map(kind => {
    const found = new Map(kind.rules.map(one => [one.rule, one.found]))
    return html`<tr><th scope="row">${kind.kind}</th><td class="number">${kind.attacks}</td>${rules.map(rule => cell(found.get(rule) ?? 0, kind.attacks))}<td>${panelList(kind.panels)}</td></tr>`
  })
  return html`<table class="list dense matrix"><thead><tr><th scope="col">Fault</th><th scope="col" class="number">Attacks</th>${rules.map(rule => html`<th scope="col" class="rule">${breakable(rule)}</th>`)}<th scope="col">Panels that move</th></tr></thead><tbody>${rows}</tbody></table>`
}

function cell(found: number, attacks: number): Markup {
  if (found === 0)
    return html`<td class="none"><span aria-hidden="true">${NO_VALUE}</span><span class="hidden">none</span></td>`
  return html`<td class="${found >= attacks ? 'all' : 'some'}">${found} of ${attacks}</td>`
}

function panelList(panels: readonly string[]): Markup {
  if (panels.length === 0) return html`<span class="note">none</span>`
  return html`${panels.map(panel => html`<span class="sub">${panel}</span>`)}`
}

/** A name in CamelCase that may be broken between its words. */
function breakable(name: string): Markup {
  return html`${name.split(/(?<=[a-z])(?=[A-Z])/).map((word, index) => html`${index === 0 ? null : raw('<wbr>')}${word}`)}`
}
