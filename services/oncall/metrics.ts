import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import { exemplarRegistry } from '../../instrumentation/exposition.ts'
import { SIGNALS } from '../../instrumentation/signals.ts'
import { GROUP_SERVICES, GROUPS } from '../../platform/topology.ts'
import type { AttackState } from './contract.ts'

const { metrics: NAMES, latencyBucketsSeconds } = SIGNALS

/** An attack that has ended is told as 0 for this long, so that its end is a sample and not only silence. */
export const ENDED_SHOWN_MS = 300_000

const FACTS = ['firing', 'resolved'] as const
const EVENTS = ['kept', 'duplicate', 'limited', 'refused'] as const
/** Item types get a label of their own; a client can send any word. */
const ITEM_TYPES = [
  'session',
  'sessions',
  'transaction',
  'attachment',
  'client_report',
  'log',
  'other',
] as const

/** Services of a group that send events. */
const SERVICES = [...GROUP_SERVICES, 'ingest']

/** Whose event it is, in the words of the lab; empty: none of its groups or services. */
export type EventSource = { readonly group: string; readonly service: string }

/** Names that are not the lab's are not told: they are the sender's choice, and there are more than fit anywhere. */
export function sourceLabels(said: {
  readonly group: string | null
  readonly service: string | null
}): EventSource {
  return {
    group: GROUPS.find(known => known === said.group) ?? '',
    service: SERVICES.find(known => known === said.service) ?? '',
  }
}

export type EventOutcome = (typeof EVENTS)[number]

type Described = { readonly name: string; readonly help: string; readonly labels: readonly string[] }

/** Everything oncall tells about itself, and the attacks that are on. */
export class OncallMetrics {
  readonly registry: Registry = exemplarRegistry()
  readonly #duration: Histogram
  readonly #facts: Counter
  readonly #notifications: Counter
  readonly #events: Counter
  readonly #dropped: Counter
  readonly #entries: Counter
  readonly #clockOffset: Gauge

  /** @param attacks that are on, or ended within ENDED_SHOWN_MS; asked at every scrape */
  constructor(attacks: () => Promise<readonly AttackState[]>) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    const counter = ({ name, help, labels }: Described) =>
      new Counter({ name, help, labelNames: [...labels], registers })
    this.#duration = new Histogram({
      name: NAMES.oncallRequestDuration.name,
      help: NAMES.oncallRequestDuration.help,
      labelNames: [...NAMES.oncallRequestDuration.labels],
      buckets: [...latencyBucketsSeconds],
      enableExemplars: true,
      registers,
    })
    this.#facts = counter(NAMES.oncallAlertFacts)
    this.#notifications = counter(NAMES.oncallNotifications)
    this.#events = counter(NAMES.oncallErrorEvents)
    this.#dropped = counter(NAMES.oncallItemsDropped)
    this.#entries = counter(NAMES.oncallRunEntries)
    this.#clockOffset = new Gauge({
      name: NAMES.oncallClockOffset.name,
      help: NAMES.oncallClockOffset.help,
      registers,
    })
    new Gauge({
      name: NAMES.attackActive.name,
      help: NAMES.attackActive.help,
      labelNames: [...NAMES.attackActive.labels],
      registers,
      async collect() {
        const known = await attacks()
        this.reset()
        for (const { runId, kind, group, service, zone, endMs } of known) {
          const labels = { run: runId, kind, group, service: service ?? '', zone: zone ?? '' }
          // Two faults of one kind may have the same labels: one that is on outweighs one that has ended.
          if (endMs === null) this.set(labels, 1)
          else this.inc(labels, 0)
        }
      },
    })
    // A counter that appears only with its first event hides that event from rate(): all start at 0.
    for (const outcome of FACTS) this.#facts.inc({ outcome }, 0)
    for (const outcome of EVENTS) this.#events.inc({ outcome, group: '', service: '' }, 0)
    for (const reason of ITEM_TYPES) this.#dropped.inc({ reason }, 0)
  }

  /**
   * `route` is the pattern that matched, `status` the code sent or `aborted`, `traceId` that of a trace that is kept: it
   * becomes the example of its bucket.
   */
  answered(method: string, route: string, status: string, seconds: number, traceId?: string): void {
    const exemplarLabels: Record<string, string> = traceId === undefined ? {} : { trace_id: traceId }
    this.#duration.observe({ labels: { method, route, status }, value: seconds, exemplarLabels })
  }

  facts(kind: (typeof FACTS)[number], count: number): void {
    this.#facts.inc({ outcome: kind }, count)
  }

  notifications(count: number): void {
    this.#notifications.inc(count)
  }

  /** @param said whose it is, once it has been read */
  event(
    outcome: EventOutcome,
    said: { readonly group: string | null; readonly service: string | null } = { group: null, service: null },
  ): void {
    this.#events.inc({ outcome, ...sourceLabels(said) })
  }

  itemDropped(type: string): void {
    this.#dropped.inc({ reason: ITEM_TYPES.find(known => known === type) ?? 'other' })
  }

  entries(count: number): void {
    this.#entries.inc(count)
  }

  clockOffset(seconds: number): void {
    this.#clockOffset.set(seconds)
  }
}
