import type { SignalName } from './verdict.ts'

/** Signals as a person calls them. */
export const SIGNAL_LABELS: Readonly<Record<SignalName, string>> = {
  success_ratio: 'success ratio',
  latency_p50: 'p50 latency',
  latency_p95: 'p95 latency',
  latency_p99: 'p99 latency',
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A whole number with thousands separated. */
export function count(value: number): string {
  return grouped.format(value)
}

/** `plural(1, 'request')` is `1 request`, `plural(2, 'request')` is `2 requests`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** A ratio in [0, 1] in per cent, never rounded up to 100 or down to 0 when it is neither. */
export function percent(ratio: number): string {
  const missing = 1 - ratio
  const shown = missing > 0 && missing < 0.00005 ? 0.9999 : ratio > 0 && ratio < 0.00005 ? 0.0001 : ratio
  return `${(shown * 100).toFixed(shown === 0 || shown === 1 ? 0 : 2)} %`
}

/** A difference of ratios in percentage points, signed. */
export function points(difference: number): string {
  const value = difference * 100
  const digits = Math.abs(value) >= 0.095 || value === 0 ? 2 : 3
  const text = value.toFixed(digits)
  const positive = Number(text) > 0
  return `${positive ? '+' : ''}${Number(text) === 0 ? '0' : text.replace('-', '−')} pp`
}

/** A duration in milliseconds without the unit, three digits: `0.120`, `12.0`, `1,204`. */
export function milliseconds3(value: number): string {
  return value >= 99.95 ? grouped.format(value) : value.toPrecision(value < 0.0995 ? 2 : 3)
}

/** A duration in milliseconds, three digits. */
export function milliseconds(value: number): string {
  return `${milliseconds3(value)} ms`
}

/** A factor, `×1.42`. */
export function factor(value: number): string {
  return `×${ratio(value)}`
}

/** How many times as much: `1.42`, `14.2`, `1,420`. */
export function ratio(value: number): string {
  return value >= 1000 ? grouped.format(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A length of time in seconds, at most one decimal. */
export function seconds(value: number): string {
  return `${Number(value.toFixed(1))} s`
}

/** Value of a signal in one group. */
export function signalValue(name: SignalName, value: number): string {
  return name === 'success_ratio' ? percent(value) : milliseconds(value)
}

/** Effect on a signal: percentage points or a factor. */
export function signalEffect(name: SignalName, value: number): string {
  return name === 'success_ratio' ? points(value) : factor(value)
}

/** The margin of a signal as a limit on its effect. */
export function signalMargin(name: SignalName, margin: number): string {
  return name === 'success_ratio' ? points(-margin) : factor(margin)
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? 'nothing'
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** The text with its first letter in upper case. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
