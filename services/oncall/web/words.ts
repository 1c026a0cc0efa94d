import { icon, iconOf } from './icons.ts'
import { html, type Markup } from './markup.ts'

/** A state, outcome or level as a small sign: colour, shape and word. */
export function pill(state: string, word = state): Markup {
  return html`<span class="pill ${/^[a-z]+$/.test(state) ? state : 'plain'}">${icon(iconOf(state))}${word}</span>`
}

/** The name of a group in its colour. */
export function groupName(group: string | null): Markup {
  if (group === null || group === '') return html`<span class="note">none</span>`
  return group === 'control' || group === 'experiment'
    ? html`<span class="g-${group}">${group}</span>`
    : html`${group}`
}

/** UTC, to the second. */
export function utc(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15
    ? new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
    : 'unknown'
}

export function time(ms: number): Markup {
  const text = utc(ms)
  return text === 'unknown'
    ? html`unknown`
    : html`<time datetime="${text.replace(' ', 'T')}Z" title="${text} UTC">${text}</time>`
}

/** Time of day, UTC. */
export function clock(ms: number): string {
  return utc(ms).slice(11) || 'unknown'
}

/** A length of time in the unit a person would use; milliseconds in. */
export function length(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 1) return `${Math.round(seconds * 1000)}\u00a0ms`
  if (seconds < 90) return `${Math.round(seconds)}\u00a0s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes}\u00a0min`
  const hours = seconds / 3600
  return hours < 48 ? `${Number(hours.toFixed(1))}\u00a0h` : `${Math.round(hours / 24)}\u00a0d`
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en')} ${value === 1 ? one : many}`
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
