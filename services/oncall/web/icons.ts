import { type Markup, raw } from './markup.ts'

/** Shapes that tell states apart without their colour; 16 units square, drawn in the current colour. */
const PATHS = {
  good: '<path d="M3 8.5l3.4 3.4L13 5"/>',
  bad: '<path d="M4 4l8 8M12 4l-8 8"/>',
  attack: '<path d="M9.2 1.8L3.6 9h4l-.8 5.2L12.4 7h-4z"/>',
  recovering: '<path d="M13 8a5 5 0 1 1-1.6-3.7M13 2.6v2.6h-2.6"/>',
  partial: '<path d="M8 2.5l6 11H2zM8 7v2.6M8 11.6v.1"/>',
  unknown: '<path d="M5.4 5.6a2.7 2.7 0 1 1 4.1 2.5C8.3 8.9 8 9.3 8 10.4M8 13v.1"/>',
  none: '<path d="M3 8h10"/>',
  halt: '<path d="M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2zM5.6 5.6h4.8v4.8H5.6z"/>',
  play: '<path d="M4.5 3l8 5-8 5z"/>',
  theme: '<path d="M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12"/>',
} as const
export type Icon = keyof typeof PATHS

export function icon(name: Icon): Markup {
  return raw(
    `<svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${PATHS[name]}</svg>`,
  )
}

/** The icon of a state, an outcome or a level; the word always stands beside it. */
const OF_STATE: Readonly<Record<string, Icon>> = {
  healthy: 'good',
  resilient: 'good',
  resolved: 'good',
  attacked: 'attack',
  running: 'attack',
  recovering: 'recovering',
  degraded: 'partial',
  down: 'bad',
  absent: 'none',
  diverged: 'bad',
  failed: 'bad',
  firing: 'partial',
  fatal: 'bad',
  error: 'bad',
  warning: 'partial',
  interrupted: 'halt',
  abandoned: 'unknown',
  expired: 'unknown',
  inconclusive: 'unknown',
  invalid: 'none',
}

export function iconOf(state: string): Icon {
  return OF_STATE[state] ?? 'unknown'
}
