import type { Group, Zone } from '../../../platform/topology.ts'

/*
 * The weekly report as plain data: what the API answers, and what its pictures and texts are made of. Instants are Unix
 * milliseconds, UTC; durations are milliseconds, >= 0. An alert or incident belongs to the week in which it began, whatever
 * it spans; what had begun before and still went on is `carriedOver`.
 *
 * `induced`: it began during an experiment, in its blast radius. What is induced and what is not is never added up.
 */

/** Durations, from the shortest to the longest. All null when there is none. */
export type Spread = {
  readonly n: number
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p90Ms: number | null
}

/** Durations few enough that their mean needs an interval. */
export type Mean = Spread & {
  /** 95 % bootstrap interval of the mean; null below two. */
  readonly lowMs: number | null
  readonly highMs: number | null
  /** Below five: a mean of so few says little. */
  readonly isFew: boolean
}

/** Whose: one row for each of what has any alert. null: the alert names no group, or no service. */
export type Owner = {
  readonly group: string | null
  readonly service: string | null
  readonly induced: boolean
}

export type AlertCounts = Owner & {
  /** Alert events that began in the week; flaps are not events. */
  readonly events: number
  /** Began before the week and had not ended when it began. */
  readonly carriedOver: number
  /** Not ended at the week's end, or now. */
  readonly open: number
  /** Age of the oldest open one. */
  readonly oldestOpenMs: number | null
  /** Ended without a resolve. */
  readonly expired: number
  /** Ended while Prometheus or the recorder was away. */
  readonly unknown: number
  readonly flaps: number
  /** Resolved by themselves: nobody acted, no incident, short or flapping, and no attack is why. */
  readonly noisy: number
  /** The same with those that an attack is why. */
  readonly selfResolving: number
  /** A person was told of them. */
  readonly notified: number
  /** Left out of `resolution`: a clock went backwards. */
  readonly clockSuspect: number
  /** Fired to resolved, of those that resolved. */
  readonly resolution: Spread
}

/** One of the twenty most frequent alerts of a service. */
export type FrequentAlert = {
  readonly group: string | null
  readonly service: string | null
  /** 1 is the most frequent: by events, then by firing time, then by name. */
  readonly rank: number
  readonly name: string
  readonly events: number
  readonly induced: number
  readonly flaps: number
  readonly firingMs: number
  /** Share of its events that were noisy, [0, 1]. */
  readonly noisyShare: number
  /** In the week before; null: it did not fire then. */
  readonly rankBefore: number | null
}

export type SevLevel = 1 | 2 | 3 | 4

/** How an incident was found out. Only `detected` has a duration. */
export type Detection =
  | { readonly outcome: 'detected'; readonly atMs: number; readonly afterMs: number; readonly alert: string }
  /** An alert of its service fired already when the impact began. */
  | { readonly outcome: 'pre_existing'; readonly alert: string }
  /** No alert fired before the impact was over. */
  | { readonly outcome: 'missed' }
  /** Users felt nothing more than those of the control group, or nothing is known of it. */
  | { readonly outcome: 'no_impact' }

/** One incident. */
export type Sev = {
  /** `SEV2-experiment-gateway-20261121T103144Z`. */
  readonly id: string
  readonly group: string
  readonly service: string
  /** The worst it reached. */
  readonly level: SevLevel
  readonly openedMs: number
  /** null: it goes on. */
  readonly endedMs: number | null
  readonly induced: boolean
  /** Run whose attack is why, null: none. */
  readonly runId: string | null
  /** Alerts that opened it or kept it open, the first one first. */
  readonly alerts: readonly string[]
  /** Promises that were broken. */
  readonly slos: readonly string[]
  /** First to last bad moment after the control's own is taken off; null: none is known. */
  readonly impact: { readonly fromMs: number; readonly toMs: number; readonly isOver: boolean } | null
  /** The control group was as bad: it is left out of what is said of attacks. */
  readonly sharedCause: boolean
  readonly detection: Detection
  /** Detected to the end of the impact; detect + recover = restore. */
  readonly recoverMs: number | null
  readonly restoreMs: number | null
  /** From an attack to a person; null where a step is not known or did not happen. */
  readonly chain: {
    readonly injectedMs: number | null
    readonly impactMs: number | null
    readonly pendingMs: number | null
    readonly firingMs: number | null
    readonly notifiedMs: number | null
  }
}

/** Incidents of one service. */
export type Reliability = {
  readonly group: string
  readonly service: string
  readonly induced: boolean
  /** By level, 1 to 4. */
  readonly sevs: Readonly<Record<SevLevel, number>>
  readonly carriedOver: number
  readonly detect: Mean
  /** Detected out of those with an impact. */
  readonly detected: number
  readonly withImpact: number
  readonly preExisting: number
  readonly missed: number
  readonly recover: Mean
  readonly restore: Mean
  /** (observed - impact - gaps) / failures; null without a failure: then it is more than `uptimeMs`. */
  readonly mtbfMs: number | null
  readonly uptimeMs: number
  /** Below five failures. */
  readonly isFew: boolean
}

/** What an alert rule said of the attacks. */
export type RuleScore = {
  readonly rule: string
  /** Events of the experimental group that began in the week. */
  readonly events: number
  /** Of these, those in the blast radius of an attack; precision = induced / events. */
  readonly induced: number
  /** Attacks of the kinds it has fired at in this week, and of these, those it fired at; recall = found / attacks. */
  readonly attacks: number
  readonly found: number
  /** From the begin of an attack to firing. */
  readonly delay: Spread
}

/** Fault x rule. */
export type Coverage = {
  /** Kinds of fault that were on in the week. */
  readonly kinds: readonly {
    readonly kind: string
    readonly attacks: number
    /** Rules that fired at any of them, and at how many. */
    readonly rules: readonly { readonly rule: string; readonly found: number }[]
    /** Panels that are known to move by it, `dashboard / panel`. */
    readonly panels: readonly string[]
  }[]
  /** Kinds at which no rule fired. */
  readonly silentKinds: readonly string[]
  /** Kinds that no panel shows. */
  readonly unseenKinds: readonly string[]
}

/** One alert event, as short as a list needs it. */
export type Mentioned = {
  readonly name: string
  readonly group: string | null
  readonly service: string | null
  readonly zone: Zone | null
  readonly firedMs: number
  readonly endedMs: number | null
  /** Run during which it was, null: none. */
  readonly runId: string | null
}

export type ReportedRun = {
  readonly runId: string
  readonly name: string
  readonly level: string
  readonly openedMs: number
  readonly state: string
  readonly verdict: string | null
  readonly aborted: boolean
}

export type WeekReport = {
  /** `2026-W47`. */
  readonly week: string
  readonly fromMs: number
  readonly toMs: number
  readonly madeMs: number
  /** The week is not over, or was not when this was made. */
  readonly isPartial: boolean
  /** Time within the week, until now, in which both Prometheus and the recorder were there. */
  readonly observedMs: number
  readonly gapMs: number
  readonly alerts: readonly AlertCounts[]
  readonly frequent: readonly FrequentAlert[]
  readonly sevs: readonly Sev[]
  readonly reliability: readonly Reliability[]
  readonly runs: readonly ReportedRun[]
  readonly rules: readonly RuleScore[]
  readonly coverage: Coverage
  /** Alerts of the control group during an attack: a leak, or a false alarm. At most 50. */
  readonly leaks: readonly Mentioned[]
  readonly leakCount: number
  /** Alerts of which Alertmanager never told anybody: silenced, inhibited or lost. At most 50. */
  readonly undelivered: readonly Mentioned[]
  readonly undeliveredCount: number
  /** Alerts that began during an experiment, in the experimental group, out of its blast radius. */
  readonly beyondCount: number
}

/** An attack as far as alerts are held against it. */
export type AttackWindow = {
  readonly runId: string
  /** Number of the fault in its run. */
  readonly fault: number
  readonly kind: string
  readonly group: Group
  /** null: no single one. */
  readonly service: string | null
  readonly zone: Zone | null
  readonly beginMs: number
  /** null: it is on. */
  readonly endMs: number | null
  /** Until when alerts may be its doing: a minute after its run, since rules wait and windows slide; null: it is on. */
  readonly untilMs: number | null
}
