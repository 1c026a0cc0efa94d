import type { Group, Zone } from '../../platform/topology.ts'
import type { WeekReport } from './weekly/report.ts'

/*
 * What the read API answers, and what the console's pages read: plain data, the same for both. Instants are Unix
 * milliseconds, UTC; `receivedMs` is oncall's own clock, everything else the clock of who told it.
 */

/**
 * `attacked`: an attack that hits it is on. `recovering`: not whole, no attack on it any more, and one was during the
 * last five minutes. `degraded`: some pods ready; `down`: none; `absent`: it should have pods there and has none.
 */
export type CellState = 'healthy' | 'attacked' | 'recovering' | 'degraded' | 'down' | 'absent'

/** One square of the live map: the pods of a service in one zone of one group. */
export type ServiceCell = {
  readonly group: Group
  readonly service: string
  /** null: placed outside the zones (the edge). */
  readonly zone: Zone | null
  readonly state: CellState
  readonly podsReady: number
  readonly pods: readonly PodState[]
}

export type PodState = {
  readonly name: string
  readonly node: string | null
  readonly phase: string
  readonly ready: boolean
  readonly restarts: number
  /** Of the database: the pod that takes writes. */
  readonly primary: boolean
}

export type NodeState = {
  readonly name: string
  /** `control`, `experiment` or `system`. */
  readonly group: string
  readonly zone: Zone | null
  readonly ready: boolean
  readonly cordoned: boolean
}

/** A fault that is on, or was. */
export type AttackState = {
  readonly runId: string
  /** Number of the fault in its experiment, from 0. */
  readonly fault: number
  readonly kind: string
  /** Names a person knows: nodes, pods, `pod/container`. */
  readonly targets: readonly string[]
  readonly group: Group
  /** null: no single service or zone. */
  readonly service: string | null
  readonly zone: Zone | null
  readonly beginMs: number
  /** null: it is on. */
  readonly endMs: number | null
  /** Whether its effect was measured; null: not yet. */
  readonly effect: { readonly proven: boolean; readonly detail: string } | null
}

/** `ended`: it was only to inject faults. `abandoned`: no word from its runner for 60 s although it had not ended. */
export type RunState = 'running' | 'judged' | 'ended' | 'interrupted' | 'failed' | 'abandoned'

export type RunSummary = {
  readonly runId: string
  readonly name: string
  readonly level: string
  readonly hypothesis: string
  readonly state: RunState
  readonly openedMs: number
  readonly endedMs: number | null
  /** When its runner was last heard of, oncall's clock. */
  readonly heardMs: number
  /** `preflight` until the load runs, then the phases of the journal. */
  readonly phase: string
  readonly verdict: 'resilient' | 'diverged' | 'inconclusive' | 'invalid' | null
  readonly aborted: boolean
  /** Of the abort rule, as the runner last told it; null: it has none or has not told. */
  readonly abort: AbortState | null
  readonly hasReport: boolean
}

/** Evidence of the abort rule that the experiment fails more than the control: sure when `eValue` reaches `limit`. */
export type AbortState = {
  readonly atMs: number
  readonly eValue: number
  readonly limit: number
  readonly detail: string
}

export type RunDetail = RunSummary & {
  readonly reasons: readonly string[]
  readonly attacks: readonly AttackState[]
  readonly timeline: readonly TimelineEntry[]
}

/** One line of a run's time line, in words. */
export type TimelineEntry = {
  /** Of the journal entry it was made from. */
  readonly seq: number
  readonly atMs: number
  readonly source: 'run' | 'phase' | 'fault' | 'cluster' | 'load' | 'audit' | 'verdict'
  readonly tone: 'plain' | 'good' | 'bad'
  readonly group: Group | null
  readonly zone: Zone | null
  readonly service: string | null
  readonly text: string
}

/** The state of the lab now. What could not be read is named in `problems`, never shown as healthy. */
export type LiveState = {
  readonly atMs: number
  readonly services: readonly ServiceCell[]
  readonly nodes: readonly NodeState[]
  /** That are on now. */
  readonly attacks: readonly AttackState[]
  readonly run: RunSummary | null
  /** Why everything is halted; null: it is not. */
  readonly halt: string | null
  readonly problems: readonly string[]
}

export type ErrorLevel = 'fatal' | 'error' | 'warning' | 'info' | 'debug'

/** Error events that are one and the same mistake. */
export type EventGroup = {
  /** 32 hexadecimal digits; the group's id in addresses. */
  readonly fingerprint: string
  readonly title: string
  /** Where it happened: module or file and function of the top frame of our own. */
  readonly culprit: string
  readonly level: ErrorLevel
  readonly service: string | null
  /** Groups of the lab in which it was seen. */
  readonly groups: readonly string[]
  readonly firstMs: number
  readonly lastMs: number
  /** All that ever came, also those whose details are gone. */
  readonly count: number
  /** With details. */
  readonly kept: number
}

export type EventGroupDetail = EventGroup & {
  /** Newest first, at most 50. */
  readonly events: readonly ErrorEvent[]
}

export type ErrorEvent = {
  /** 32 hexadecimal digits. */
  readonly eventId: string
  readonly fingerprint: string
  readonly atMs: number
  readonly receivedMs: number
  readonly level: ErrorLevel
  readonly platform: string
  readonly release: string | null
  readonly environment: string | null
  readonly service: string | null
  readonly group: string | null
  readonly zone: string | null
  readonly transaction: string | null
  readonly message: string | null
  /** The cause first, what was thrown last, as SDKs send it. */
  readonly exceptions: readonly EventException[]
  readonly breadcrumbs: readonly Breadcrumb[]
  readonly tags: Readonly<Record<string, string>>
  readonly contexts: Readonly<Record<string, unknown>>
  readonly request: Readonly<Record<string, unknown>> | null
  readonly user: Readonly<Record<string, unknown>> | null
  readonly extra: Readonly<Record<string, unknown>>
  /** 32 hexadecimal digits of the OpenTelemetry trace; null: none. */
  readonly traceId: string | null
  readonly spanId: string | null
}

export type EventException = {
  readonly type: string
  readonly value: string
  readonly handled: boolean | null
  /** The outermost call first, where it was thrown last, as SDKs send it. */
  readonly frames: readonly StackFrame[]
}

export type StackFrame = {
  readonly function: string | null
  readonly module: string | null
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly inApp: boolean
  readonly before: readonly string[]
  readonly source: string | null
  readonly after: readonly string[]
}

export type Breadcrumb = {
  readonly atMs: number | null
  readonly category: string | null
  readonly type: string | null
  readonly level: string | null
  readonly message: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/** `expired`: it ended without a word that it resolved. `unknown`: the same, and the telemetry itself had a gap. */
export type AlertState = 'firing' | 'resolved' | 'expired' | 'unknown'

/** `acknowledged`: somebody saw to it. `noted`: somebody wrote something down about it. */
export type ActionKind = 'acknowledged' | 'noted'

/** What somebody did about an alert event. */
export type ActionOnAlert = {
  /** oncall's clock. */
  readonly atMs: number
  /** A session of the console, or the runner. */
  readonly actor: string
  readonly action: ActionKind
  readonly note: string | null
}

/** One firing interval of one alert instance, with its re-fires; see alert-fold.ts for the exact rules. */
export type AlertEvent = {
  /** 32 hexadecimal digits of the label set without the replica label. */
  readonly instance: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly group: string | null
  readonly service: string | null
  readonly severity: string | null
  readonly state: AlertState
  /** Prometheus' clock; the key of the event together with `instance`. */
  readonly firedMs: number
  /** null: it fires. Prometheus' clock. */
  readonly endedMs: number | null
  /** Time it fired, without the gaps between re-fires; milliseconds, >= 0. */
  readonly firingMs: number
  /** How often it fired again within the re-fire time. */
  readonly flapCount: number
  /** A clock went backwards somewhere: durations were clamped to 0, leave them out of means. */
  readonly clockSuspect: boolean
  /** When oncall heard of it first. */
  readonly receivedMs: number
  /** When Alertmanager first told a person, oncall's clock; null: never. */
  readonly notifiedMs: number | null
  readonly generatorUrl: string | null
  /** In the order in which it was done; none: nobody acted. */
  readonly actions: readonly ActionOnAlert[]
}

export type EventFilter = { readonly service?: string; readonly group?: string; readonly limit?: number }
export type AlertFilter = { readonly state?: AlertState; readonly sinceMs?: number; readonly limit?: number }

/** What pages may ask, in process; the API answers the same under /api. */
export interface ConsoleReads {
  live(): Promise<LiveState>
  /** Newest first. */
  runs(limit: number): Promise<readonly RunSummary[]>
  run(runId: string): Promise<RunDetail | null>
  /** Last seen first. */
  eventGroups(filter: EventFilter): Promise<readonly EventGroup[]>
  eventGroup(fingerprint: string): Promise<EventGroupDetail | null>
  event(eventId: string): Promise<ErrorEvent | null>
  /** Last fired first. */
  alerts(filter: AlertFilter): Promise<readonly AlertEvent[]>
  /**
   * @param name `2026-W47`, `current` or `last`
   * @throws UserError WEEK_UNKNOWN when it is none of these
   */
  week(name: string): Promise<WeekReport>
}

/** `GET /api/session`. Reading needs no session; writing does, and `csrfToken` in the header `x-csrf-token`. */
export type SessionState =
  | { readonly signedIn: false }
  | { readonly signedIn: true; readonly csrfToken: string; readonly expiresMs: number }

/** `GET /api/console`: what pages need to make links, and the list of dashboards. */
export type ConsoleSettings = {
  /** Base URL of Zipkin as a browser reaches it; a trace is `${zipkinUrl}/zipkin/traces/${traceId}`. null: none. */
  readonly zipkinUrl: string | null
  readonly dashboards: readonly DashboardEntry[]
}

/** The JSON itself, as Grafana takes it, is at `GET /api/dashboards/:uid`. */
export type DashboardEntry = {
  readonly uid: string
  readonly title: string
  readonly tags: readonly string[]
}

/**
 * What `services/oncall/web` is given: it exports `consoleRouter(context): express.Router`, which is mounted at `/`
 * after the API. Pages send a nonce-free, same-origin-only Content-Security-Policy: no inline script or style.
 *
 * | what | how |
 * | --- | --- |
 * | GET /api/live | LiveState |
 * | GET /api/runs?limit= , /api/runs/:runId | RunSummary[], RunDetail |
 * | GET /api/runs/:runId/report | the HTML report, sandboxed by its Content-Security-Policy |
 * | GET /api/event-groups?service=&group=&limit= , /api/event-groups/:fingerprint | EventGroup[], EventGroupDetail |
 * | GET /api/events/:eventId | ErrorEvent |
 * | GET /api/alerts?state=&sinceMs=&limit= | AlertEvent[] |
 * | GET /api/weeks/:week?format=json|markdown | WeekReport, or the same as text; a week is `2026-W47`, `current` or `last` |
 * | GET /api/console | ConsoleSettings |
 * | GET /api/dashboards/:uid | dashboard JSON |
 * | GET /api/prometheus/query?query=&time= , /api/prometheus/query_range?query=&start=&end=&step= | as Prometheus answers |
 * | GET /api/prometheus/query_exemplars?query=&start=&end= | as Prometheus answers |
 * | GET /api/session | SessionState |
 * | POST /api/session {"token"} | signs in: 200 SessionState and the cookie, or 401 |
 * | DELETE /api/session (x-csrf-token) | signs out: 204 |
 * | POST /api/alerts/:instance/:firedMs/actions {"action", "note"?} (x-csrf-token) | 200 ActionOnAlert[] of the event |
 * | POST /api/halt {"reason"} (x-csrf-token) | 200 {"halt": reason} |
 * | DELETE /api/halt (x-csrf-token) | 200 {"halt": null} |
 *
 * Failures are problem+json (RFC 9457): {type, title, status, detail, requestId}.
 */
export type ConsoleContext = {
  readonly reads: ConsoleReads
  readonly settings: () => Promise<ConsoleSettings>
}
