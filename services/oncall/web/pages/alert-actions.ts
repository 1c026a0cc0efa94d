import type { ActionKind, ActionOnAlert, AlertEvent } from '../../contract.ts'
import { html, type Markup } from '../markup.ts'
import { capital, time } from '../words.ts'

/** What was done about an alert event: who, when and what they wrote. The page and its script draw the same. */
export function renderActions(actions: readonly ActionOnAlert[]): Markup {
  if (actions.length === 0) return html`<p class="note">nobody</p>`
  return html`<ul>${actions.map(
    ({ action, actor, atMs, note }) =>
      html`<li><b>${capital(action)}</b><span class="sub">${time(atMs)}</span><span class="sub">by ${actor}</span>${note === null ? null : html`<span class="words">${note}</span>`}</li>`,
  )}</ul>`
}

/** The cell of an alert event: what was done about it, and the buttons to do something. */
export function actionsCell({ actions, firedMs, instance, name, state }: AlertEvent): Markup {
  const button = (action: ActionKind, text: string) =>
    html`<button class="button" type="button" data-action="${action}" aria-label="${text}: ${name}" disabled>${text}</button>`
  return html`<td class="acted" data-instance="${instance}" data-fired="${firedMs}" data-name="${name}"><div class="done">${renderActions(actions)}</div><div class="buttons">${state === 'firing' ? button('acknowledged', 'Acknowledge') : null}${button('noted', 'Note')}</div></td>`
}
