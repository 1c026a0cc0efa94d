import { startOf } from './incidents.ts'
import type { Week } from './iso-week.ts'
import type { Reliability, Sev, SevLevel } from './report.ts'
import { FEW, meanOf } from './spread.ts'

/** Half-open, Unix milliseconds. */
export type Interval = { readonly fromMs: number; readonly toMs: number }

/** Of whom a row is. */
export type ReliabilityOwner = Pick<Reliability, 'group' | 'service' | 'induced'>

/**
 * One row for each owner.
 *
 * What has a shared cause is counted among the incidents, and left out of every number that speaks of attacks: of how it was
 * found out, how long it took, and how often it happens.
 *
 * @param sevs all that are known, also of other weeks
 * @param observed when Prometheus and the recorder were both there, gaps left out
 */
export function reliabilityOf(
  owners: readonly ReliabilityOwner[],
  sevs: readonly Sev[],
  week: Week,
  observed: readonly Interval[],
): readonly Reliability[] {
  return owners.map(owner => {
    const own = sevs.filter(({ group, service }) => group === owner.group && service === owner.service)
    const rows = own.filter(({ induced }) => induced === owner.induced)
    // Nobody was served by it meanwhile, whatever the cause.
    const impacts = own.flatMap(({ impact }) => impact ?? [])
    return row(owner, rows, week, uncoveredMs(within(observed, week), impacts))
  })
}

function row(owner: ReliabilityOwner, sevs: readonly Sev[], week: Week, uptimeMs: number): Reliability {
  const begun = sevs.filter(sev => startOf(sev) >= week.fromMs && startOf(sev) < week.toMs)
  const counted = begun.filter(({ sharedCause }) => !(owner.induced && sharedCause))
  const found = counted.map(({ detection }) => detection)
  const outcomes = (outcome: string) => found.filter(each => each.outcome === outcome).length
  const failures = counted.length
  // The same facts give the same intervals.
  const seed = Math.floor(week.fromMs / 1000) >>> 0
  return {
    ...owner,
    sevs: levelsOf(begun),
    carriedOver: sevs.filter(sev => isCarriedInto(sev, week)).length,
    detect: meanOf(
      found.flatMap(each => (each.outcome === 'detected' ? [each.afterMs] : [])),
      seed,
    ),
    detected: outcomes('detected'),
    withImpact: failures - outcomes('no_impact'),
    preExisting: outcomes('pre_existing'),
    missed: outcomes('missed'),
    recover: meanOf(
      counted.flatMap(({ recoverMs }) => recoverMs ?? []),
      seed,
    ),
    restore: meanOf(
      counted.flatMap(({ restoreMs }) => restoreMs ?? []),
      seed,
    ),
    mtbfMs: failures === 0 ? null : uptimeMs / failures,
    uptimeMs,
    isFew: failures < FEW,
  }
}

/** Whether it had begun before the week and went on in it. */
export function isCarriedInto(sev: Sev, { fromMs }: Week): boolean {
  return startOf(sev) < fromMs && (sev.endedMs === null || sev.endedMs > fromMs)
}

function levelsOf(sevs: readonly Sev[]): Readonly<Record<SevLevel, number>> {
  const count = (level: SevLevel) => sevs.filter(sev => sev.level === level).length
  return { 1: count(1), 2: count(2), 3: count(3), 4: count(4) }
}

function within(intervals: readonly Interval[], bounds: Interval): readonly Interval[] {
  return intervals
    .map(({ fromMs, toMs }) => ({
      fromMs: Math.max(fromMs, bounds.fromMs),
      toMs: Math.min(toMs, bounds.toMs),
    }))
    .filter(({ fromMs, toMs }) => toMs > fromMs)
}

/** Time in `whole` that none of `parts` covers, milliseconds. @param whole do not overlap each other */
export function uncoveredMs(whole: readonly Interval[], parts: readonly Interval[]): number {
  return whole.reduce((sum, bounds) => {
    const covered = unionOf(within(parts, bounds)).reduce((ms, { fromMs, toMs }) => ms + toMs - fromMs, 0)
    return sum + bounds.toMs - bounds.fromMs - covered
  }, 0)
}

/** The same time without overlaps, oldest first. */
export function unionOf(intervals: readonly Interval[]): readonly Interval[] {
  const union: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of [...intervals].sort((one, other) => one.fromMs - other.fromMs)) {
    const last = union.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else union.push({ fromMs, toMs })
  }
  return union
}
