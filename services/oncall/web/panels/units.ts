import type { FieldSettings, ValueMapping } from './dashboard.ts'

const DECIMAL = ['', 'K', 'M', 'B', 'T'] as const
const METRIC = ['', 'k', 'M', 'G', 'T', 'P'] as const
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const

type Scale = { readonly base: number; readonly prefixes: readonly string[]; readonly unit: string }

/** Units of Grafana's list whose number is scaled by a prefix. */
const SCALED: Readonly<Record<string, Scale>> = {
  short: { base: 1000, prefixes: DECIMAL, unit: '' },
  bytes: { base: 1024, prefixes: BINARY, unit: 'B' },
  decbytes: { base: 1000, prefixes: METRIC, unit: 'B' },
  bits: { base: 1024, prefixes: BINARY, unit: 'b' },
  decbits: { base: 1000, prefixes: METRIC, unit: 'b' },
  binBps: { base: 1024, prefixes: BINARY, unit: 'B/s' },
  Bps: { base: 1000, prefixes: METRIC, unit: 'B/s' },
  bps: { base: 1000, prefixes: METRIC, unit: 'b/s' },
  binbps: { base: 1024, prefixes: BINARY, unit: 'b/s' },
  hertz: { base: 1000, prefixes: METRIC, unit: 'Hz' },
  reqps: { base: 1000, prefixes: METRIC, unit: 'req/s' },
  ops: { base: 1000, prefixes: METRIC, unit: 'ops/s' },
  rps: { base: 1000, prefixes: METRIC, unit: 'rd/s' },
  wps: { base: 1000, prefixes: METRIC, unit: 'wr/s' },
  iops: { base: 1000, prefixes: METRIC, unit: 'io/s' },
  eps: { base: 1000, prefixes: METRIC, unit: 'evt/s' },
  mps: { base: 1000, prefixes: METRIC, unit: 'msg/s' },
  pps: { base: 1000, prefixes: METRIC, unit: 'p/s' },
  cps: { base: 1000, prefixes: METRIC, unit: 'c/s' },
  rpm: { base: 1000, prefixes: METRIC, unit: 'rd/min' },
  opm: { base: 1000, prefixes: METRIC, unit: 'ops/min' },
  watt: { base: 1000, prefixes: METRIC, unit: 'W' },
}

/** Seconds in one of a unit of time. */
const TIMES: Readonly<Record<string, number>> = {
  ns: 1e-9,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  dtdurations: 1,
  dtdurationms: 1e-3,
  clocks: 1,
  clockms: 1e-3,
}

const TIME_STEPS = [
  { seconds: 1e-9, unit: 'ns' },
  { seconds: 1e-6, unit: 'µs' },
  { seconds: 1e-3, unit: 'ms' },
  { seconds: 1, unit: 's' },
  { seconds: 60, unit: 'min' },
  { seconds: 3600, unit: 'h' },
  { seconds: 86_400, unit: 'd' },
] as const

const BOOLEANS: Readonly<Record<string, readonly [string, string]>> = {
  bool: ['False', 'True'],
  bool_yes_no: ['No', 'Yes'],
  bool_on_off: ['Off', 'On'],
}

/** No-break space: a number keeps its unit on its line. */
const SPACE = '\u00a0'

/**
 * Writes a value as Grafana's unit `unit` says; an unknown unit leaves the number bare.
 *
 * @param decimals digits after the point; null: as many as tell something
 * @param nowMs for units that count from now; Unix milliseconds
 */
export function format(
  value: number | null,
  unit: string,
  decimals: number | null,
  nowMs = Date.now(),
): string {
  if (value === null || Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const booleans = BOOLEANS[unit]
  if (booleans !== undefined) return value === 0 ? booleans[0] : booleans[1]
  if (unit === 'percent') return `${plain(value, decimals)}${SPACE}%`
  if (unit === 'percentunit') return `${plain(value * 100, decimals)}${SPACE}%`
  // Differences of shares: a percentage of what would be unclear.
  if (unit === 'pp') return `${plain(value * 100, decimals)}${SPACE}pp`
  const secondsEach = TIMES[unit]
  if (secondsEach !== undefined) return time(value * secondsEach, decimals)
  if (unit.startsWith('dateTime')) return instant(value, unit, nowMs)
  const scale = SCALED[unit]
  if (scale !== undefined) return scaled(value, scale, decimals)
  if (unit.startsWith('suffix:')) return `${plain(value, decimals)}${SPACE}${unit.slice(7).trim()}`
  if (unit.startsWith('prefix:')) return `${unit.slice(7)}${plain(value, decimals)}`
  return plain(value, decimals)
}

/** A value after the mappings of its field: the words for it, and the name of a colour. */
export function display(
  value: number | null,
  field: FieldSettings,
  nowMs?: number,
): { text: string; color: string | null } {
  const mapping = field.mappings.find(one => applies(one, value))
  if (mapping?.text) return { text: mapping.text, color: mapping.color }
  if (value === null && field.noValue !== null) return { text: field.noValue, color: mapping?.color ?? null }
  return { text: format(value, field.unit, field.decimals, nowMs), color: mapping?.color ?? null }
}

function applies(mapping: ValueMapping, value: number | null): boolean {
  if (mapping.kind === 'value') return value !== null && String(value) === mapping.value
  if (mapping.kind === 'range') return value !== null && value >= mapping.from && value <= mapping.to
  if (mapping.match === 'null' || mapping.match === 'null+nan' || mapping.match === 'nan')
    return value === null
  return false
}

/** Name of the colour of the highest threshold that the value reaches; null: there is none. */
export function thresholdColor(value: number | null, field: FieldSettings): string | null {
  if (value === null) return null
  const { min, max, percentageThresholds } = field
  const low = min ?? 0
  const compared = percentageThresholds ? ((value - low) / ((max ?? 100) - low)) * 100 : value
  return field.thresholds.findLast(step => step.value === null || compared >= step.value)?.color ?? null
}

function plain(value: number, decimals: number | null): string {
  if (decimals !== null) return fixed(value, decimals)
  const size = Math.abs(value)
  if (size >= 1000) return fixed(value, 0)
  if (size === 0) return '0'
  const digits = size >= 100 ? 1 : size >= 1 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size)))
  return trimmed(fixed(value, digits))
}

function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals)
  const [whole = '', part] = text.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  const sign = value < 0 && Number(text) !== 0 ? '−' : ''
  return sign + (part === undefined ? grouped : `${grouped}.${part}`)
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function scaled(value: number, { base, prefixes, unit }: Scale, decimals: number | null): string {
  const size = Math.abs(value)
  const steps =
    size < base ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log(size) / Math.log(base) + 1e-9))
  const tail = `${prefixes[steps]}${unit}`
  const number = plain(value / base ** steps, decimals)
  return tail === '' ? number : `${number}${SPACE}${tail}`
}

function time(seconds: number, decimals: number | null): string {
  if (seconds === 0) return `0${SPACE}s`
  const size = Math.abs(seconds)
  const step = TIME_STEPS.findLast(one => size >= one.seconds) ?? TIME_STEPS[0]
  return `${plain(seconds / step.seconds, decimals)}${SPACE}${step.unit}`
}

/** Times of Grafana are Unix milliseconds. */
function instant(valueMs: number, unit: string, nowMs: number): string {
  if (unit === 'dateTimeFromNow') {
    const agoSeconds = (nowMs - valueMs) / 1000
    return agoSeconds >= 0
      ? `${time(Math.round(agoSeconds), 0)} ago`
      : `in ${time(Math.round(-agoSeconds), 0)}`
  }
  return new Date(valueMs).toISOString().replace('T', ' ').slice(0, 19)
}
