import type { Breadcrumb } from '../../instrumentation/telemetry.ts'

/** Changes remembered; older ones are forgotten. */
const MOST_CHANGES = 40

/** Requests that are shed within this time of each other make one entry, milliseconds. */
const SHED_WINDOW_MS = 1000

type Shedding = { readonly atMs: number; readonly reason: string; count: number }

/** What changed in a gateway lately, for those who ask how a failure came about. */
export class RecentChanges {
  readonly #nowMs: () => number
  readonly #changes: (Breadcrumb | Shedding)[] = []

  /** @param nowMs Unix time */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** An endpoint appeared, went, was ejected or came back; a look-up failed. */
  changed(message: string, data: Readonly<Record<string, string | number | boolean>>): void {
    const category = /eject|back/.test(message) ? 'breaker' : 'endpoints'
    const level = /eject|gone|fail/.test(message) ? 'warning' : 'info'
    this.#add({ atMs: this.#nowMs(), category, message, level, data })
  }

  /** A request was shed. Thousands a second are possible: they are counted, not listed. */
  shed(reason: string): void {
    const atMs = this.#nowMs()
    const last = this.#changes.at(-1)
    if (
      last !== undefined &&
      'count' in last &&
      last.reason === reason &&
      atMs - last.atMs < SHED_WINDOW_MS
    ) {
      last.count += 1
    } else this.#add({ atMs, reason, count: 1 })
  }

  /** Changes since `fromMs` (Unix time), oldest first. */
  since(fromMs: number): readonly Breadcrumb[] {
    return this.#changes.filter(({ atMs }) => atMs >= fromMs).map(asBreadcrumb)
  }

  #add(change: Breadcrumb | Shedding): void {
    this.#changes.push(change)
    if (this.#changes.length > MOST_CHANGES) this.#changes.shift()
  }
}

function asBreadcrumb(change: Breadcrumb | Shedding): Breadcrumb {
  if (!('count' in change)) return change
  const { atMs, reason, count } = change
  return {
    atMs,
    category: 'shed',
    message: `${count} requests shed`,
    level: 'warning',
    data: { reason, count },
  }
}
