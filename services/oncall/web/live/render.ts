import { type Group, ZONES } from '../../../../platform/topology.ts'
import type {
  AttackState,
  LiveState,
  NodeState,
  RunDetail,
  RunSummary,
  TimelineEntry,
} from '../../contract.ts'
import { icon, iconOf } from '../icons.ts'
import { html, type Markup } from '../markup.ts'
import { capital, clock, count, groupName, length, pill } from '../words.ts'
import { type Known, OUTSIDE, type Shown, squares, ZONED } from './freshness.ts'

/*
 * The moving parts of the live page as markup. The server renders them into the page, the page's script renders them
 * again whenever something changed: one way of drawing, so that both always agree.
 */

/** The banner at the top: the one thing to know now. */
export function renderBanner(known: Known, nowMs: number): Markup {
  const { tone, symbol, title, text } = headline(known, nowMs)
  return html`<div class="what ${tone}"><strong>${icon(symbol)}${title}</strong><p>${text}</p></div>`
}

export type Headline = {
  readonly tone: 'unknown' | 'bad' | 'attacked' | 'recovering' | 'healthy'
  readonly symbol: Parameters<typeof icon>[0]
  readonly title: string
  readonly text: string
}

export function headline(known: Known, nowMs: number): Headline {
  const { state, stale } = known
  if (state === null) {
    return {
      tone: 'unknown',
      symbol: 'unknown',
      title: 'No data',
      text: 'The state of the lab could not be read.',
    }
  }
  if (stale) {
    return {
      tone: 'unknown',
      symbol: 'unknown',
      title: 'Not up to date',
      text: `Nothing was heard since ${clock(state.atMs)} UTC. What is shown as unknown may be in any state.`,
    }
  }
  if (state.halt !== null) {
    return {
      tone: 'bad',
      symbol: 'halt',
      title: 'Everything is halted',
      text: `${state.halt} No fault begins until the halt is released.`,
    }
  }
  const all = squares(known)
  const counted = (wanted: string) => all.filter(square => square.state === wanted).length
  if (state.attacks.length > 0) {
    return {
      tone: 'attacked',
      symbol: 'attack',
      title: state.attacks.length === 1 ? 'An attack is on' : `${state.attacks.length} attacks are on`,
      text: state.attacks.map(attack => attackText(attack, nowMs)).join('; '),
    }
  }
  const broken = counted('down') + counted('absent')
  if (broken > 0)
    return {
      tone: 'bad',
      symbol: 'bad',
      title: `${capital(count(broken, 'place'))} down, no attack is on`,
      text: runText(state.run),
    }
  const unknown = counted('unknown')
  if (unknown > 0) {
    return {
      tone: 'unknown',
      symbol: 'unknown',
      title: `Nothing is known of ${unknown} of ${all.length} places`,
      text: state.problems[0] ?? 'Prometheus told nothing of them.',
    }
  }
  const hurt = counted('recovering') + counted('degraded')
  if (hurt > 0)
    return {
      tone: 'recovering',
      symbol: 'recovering',
      title: `${capital(count(hurt, 'place'))} not whole yet`,
      text: runText(state.run),
    }
  return {
    tone: 'healthy',
    symbol: 'good',
    title: `All ${all.length} places are healthy`,
    text: runText(state.run),
  }
}

function runText(run: RunSummary | null): string {
  return run?.state === 'running'
    ? `Run ${run.name} is in its phase “${run.phase}”; nothing is attacked now.`
    : 'No run is on.'
}

function attackText({ kind, targets, zone, beginMs }: AttackState, nowMs: number): string {
  const where = zone === null ? '' : ` in zone ${zone}`
  return `${kind} on ${targets.join(', ')}${where}, for ${length(nowMs - beginMs)}`
}

export function renderProblems(problems: readonly string[]): Markup {
  if (problems.length === 0) return html``
  return html`<div class="problems"><strong>Not everything could be read.</strong> What is missing is shown as unknown.<ul>${problems.map(problem => html`<li>${problem}</li>`)}</ul></div>`
}

/** One group's services by zone. */
export function renderMap(group: Group, known: Known): Markup {
  const own = squares(known).filter(square => square.group === group)
  const at = (service: string, zone: string | null) =>
    own.find(one => one.service === service && one.zone === zone)
  const node = (zone: string) => known.state?.nodes.find(one => one.group === group && one.zone === zone)
  return html`<table>
<caption class="hidden">Services of the ${group} group by availability zone</caption>
<colgroup><col><col><col><col></colgroup>
<thead><tr><td></td>${ZONES.map(zone => html`<th scope="col">Zone ${zone}${nodeText(node(zone), known.stale)}</th>`)}</tr></thead>
<tbody>
${ZONED.map(service => html`<tr><th scope="row">${service}</th>${ZONES.map(zone => tile(at(service, zone), 1))}</tr>`)}
${OUTSIDE.map(service => html`<tr class="outside-row"><th scope="row">${service}<span class="node">outside the zones</span></th>${tile(at(service, null), 3)}</tr>`)}
</tbody></table>`
}

function nodeText(node: NodeState | undefined, stale: boolean): Markup {
  if (node === undefined || stale) return html`<span class="node">node unknown</span>`
  if (!node.ready) return html`<span class="node bad">node not ready</span>`
  return node.cordoned
    ? html`<span class="node bad">node cordoned</span>`
    : html`<span class="node">node ready</span>`
}

function tile(square: Shown | undefined, columns: number): Markup {
  const state = square?.state ?? 'unknown'
  const cell = square?.cell ?? null
  const primary = cell?.pods.some(pod => pod.primary) === true && state !== 'unknown'
  const pods =
    cell === null
      ? 'no data'
      : state === 'unknown'
        ? `was ${cell.state}`
        : `${cell.podsReady}/${cell.pods.length} ${primary ? '· primary' : 'ready'}`
  return html`<td colspan="${columns}"><div class="tile ${state}"><span>${icon(iconOf(state))}${state}</span><small>${pods}</small></div></td>`
}

const PHASES = ['preflight', 'warm-up', 'baseline', 'attack', 'recovery', 'settle'] as const

/** The run that is on, or the last one. */
export function renderRun(state: LiveState | null, detail: RunDetail | null, nowMs: number): Markup {
  const run = state?.run ?? null
  if (run === null) {
    return html`<header><h2>Run</h2></header><div class="empty"><h2>No run is on</h2><p>Start one with <code>divergence run chaos/experiments/zone-outage.yaml</code>. Its phases, attacks and evidence appear here while it goes.</p></div>`
  }
  const isOn = run.state === 'running'
  const at = PHASES.indexOf(run.phase as (typeof PHASES)[number])
  return html`<header><h2>${isOn ? 'Run' : 'Last run'} <a href="/runs/${encodeURIComponent(run.runId)}">${run.name}</a></h2>${pill(run.verdict ?? run.state)}<span class="note">${isOn ? `since ${length(nowMs - run.openedMs)}` : `${clock(run.openedMs)} UTC`}</span></header>
${isOn ? html`<ol class="phases" aria-label="Phases">${PHASES.map((phase, index) => phaseItem(phase, index, at))}</ol>` : html``}
${attackList(isOn ? (state?.attacks ?? []) : (detail?.attacks ?? []), nowMs, isOn)}
${isOn ? renderEvidence(run) : html``}
${detail === null || detail.runId !== run.runId ? html`<p class="note">Its time line stands on <a href="/runs/${encodeURIComponent(run.runId)}">its page</a>.</p>` : renderTimeline(detail.timeline.slice(-14).toReversed(), 'Newest first')}`
}

function phaseItem(phase: string, index: number, at: number): Markup {
  if (index === at) return html`<li aria-current="step">${phase}</li>`
  return html`<li class="${index < at ? 'past' : 'ahead'}">${phase}</li>`
}

function attackList(attacks: readonly AttackState[], nowMs: number, isOn: boolean): Markup {
  if (attacks.length === 0) return isOn ? html`<p class="note">Nothing is attacked now.</p>` : html``
  return html`<dl class="facts">${attacks.map(
    attack =>
      html`<dt>${attack.kind}</dt><dd>${attack.targets.join(', ')}${attack.zone === null ? '' : `, zone ${attack.zone}`}<br><span class="note">${
        attack.endMs === null
          ? `on for ${length(nowMs - attack.beginMs)}`
          : `${length(attack.endMs - attack.beginMs)}, over`
      }; ${effectText(attack)}</span></dd>`,
  )}</dl>`
}

export function effectText({ effect }: AttackState): string {
  if (effect === null) return 'its effect is not measured yet'
  return effect.proven ? `proven: ${effect.detail}` : `no effect was seen: ${effect.detail}`
}

/** Evidence of the abort rule: how far it is on the way to its limit, on a logarithmic scale. */
export function renderEvidence({ abort, aborted }: Pick<RunSummary, 'abort' | 'aborted'>): Markup {
  if (abort === null)
    return html`<p class="note">Abort rule: no evidence told. Before an attack there is none.</p>`
  const { eValue, limit, detail } = abort
  const met = eValue >= limit
  // e = 1 says nothing either way; what is below it speaks for the steady state.
  const share = limit <= 1 ? 1 : Math.min(1, Math.max(0, Math.log(Math.max(eValue, 1)) / Math.log(limit)))
  const words = `Evidence that the experiment fails more than the control: e = ${eText(eValue)} of ${eText(limit)}`
  const state = aborted
    ? 'The attack was called off.'
    : met
      ? 'It is sure; the attack is called off when it is bad as well.'
      : 'From the limit on it is sure.'
  return html`<div class="evidence"><h3>${words}</h3><div class="meter${met ? ' met' : ''}" role="meter" aria-label="Evidence of the abort rule" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${Math.round(share * 100)}" aria-valuetext="${words}"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${Number((share * 100).toFixed(1))}" height="1"/></svg></div><p class="note">${state} ${detail}</p></div>`
}

function eText(value: number): string {
  if (!Number.isFinite(value)) return '∞'
  if (value >= 1e6) return value.toExponential(1)
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)))
}

export function renderTimeline(entries: readonly TimelineEntry[], label: string): Markup {
  if (entries.length === 0) return html`<p class="note">Nothing has happened yet.</p>`
  return html`<ol class="timeline" aria-label="Time line. ${label}" tabindex="0">${entries.map(timelineItem)}</ol>`
}

function timelineItem({ atMs, source, tone, group, zone, service, text }: TimelineEntry): Markup {
  const where = [service, zone === null ? null : `zone ${zone}`].filter(part => part !== null).join(', ')
  return html`<li class="s-${source} ${tone}"><time datetime="${new Date(atMs).toISOString()}">${clock(atMs)}</time><span class="mark"></span><span class="text">${text}${
    group === null && where === ''
      ? null
      : html` <span class="where">${group === null ? null : groupName(group)} ${where}</span>`
  }</span></li>`
}
