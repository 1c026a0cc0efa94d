import type { Group, Zone } from '../platform/topology.ts'
import type { Level } from './faults/fault.ts'
import type { Calibration } from './judgement/calibration.ts'
import type { Foresight } from './judgement/foresight.ts'
import type { SignalSpec, Verdict } from './judgement/verdict.ts'
import type { LoadSummary, Phases } from './measurement/sample.ts'

/** Something that happened and that a person wants to see on the time line. */
export type TimelineEvent = {
  readonly atMs: number
  /** `fault` begun or ended by us; `cluster` what Kubernetes or Postgres did; `load`; `audit`. */
  readonly source: 'fault' | 'cluster' | 'load' | 'audit'
  readonly group?: Group
  readonly zone?: Zone
  readonly service?: string
  readonly text: string
}

/** Plays of one group, counted by their idempotency keys. */
export type WriteLedger = {
  readonly acknowledged: number
  readonly lost: number
  readonly unacknowledged: number
}

/**
 * What the judge needs besides the raw samples. It is the resolved form: no default is left open,
 * so `divergence judge RUN` gives the same verdict, to the bit, years later.
 */
export type JudgeInput = {
  readonly runId: string
  readonly experiment: {
    readonly name: string
    readonly hypothesis: string
    readonly level: Level
  }
  readonly signals: readonly SignalSpec[]
  readonly phases: Phases
  /** First fault's begin and last fault's end, Unix milliseconds on the runner's clock. */
  readonly fault: { readonly beginMs: number; readonly endMs: number }
  readonly faults: readonly {
    readonly kind: string
    readonly targets: readonly string[]
    /** Proof that the fault happened: what was measured. `proven: false` makes the run invalid. */
    readonly effect: { readonly proven: boolean; readonly detail: string }
  }[]
  readonly load: LoadSummary
  /**
   * Acknowledged writes against the database after the run, by group. `lost` > 0 in a group is data loss, whatever the
   * ratios say. `unacknowledged` were found although the client never heard of them: idempotency keys are for these.
   */
  readonly writes: Readonly<Record<Group, WriteLedger>>
  /** Generator's clock minus runner's clock, milliseconds, +- half a round trip. */
  readonly clockOffsetMs: number
  readonly aborted: boolean
  readonly events: readonly TimelineEvent[]
  /** Seed of the bootstrap, an unsigned 32-bit integer. */
  readonly seed: number
  readonly versions: Readonly<Record<string, string>>
}

/** One line of `journal.jsonl`. `atMs` is the runner's clock, Unix milliseconds. */
export type JournalEntry = { readonly atMs: number } & (
  | {
      readonly entry: 'opened'
      readonly runId: string
      readonly experiment: unknown
      readonly versions: Readonly<Record<string, string>>
    }
  /** How often the judge errs, as far as it was known when the run began; null: it was not. Runs of before have no such entry. */
  | { readonly entry: 'calibration'; readonly calibration: Calibration | null }
  | { readonly entry: 'healed'; readonly leftovers: readonly string[] }
  | {
      readonly entry: 'preflight'
      readonly checks: readonly { readonly check: string; readonly ok: boolean; readonly detail: string }[]
    }
  /** What the faults would be now, and what each node can do them with. */
  | {
      readonly entry: 'planned'
      readonly faults: readonly {
        readonly kind: string
        readonly targets: readonly string[]
        readonly actions: readonly string[]
      }[]
      /** By node and capability: how it was found out. */
      readonly capabilities: Readonly<Record<string, Readonly<Record<string, string>>>>
    }
  | { readonly entry: 'snapshot'; readonly snapshot: unknown }
  | { readonly entry: 'load-started'; readonly plan: unknown }
  | {
      readonly entry: 'time-base'
      /** Start of the first request, generator's clock. */
      readonly loadStartMs: number
      readonly clockOffsetMs: number
      readonly roundTripMs: number
    }
  | { readonly entry: 'phase'; readonly phase: 'warm-up' | 'baseline' | 'attack' | 'recovery' | 'settle' }
  | { readonly entry: 'undo-recipe'; readonly recipe: unknown }
  | { readonly entry: 'fault-begun'; readonly fault: number; readonly plan: unknown }
  | {
      readonly entry: 'fault-effect'
      readonly fault: number
      readonly proven: boolean
      readonly detail: string
    }
  | {
      readonly entry: 'fault-ended'
      readonly fault: number
      /** By id of a target that an agent held: who ended it; null when its agent does not say. */
      readonly endedBy: Readonly<Record<string, string | null>>
    }
  /** What the run could see of the attack that follows, told from its baseline. */
  | { readonly entry: 'foresight'; readonly signals: readonly Foresight[] }
  /** What counts as slow in the attack that follows; null: the baseline could not tell, so latency will not end it. */
  | { readonly entry: 'slow-limit'; readonly limitMs: number | null; readonly answers: number }
  /** The abort rule put an end to the attack. */
  | { readonly entry: 'aborted'; readonly reason: string }
  | { readonly entry: 'undo-failed'; readonly fault: number; readonly reason: string }
  | { readonly entry: 'event'; readonly event: TimelineEvent }
  | {
      readonly entry: 'collected'
      readonly samples: number
      readonly resumed: number
      readonly load: LoadSummary
    }
  | { readonly entry: 'audit'; readonly residue: readonly string[] }
  | { readonly entry: 'judge-input'; readonly input: JudgeInput }
  | { readonly entry: 'verdict'; readonly verdict: Verdict }
  | { readonly entry: 'interrupted'; readonly reason: string }
  | { readonly entry: 'failed'; readonly reason: string }
)
