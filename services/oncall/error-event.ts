import { createHash } from 'node:crypto'
import type { Breadcrumb, ErrorEvent, ErrorLevel, EventException, StackFrame } from './contract.ts'
import { EnvelopeRefused } from './envelope.ts'
import { type Limits, scrubObject, scrubText } from './scrub.ts'

/*
 * From the event of an SDK to what is kept of it: known fields only, scrubbed, within limits. Local variables of frames,
 * bodies and cookies of requests and addresses of users are not kept at all.
 */

const LIMITS: Limits = { depth: 5, entries: 60, text: 2_000 }
const LONGEST_TEXT = 4_000
const LONGEST_NAME = 300
const LONGEST_LINE = 400
const MOST_EXCEPTIONS = 10
/** The outermost and the innermost say most. */
const MOST_FRAMES = 100
const MOST_BREADCRUMBS = 100
const MOST_TAGS = 50
const MOST_SOURCE_LINES = 7

/** Frames of our own that make a fingerprint, from where it was thrown outwards. */
const FINGERPRINT_FRAMES = 5

const LEVELS: readonly ErrorLevel[] = ['fatal', 'error', 'warning', 'info', 'debug']

/** No clock is believed that says more than a day from now. */
const FUTURE_MS = 86_400_000

type Fields = Readonly<Record<string, unknown>>

/** An event as it is kept, and what its group is called. */
export type SeenEvent = { readonly event: ErrorEvent; readonly title: string; readonly culprit: string }

/**
 * Reads the event of an SDK.
 *
 * @param traceIdOfEnvelope from the envelope's header, for events that name no trace themselves
 * @param receivedMs oncall's clock; taken for the event's own when that is none
 * @throws EnvelopeRefused 400 when it is no event
 */
export function readEvent(payload: unknown, traceIdOfEnvelope: unknown, receivedMs: number): SeenEvent {
  const fields = objectOf(payload)
  const eventId = hex(fields.event_id, 32)
  if (fields === NOTHING || eventId === null) {
    throw new EnvelopeRefused(400, 'An event needs an event_id of 32 hexadecimal digits.')
  }
  const exceptions = listOf(fields.exception).slice(-MOST_EXCEPTIONS).map(exceptionOf)
  const message = messageOf(fields)
  const tags = tagsOf(fields.tags)
  const { contexts, trace } = contextsOf(fields.contexts)
  const fingerprint = fingerprintOf(fields.fingerprint, exceptions, message, tags.service ?? null)
  const event: ErrorEvent = {
    eventId,
    fingerprint,
    atMs: instantOf(fields.timestamp, receivedMs),
    receivedMs,
    level: LEVELS.find(level => level === fields.level) ?? 'error',
    platform: shortText(fields.platform) ?? 'other',
    release: shortText(fields.release),
    environment: shortText(fields.environment),
    ...sourceOf(fields),
    zone: tags.zone ?? null,
    transaction: shortText(fields.transaction),
    message,
    exceptions,
    breadcrumbs: listOf(fields.breadcrumbs).slice(-MOST_BREADCRUMBS).map(breadcrumbOf),
    tags,
    contexts,
    request: requestOf(fields.request),
    user: userOf(fields.user),
    extra: scrubObject(objectOf(fields.extra), LIMITS),
    traceId: hex(trace.trace_id, 32) ?? hex(traceIdOfEnvelope, 32),
    spanId: hex(trace.span_id, 16),
  }
  return { event, title: titleOf(event), culprit: culpritOf(event) }
}

/** Who says that an event is theirs, at little cost: before it is known whether it will be kept. */
export function sourceOf(payload: unknown): Pick<ErrorEvent, 'group' | 'service'> {
  const fields = objectOf(payload)
  const { group, service } = tagsOf(fields.tags)
  return { group: group ?? shortText(fields.environment), service: service ?? null }
}

/**
 * Which mistake it is: what the program says itself, else the kinds of the exceptions and where in our own code they were
 * thrown. Line numbers are left out, so that a change elsewhere in the file does not make it another mistake.
 */
export function fingerprintOf(
  given: unknown,
  exceptions: readonly EventException[],
  message: string | null,
  service: string | null,
): string {
  const parts = defaultParts(exceptions, message)
  const named = Array.isArray(given) ? given.filter(part => typeof part === 'string') : []
  const all =
    named.length === 0
      ? parts
      : named.flatMap(part => (/^\{\{\s*default\s*\}\}$/.test(part) ? parts : [part]))
  return createHash('sha256')
    .update(JSON.stringify([service, ...all]))
    .digest('hex')
    .slice(0, 32)
}

function defaultParts(exceptions: readonly EventException[], message: string | null): readonly string[] {
  if (exceptions.length === 0) return ['message', withoutNumbers(message ?? '')]
  const types = exceptions.map(({ type }) => type)
  const frames = exceptions.findLast(({ frames }) => frames.length > 0)?.frames ?? []
  const own = frames.filter(({ inApp }) => inApp)
  const where = (own.length > 0 ? own : frames)
    .slice(-FINGERPRINT_FRAMES)
    .map(frame => `${frame.module ?? frame.file ?? ''} ${frame.function ?? ''}`)
  if (where.length > 0) return ['exception', ...types, ...where]
  return ['exception', ...types, withoutNumbers(exceptions.at(-1)?.value ?? '')]
}

/** Texts that differ only in ids and numbers are the same. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{8,}\b|\d+/gi, '#')
}

function titleOf({ exceptions, message }: ErrorEvent): string {
  const thrown = exceptions.at(-1)
  const text =
    thrown === undefined ? (message ?? 'an event without a message') : `${thrown.type}: ${thrown.value}`
  return text.split('\n', 1)[0]?.slice(0, LONGEST_NAME) ?? ''
}

function culpritOf({ exceptions, transaction }: ErrorEvent): string {
  const frames = exceptions.at(-1)?.frames ?? []
  const top = frames.findLast(({ inApp }) => inApp) ?? frames.at(-1)
  if (top === undefined) return transaction ?? ''
  const where = top.file ?? top.module ?? ''
  return top.function === null ? where : `${where} in ${top.function}`
}

function exceptionOf(value: unknown): EventException {
  const fields = objectOf(value)
  const handled = objectOf(fields.mechanism).handled
  const frames = listOf(objectOf(fields.stacktrace).frames)
  const kept =
    frames.length <= MOST_FRAMES
      ? frames
      : [...frames.slice(0, MOST_FRAMES / 2), ...frames.slice(-MOST_FRAMES / 2)]
  return {
    type: shortText(fields.type) ?? 'Error',
    value: textOf(fields.value, LONGEST_TEXT) ?? '',
    handled: typeof handled === 'boolean' ? handled : null,
    frames: kept.map(frameOf),
  }
}

function frameOf(value: unknown): StackFrame {
  const fields = objectOf(value)
  const lines = (list: unknown) => listOf(list).map(line => textOf(line, LONGEST_LINE) ?? '')
  return {
    function: shortText(fields.function),
    module: shortText(fields.module),
    file: pathOf(shortText(fields.filename) ?? shortText(fields.abs_path)),
    line: countOf(fields.lineno),
    column: countOf(fields.colno),
    inApp: fields.in_app === true,
    before: lines(fields.pre_context).slice(-MOST_SOURCE_LINES),
    source: textOf(fields.context_line, LONGEST_LINE),
    after: lines(fields.post_context).slice(0, MOST_SOURCE_LINES),
  }
}

/** Without the folder in which every program of ours lies in its container. */
function pathOf(file: string | null): string | null {
  return file === null ? null : file.replace(/^(?:file:\/\/)?\/app\//, '')
}

function breadcrumbOf(value: unknown): Breadcrumb {
  const fields = objectOf(value)
  return {
    atMs: secondsOrIso(fields.timestamp),
    category: shortText(fields.category),
    type: shortText(fields.type),
    level: shortText(fields.level),
    message: textOf(fields.message, LIMITS.text),
    data: scrubObject(objectOf(fields.data), { ...LIMITS, depth: 3, entries: 20 }),
  }
}

function messageOf({ logentry, message }: Fields): string | null {
  const entry = objectOf(logentry)
  // Some SDKs send the message itself as an object.
  const inner = objectOf(message)
  const texts = [entry.formatted, entry.message, message, inner.formatted, inner.message]
  return textOf(
    texts.find(text => typeof text === 'string'),
    LONGEST_TEXT,
  )
}

function tagsOf(value: unknown): Readonly<Record<string, string>> {
  // An object, or a list of pairs.
  const pairs = Array.isArray(value) ? value.filter(Array.isArray) : Object.entries(objectOf(value))
  const texts = pairs
    .slice(0, MOST_TAGS)
    .flatMap(([name, one]) => (typeof name === 'string' && one != null ? [[name, String(one)] as const] : []))
  const clean = scrubObject(Object.fromEntries(texts), { depth: 1, entries: MOST_TAGS, text: 200 })
  return clean as Record<string, string>
}

function contextsOf(value: unknown): { readonly contexts: Fields; readonly trace: Fields } {
  const fields = objectOf(value)
  return { contexts: scrubObject(fields, LIMITS), trace: objectOf(fields.trace) }
}

function requestOf(value: unknown): Fields | null {
  const fields = objectOf(value)
  if (fields === NOTHING) return null
  const { method, url, query_string, headers } = fields
  const pairs = Array.isArray(headers) ? Object.fromEntries(headers.filter(Array.isArray)) : objectOf(headers)
  const query = typeof query_string === 'object' ? query_string : textOf(query_string, LIMITS.text)
  return {
    method: shortText(method),
    url: textOf(url, LIMITS.text),
    ...scrubObject({ query, headers: pairs }, LIMITS),
  }
}

function userOf(value: unknown): Fields | null {
  const { id } = objectOf(value)
  return typeof id === 'string' || typeof id === 'number' ? { id: scrubText(String(id), 200) } : null
}

function instantOf(value: unknown, receivedMs: number): number {
  const ms = secondsOrIso(value)
  return ms === null || ms <= 0 || ms > receivedMs + FUTURE_MS ? receivedMs : ms
}

/** Unix seconds, or ISO 8601 that means UTC also when it does not say so. */
function secondsOrIso(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1000) : null
  if (typeof value !== 'string') return null
  const ms = Date.parse(/(?:z|[+-]\d{2}:?\d{2})$/i.test(value) ? value : `${value}Z`)
  return Number.isNaN(ms) ? null : ms
}

/** Stands for whatever is not an object. */
const NOTHING: Fields = Object.freeze({})

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NOTHING
}

/** A list, or an object that holds one as `values`. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const { values } = objectOf(value)
  return Array.isArray(values) ? values : []
}

function textOf(value: unknown, longest: number): string | null {
  return typeof value === 'string' ? scrubText(value, longest) : null
}

const shortText = (value: unknown): string | null => textOf(value, LONGEST_NAME) || null

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null
}

function hex(value: unknown, digits: number): string | null {
  if (typeof value !== 'string') return null
  const plain = value.replaceAll('-', '').toLowerCase()
  return plain.length === digits && /^[0-9a-f]+$/.test(plain) && !/^0+$/.test(plain) ? plain : null
}
