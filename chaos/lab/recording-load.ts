import type { LoadPlan } from '../../load/plan.ts'
import { SAMPLE_COLUMNS } from '../../load/sample-line.ts'
import { GROUPS } from '../../platform/topology.ts'
import type { Clock, Database, LoadGenerator } from './roles.ts'

/** Requests a second and group of the recorded load: one write, the rest reads. */
const RECORDED_RATE = 5

/** A generator that answers as k6 does: its samples file grows with the clock. */
export class RecordedLoad implements LoadGenerator {
  readonly #clock: Clock
  #plan: LoadPlan | null = null
  #startMs = 0
  /** Bytes after which the stream breaks, once each. */
  breaksAfter: number[] = []
  /** Ends with the exit code once so many seconds have passed. */
  diesAfter: { readonly seconds: number; readonly exitCode: number } | null = null
  /** Of which run, each time it was removed; null = of every run. */
  readonly removed: (string | null)[] = []

  get removals(): number {
    return this.removed.length
  }

  /** From the second in which it is set on, every request of the experiment fails. */
  #failsFromSecond = Number.POSITIVE_INFINITY
  readonly offsetMs = 250

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get plan(): LoadPlan | null {
    return this.#plan
  }

  async start(plan: LoadPlan): Promise<void> {
    this.#plan = plan
    this.#startMs = Math.floor(this.#clock.nowMs() + this.offsetMs)
  }

  async *stream(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let at = offset
    for (;;) {
      signal.throwIfAborted()
      const bytes = this.#bytes()
      const breakAt = this.breaksAfter.find(after => after > at && after <= bytes.length)
      const end = breakAt ?? bytes.length
      if (end > at) yield bytes.subarray(at, end)
      at = end
      if (breakAt !== undefined) {
        this.breaksAfter = this.breaksAfter.filter(after => after !== breakAt)
        return
      }
      await this.#clock.sleep(200, signal)
    }
  }

  async state() {
    const seconds = this.#seconds()
    const isDead = this.diesAfter !== null && seconds >= this.diesAfter.seconds
    const exitCode = isDead ? (this.diesAfter?.exitCode ?? 0) : seconds >= this.#duration() ? 0 : null
    return { exitCode, log: isDead ? 'out of memory' : '' }
  }

  async sampleBytes() {
    return this.#bytes().length
  }

  async summary() {
    const requests = this.#wholeSeconds() * RECORDED_RATE
    return {
      targetRate: RECORDED_RATE,
      droppedIterations: 0,
      requests: { control: requests, experiment: requests },
    }
  }

  async end(): Promise<void> {
    this.die(105)
  }

  failExperiment(): void {
    this.#failsFromSecond = this.#wholeSeconds()
  }

  /** Ends now. */
  die(exitCode: number): void {
    this.diesAfter = { seconds: this.#seconds(), exitCode }
  }

  async clockOffset() {
    return { offsetMs: this.offsetMs, roundTripMs: 2 }
  }

  async remove(runId?: string): Promise<void> {
    this.removed.push(runId ?? null)
  }

  /** Keys of all writes, which the recorded database finds. */
  writes(): number {
    return this.#wholeSeconds()
  }

  #duration(): number {
    return this.#plan?.durationSeconds ?? 0
  }

  #seconds(): number {
    return this.#plan === null ? 0 : (this.#clock.nowMs() + this.offsetMs - this.#startMs) / 1000
  }

  #wholeSeconds(): number {
    return Math.floor(
      Math.min(this.#seconds(), this.#duration(), this.diesAfter?.seconds ?? Number.POSITIVE_INFINITY),
    )
  }

  #bytes(): Buffer {
    const lines: string[] = []
    for (let second = 0; second < this.#wholeSeconds(); second++) {
      for (const group of GROUPS) {
        for (let index = 0; index < RECORDED_RATE; index++) {
          const isWrite = index === 0
          const fails = group === 'experiment' && second >= this.#failsFromSecond
          const values: Record<(typeof SAMPLE_COLUMNS)[number], string | number> = {
            group,
            route: isWrite ? 'play' : 'song',
            kind: isWrite ? 'write' : 'read',
            startMs: this.#startMs + second * 1000 + index * 100,
            durationMs: '10.000',
            status: fails ? 503 : isWrite ? 201 : 200,
            outcome: fails ? 'error' : 'ok',
            errorCode: 0,
            sequence: isWrite ? second : second * (RECORDED_RATE - 1) + index - 1,
          }
          lines.push(SAMPLE_COLUMNS.map(name => values[name]).join(','))
        }
      }
    }
    return Buffer.from(lines.map(line => `${line}\n`).join(''))
  }
}

/** Databases that hold every write of the recorded load, less `missing` keys of the experiment. */
export function recordedDatabase(load: RecordedLoad, missing: readonly number[] = []): Database {
  return {
    async column(group, sql) {
      if (sql.includes('pg_stat_replication')) return ['database-1']
      if (sql.includes('count(*)')) return ['1000']
      const runId = load.plan?.runId ?? ''
      return Array.from({ length: load.writes() }, (_, sequence) => sequence)
        .filter(sequence => group === 'control' || !missing.includes(sequence))
        .map(sequence => `${runId}.${group}.${sequence}`)
    },
  }
}
