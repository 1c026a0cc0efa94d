import type {
  AttackState,
  Breadcrumb,
  ErrorEvent,
  EventException,
  EventGroup,
  EventGroupDetail,
  StackFrame,
} from '../../contract.ts'
import { empty, type Page } from '../layout.ts'
import { html, type Markup, raw } from '../markup.ts'
import { traceHref } from '../trace-link.ts'
import { clock, count, groupName, pill, time } from '../words.ts'
import { problemPage } from './problem.ts'

/** Frames of our own that are open at first: where it was thrown, and who called. */
const MOST_OPEN = 3

export function eventsPage(groups: readonly EventGroup[]): Page {
  return {
    title: 'Events',
    section: '/events',
    body: html`<div class="head"><div><h1>Application events</h1><p class="lead">Errors that gateway, recommender and ingest have reported, one row for each mistake, last seen first.</p></div></div>${
      groups.length === 0
        ? empty(
            'No event yet',
            html`Services report here when their variable <code>SENTRY_DSN</code> is set. To see one, attack a dependency: <code>divergence run chaos/experiments/slow-database.yaml</code>.`,
          )
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Events"><table class="list">
<thead><tr><th scope="col">Event</th><th scope="col">Level</th><th scope="col">Service</th><th scope="col">Groups</th><th scope="col" class="number">Count</th><th scope="col">First seen, UTC</th><th scope="col">Last seen, UTC</th></tr></thead>
<tbody>${groups.map(
            group => html`<tr><th scope="row"><a href="/events/${encodeURIComponent(group.fingerprint)}">${group.title || 'Untitled event'}</a><span class="sub mono">${group.culprit}</span></th>
<td>${pill(group.level)}</td><td>${group.service ?? '–'}</td><td>${group.groups.map((name, index) => html`${index === 0 ? '' : ', '}${groupName(name)}`)}</td><td class="number">${group.count.toLocaleString('en')}</td><td class="nowrap">${time(group.firstMs)}</td><td class="nowrap">${time(group.lastMs)}</td></tr>`,
          )}</tbody></table></div>`
    }`,
  }
}

/** What an event page shows besides the mistake itself. */
export type ShownEvent = {
  readonly event: ErrorEvent
  /** That were on when it happened, or just over. */
  readonly attacks: readonly AttackState[]
  /** Where its trace can be looked at; null: nowhere. */
  readonly zipkinUrl: string | null
}

/** One mistake, and one of its events in full; null: the details of all are gone. */
export function eventPage(group: EventGroupDetail, shownEvent: ShownEvent | null): Page {
  return {
    title: group.title || 'Event',
    section: '/events',
    body: html`<div class="head"><div><p class="eyebrow">Event <span class="mono">${group.fingerprint}</span> · ${count(group.count, 'time')}, last ${time(group.lastMs)} UTC</p><h1>${group.title || 'Untitled event'} ${pill(group.level)}</h1><p class="lead mono">${group.culprit}</p></div></div>
${
  shownEvent === null
    ? empty(
        'Its details are gone',
        html`Only the newest events are kept with stack trace and context. The next one of this kind will be shown here.`,
      )
    : eventBody(group, shownEvent)
}`,
  }
}

/** In place of an event that is not kept any more, or never was. */
export function goneEventPage({ fingerprint, title }: EventGroup): Page {
  return problemPage(
    'That event is gone',
    html`Only the newest events of “${title || 'Untitled event'}” are kept. See <a href="/events/${encodeURIComponent(fingerprint)}">the newest of its kind</a>, or go <a href="/events">back to the list</a>.`,
  )
}

function eventBody(group: EventGroupDetail, { event, attacks, zipkinUrl }: ShownEvent): Markup {
  const trace = event.traceId
  const href = traceHref(zipkinUrl, trace)
  const facts: readonly (readonly [string, Markup | string | null])[] = [
    ['Time', time(event.atMs)],
    ['Group', event.group === null ? null : groupName(event.group)],
    ['Service', event.service],
    ['Zone', event.zone],
    ['Transaction', event.transaction],
    ['Release', event.release],
    ['Platform', event.platform],
    ['Trace', trace === null ? null : html`<span class="mono">${trace}</span>`],
    ['Event', html`<span class="mono">${event.eventId}</span>`],
  ]
  return html`<div class="two"><div class="stack">
<section class="card" aria-labelledby="stack"><header><h2 id="stack">Stack trace</h2><span class="note">newest call first</span></header>${
    event.message === null || event.message === '' ? null : html`<p>${event.message}</p>`
  }${event.exceptions.length === 0 ? html`<p class="note">This event came without one.</p>` : event.exceptions.toReversed().map(exception)}</section>
<section class="card" aria-labelledby="crumbs"><header><h2 id="crumbs">Breadcrumbs</h2><span class="note">what led to it, last first, UTC</span></header>${breadcrumbs(event.breadcrumbs)}</section>
</div><div class="stack">
<section class="card" aria-labelledby="facts"><header><h2 id="facts">This event</h2></header><dl class="facts">${facts
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${
    href === null
      ? html`<p class="note">${trace === null ? 'It carries no trace id: its request was not sampled.' : 'No trace store is set up for links.'}</p>`
      : html`<p><a class="button" href="${href}" rel="noopener noreferrer">Follow its trace in Zipkin</a></p>`
  }</section>
${causes(event, attacks)}
${context('Tags', event.tags)}${context('Request', event.request)}${context('User', event.user)}${context('Extra', event.extra)}${Object.entries(event.contexts).map(([name, value]) => context(name, isRecord(value) ? value : { value }))}
${others(group, event)}
</div></div>`
}

/** From the effect to its cause: what was done to the lab when this happened. */
function causes({ group }: ErrorEvent, attacks: readonly AttackState[]): Markup {
  const own = attacks.filter(attack => group === null || attack.group === group)
  return html`<section class="card" aria-labelledby="causes"><header><h2 id="causes">Attacked at that time</h2></header>${
    own.length === 0
      ? html`<p class="note">${attacks.length === 0 ? 'Nothing was attacked when this happened.' : 'Only the other group was attacked when this happened: the attack leaks, or this has another cause.'}</p>`
      : html`<dl class="facts">${own.map(
          ({ kind, targets, zone, runId, beginMs, endMs }) =>
            html`<dt>${kind}</dt><dd>${targets.join(', ')}${zone === null ? '' : `, zone ${zone}`}<br><span class="note">${clock(beginMs)} to ${endMs === null ? 'now' : clock(endMs)}, run <a href="/runs/${encodeURIComponent(runId)}">${runId}</a></span></dd>`,
        )}</dl>`
  }</section>`
}

function exception({ type, value, handled, frames }: EventException): Markup {
  return html`<h3>${type}${handled === false ? html` <span class="note">not handled</span>` : null}</h3><p>${value}</p>${
    frames.length === 0
      ? html`<p class="note">No frames.</p>`
      : html`<ol class="frames">${frames.toReversed().map(frame)}</ol>`
  }`
}

function frame(one: StackFrame, index: number): Markup {
  const where = [one.file ?? one.module ?? 'unknown file', one.line, one.column]
    .filter(part => part !== null)
    .join(':')
  const title = html`<strong>${one.function ?? 'anonymous'}</strong> <span class="note mono">${where}</span>`
  const lines = [
    ...one.before.map(text => html`<span>${text || ' '}</span>`),
    ...(one.source === null ? [] : [html`<span class="hit">${one.source || ' '}</span>`]),
    ...one.after.map(text => html`<span>${text || ' '}</span>`),
  ]
  // A stack is read by our own frames: they are open, what belongs to libraries is folded.
  const opened = one.inApp && index < MOST_OPEN ? raw(' open') : null
  return html`<li class="${one.inApp ? 'own' : 'library'}"><details${lines.length === 0 ? null : opened}><summary>${title}${one.inApp ? null : html` <span class="note">library</span>`}</summary>${
    lines.length === 0
      ? html`<p class="note">Its source did not come with the event.</p>`
      : html`<pre tabindex="0">${lines}</pre>`
  }</details></li>`
}

function breadcrumbs(crumbs: readonly Breadcrumb[]): Markup {
  if (crumbs.length === 0) return html`<p class="note">None came with this event.</p>`
  return html`<div class="scroll tall" tabindex="0" role="region" aria-label="Breadcrumbs"><table class="list"><thead><tr><th scope="col">Time</th><th scope="col">Kind</th><th scope="col">What</th></tr></thead><tbody>${crumbs
    .toReversed()
    .map(
      ({ atMs, category, type, level, message, data }) =>
        html`<tr><td class="nowrap">${atMs === null ? '–' : clock(atMs)}</td><td class="nowrap">${category ?? type ?? '–'}${level === null || level === 'info' ? null : html`<span class="sub">${level}</span>`}</td><td>${message ?? ''}${
          Object.keys(data).length === 0 ? null : html`<span class="sub mono">${pairs(data)}</span>`
        }</td></tr>`,
    )}</tbody></table></div>`
}

function context(name: string, values: Readonly<Record<string, unknown>> | null): Markup {
  const entries = Object.entries(values ?? {})
  if (entries.length === 0) return html``
  return html`<section class="card"><header><h2>${name}</h2></header><dl class="facts">${entries.map(
    ([key, value]) => html`<dt>${key}</dt><dd class="mono">${shown(value)}</dd>`,
  )}</dl></section>`
}

function others({ events, kept }: EventGroupDetail, event: ErrorEvent): Markup {
  if (events.length < 2) return html``
  return html`<nav class="card" aria-labelledby="others"><header><h2 id="others">Others of this kind</h2><span class="note">${count(kept, 'event')} kept</span></header><ol class="timeline">${events
    .slice(0, 12)
    .map(
      one =>
        html`<li><time datetime="${new Date(one.atMs).toISOString()}">${clock(one.atMs)}</time><span class="mark"></span><span class="text"><a href="?event=${encodeURIComponent(one.eventId)}"${one.eventId === event.eventId ? raw(' aria-current="true"') : null}>${one.eventId.slice(0, 8)}</a> <span class="where">${one.group ?? ''} ${one.zone === null ? '' : `zone ${one.zone}`}</span></span></li>`,
    )}</ol></nav>`
}

function pairs(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(' ')
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
