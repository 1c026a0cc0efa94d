import { createHash } from 'node:crypto'
import type { AlertState } from './contract.ts'

/*
 * From what Prometheus says to alert events. All of it is pure, and the order and number in which facts arrive does not
 * matter: Prometheus sends every alert again and again, and again after a restart of either side.
 *
 *   fact -> row   one per (instance, startsAt): a repeat is folded into it
 *   rows -> event  one per firing interval: rows that follow one another closely are one
 *
 * Instants are Unix milliseconds of Prometheus' clock, save those called received, which are oncall's.
 */

/** What one message said of one alert. */
export type AlertFact = {
  readonly startsMs: number
  /** When it resolved, or until when it is to be taken for firing. */
  readonly endsMs: number
  readonly kind: 'firing' | 'resolved'
  /** The instant it speaks of: the evaluation at which it fired, or resolved. */
  readonly sourceMs: number
  readonly receivedMs: number
}

/** What is known of one alert instance that began to fire at `startsMs`. */
export type AlertRow = {
  readonly startsMs: number
  /** Last instant at which it is known to have fired; >= startsMs. */
  readonly seenMs: number
  /** Without another word it has ended then. */
  readonly validUntilMs: number
  /** null: nobody said that it resolved. It may lie before `startsMs` when a clock was set back. */
  readonly resolvedMs: number | null
  readonly firstReceivedMs: number
  readonly lastReceivedMs: number
}

export type AlertRules = {
  /** Of Prometheus, milliseconds. */
  readonly evaluationMs: number
  /** Prometheus sends a firing alert again after this time, milliseconds. */
  readonly resendMs: number
  /** An alert that fires again within this time after its end is the same event, milliseconds. */
  readonly refireMs: number
}

/** A person was told of the alert that began to fire at `startsMs`. */
export type Notification = { readonly startsMs: number; readonly receivedMs: number }

/** Half-open, oncall's clock. */
export type Gap = { readonly fromMs: number; readonly toMs: number }

/** One firing interval of one instance, with its re-fires. */
export type FoldedAlert = {
  readonly firedMs: number
  /** null while it fires. */
  readonly endedMs: number | null
  readonly state: AlertState
  /** Time it is known to have fired, re-fires included and the time between them not; milliseconds, >= 0. */
  readonly firingMs: number
  readonly flapCount: number
  readonly clockSuspect: boolean
  /** From the latest word, when it is not resolved: it ends then without another. */
  readonly validUntilMs: number
  readonly receivedMs: number
  readonly notifiedMs: number | null
}

/** Two copies of Prometheus send the same alert; what tells them apart is not part of it. */
const REPLICA_LABELS: ReadonlySet<string> = new Set(['replica', 'prometheus_replica', '__replica__'])

/** Rows this close, in evaluation intervals, are one: Prometheus restarted, or has a copy. */
const MERGE_INTERVALS = 2

/** Prometheus gives an alert this many times its longest period to be heard of again. */
const PATIENCE_PERIODS = 4

/** How long an alert may be silent before it has ended, milliseconds. */
export function patienceMs({ evaluationMs, resendMs }: AlertRules): number {
  return PATIENCE_PERIODS * Math.max(evaluationMs, resendMs)
}

/** 32 hexadecimal digits: the same label set, whichever replica sent it, is the same instance. */
export function instanceOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => !REPLICA_LABELS.has(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 32)
}

/** Adds one fact to what is known of its row. */
export function upsertRow(row: AlertRow | undefined, fact: AlertFact): AlertRow {
  const { startsMs, endsMs, kind, sourceMs, receivedMs } = fact
  const seenMs = kind === 'firing' ? Math.max(startsMs, sourceMs) : startsMs
  const validUntilMs = kind === 'firing' ? Math.max(endsMs, startsMs) : startsMs
  const resolvedMs = kind === 'resolved' ? endsMs : null
  if (row === undefined) {
    const received = { firstReceivedMs: receivedMs, lastReceivedMs: receivedMs }
    return { startsMs, seenMs, validUntilMs, resolvedMs, ...received }
  }
  return {
    startsMs,
    seenMs: Math.max(row.seenMs, seenMs),
    validUntilMs: Math.max(row.validUntilMs, validUntilMs),
    // Every repeat of a resolve says the same instant; should two differ, the later one has seen more.
    resolvedMs:
      resolvedMs === null || row.resolvedMs === null
        ? (row.resolvedMs ?? resolvedMs)
        : Math.max(row.resolvedMs, resolvedMs),
    firstReceivedMs: Math.min(row.firstReceivedMs, receivedMs),
    lastReceivedMs: Math.max(row.lastReceivedMs, receivedMs),
  }
}

/** A stretch of rows that overlap or almost touch: it fired from the first start to the last end. */
type Stretch = { readonly startsMs: number; readonly rows: readonly AlertRow[] }

/**
 * Folds the rows of one instance.
 *
 * @param rows in any order, one for each `startsMs`
 * @param gaps when Prometheus or the recorder was not there to be heard
 * @param nowMs Prometheus' clock
 * @returns in the order in which they fired
 */
export function foldRows(
  rows: readonly AlertRow[],
  notifications: readonly Notification[],
  gaps: readonly Gap[],
  rules: AlertRules,
  nowMs: number,
): readonly FoldedAlert[] {
  const stretches = joinStretches(rows, rules)
  const events: Stretch[][] = []
  for (const stretch of stretches) {
    const current = events.at(-1)
    const previous = current?.at(-1)
    const isRefire = previous !== undefined && stretch.startsMs - endOf(previous) <= rules.refireMs
    if (current !== undefined && isRefire) current.push(stretch)
    else events.push([stretch])
  }
  const firedMs = events.map(([first]) => first?.startsMs ?? 0)
  const notifiedMs = events.map((_, index) => {
    const from = firedMs[index] ?? 0
    const until = firedMs[index + 1] ?? Number.POSITIVE_INFINITY
    const own = notifications.filter(({ startsMs }) => startsMs >= from && startsMs < until)
    return own.length === 0 ? null : Math.min(...own.map(({ receivedMs }) => receivedMs))
  })
  return events.map((event, index) => describe(event, notifiedMs[index] ?? null, gaps, rules, nowMs))
}

/** Rows that overlap or lie within two evaluations of each other, joined. */
function joinStretches(rows: readonly AlertRow[], rules: AlertRules): readonly Stretch[] {
  const mergeMs = Math.min(
    rules.refireMs,
    MERGE_INTERVALS * Math.max(...rows.map(row => evaluationOf(row, rules))),
  )
  const stretches: { startsMs: number; rows: AlertRow[] }[] = []
  for (const row of supersede(rows)) {
    const current = stretches.at(-1)
    if (current !== undefined && row.startsMs - endOf(current) <= mergeMs) current.rows.push(row)
    else stretches.push({ startsMs: row.startsMs, rows: [row] })
  }
  return stretches
}

/**
 * Evaluation interval of the rule behind a row, milliseconds. A group of rules may have one of its own: when that is longer
 * than all that the settings know, the alert is valid for longer than they say.
 */
function evaluationOf({ seenMs, validUntilMs }: AlertRow, rules: AlertRules): number {
  const validMs = validUntilMs - seenMs
  return validMs > 1.5 * patienceMs(rules) ? validMs / PATIENCE_PERIODS : rules.evaluationMs
}

/**
 * Sorts by start, and lets a row that was not heard of again once a later one began hold no longer than that: Prometheus
 * restarted and knows it under the new start. A copy of Prometheus would go on speaking of the old one.
 */
function supersede(rows: readonly AlertRow[]): readonly AlertRow[] {
  const sorted = [...rows].sort((one, other) => one.startsMs - other.startsMs)
  return sorted.map((row, index) => {
    const next = sorted.slice(index + 1).find(({ startsMs }) => startsMs >= row.seenMs)
    return next === undefined ? row : { ...row, validUntilMs: Math.min(row.validUntilMs, next.startsMs) }
  })
}

/** End of a row: its resolve, else as long as Prometheus said that it holds; never before its start. */
function rowEnd({ startsMs, resolvedMs, validUntilMs }: AlertRow): number {
  return Math.max(startsMs, resolvedMs ?? validUntilMs)
}

function endOf({ rows }: Stretch): number {
  return Math.max(...rows.map(rowEnd))
}

/** Instant up to which a row is known to have fired. */
function knownEnd({ startsMs, resolvedMs, seenMs }: AlertRow): number {
  return Math.max(startsMs, resolvedMs ?? seenMs)
}

/** The row that has the last word: a resolve is only one when nothing of the stretch fires on after it. */
function lastWord({ rows }: Stretch): AlertRow | undefined {
  return rows.reduce<AlertRow | undefined>((last, row) => {
    if (last === undefined || rowEnd(row) > rowEnd(last)) return row
    return rowEnd(row) === rowEnd(last) && row.startsMs >= last.startsMs ? row : last
  }, undefined)
}

/** @throws RangeError when there are no rows */
function describe(
  stretches: readonly Stretch[],
  notifiedMs: number | null,
  gaps: readonly Gap[],
  rules: AlertRules,
  nowMs: number,
): FoldedAlert {
  const rows = stretches.flatMap(stretch => stretch.rows)
  const final = stretches.at(-1)
  const word = final === undefined ? undefined : lastWord(final)
  if (final === undefined || word === undefined) throw new RangeError('Cannot describe an alert of no rows')
  const endMs = endOf(final)
  const state = stateOf(word, gaps, rules, nowMs)
  // A stretch that only ran out did not fire again: nobody saw that it had stopped.
  const flapCount = stretches.slice(0, -1).filter(one => lastWord(one)?.resolvedMs != null).length
  return {
    firedMs: stretches[0]?.startsMs ?? 0,
    endedMs: state === 'firing' ? null : endMs,
    state,
    firingMs: stretches.reduce((sum, one) => sum + unionMs(one), 0),
    flapCount,
    clockSuspect: rows.some(({ startsMs, resolvedMs }) => resolvedMs !== null && resolvedMs < startsMs),
    validUntilMs: endMs,
    receivedMs: Math.min(...rows.map(({ firstReceivedMs }) => firstReceivedMs)),
    notifiedMs,
  }
}

/** From its start to the last instant it is known to have fired. */
function unionMs({ startsMs, rows }: Stretch): number {
  return Math.max(...rows.map(knownEnd)) - startsMs
}

function stateOf(word: AlertRow, gaps: readonly Gap[], rules: AlertRules, nowMs: number): AlertState {
  if (word.resolvedMs !== null) return 'resolved'
  if (nowMs <= word.validUntilMs) return 'firing'
  const silentFromMs = word.lastReceivedMs
  const silentToMs = silentFromMs + Math.max(patienceMs(rules), word.validUntilMs - word.seenMs)
  const wasDeaf = gaps.some(({ fromMs, toMs }) => fromMs < silentToMs && toMs > silentFromMs)
  return wasDeaf ? 'unknown' : 'expired'
}
