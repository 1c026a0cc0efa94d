import type { AnyFault } from './catalogue.ts'
import type { FaultSpec } from './fault.ts'
import { ATTACKABLE } from './select.ts'

/** When a fault is on, seconds from the start of the attack. */
export type Interval = { readonly beginSeconds: number; readonly endSeconds: number }

/** A fault that is over once it has begun is felt at least so long, seconds. */
const BEGIN_SECONDS = 1

/** What they hit is not there, or does not move, while they are on: another fault of it could neither begin nor show. */
const EXCLUSIVE: readonly string[] = [
  'kill-container',
  'kill-process',
  'kill-pod',
  'kill-primary',
  'pause',
  'evict',
  'power-off',
  'zone-outage',
  'zone-partition',
  'drain',
  'scale-down',
]

/** The time line as it is written: serial, parallel, at an offset. */
export function scheduleOf(faults: readonly FaultSpec[]): readonly Interval[] {
  const schedule: Interval[] = []
  for (const { offsetSeconds, after, durationSeconds = 0 } of faults) {
    const from = after === 'previous' ? (schedule.at(-1)?.endSeconds ?? 0) : 0
    const beginSeconds = from + offsetSeconds
    schedule.push({ beginSeconds, endSeconds: beginSeconds + durationSeconds })
  }
  return schedule
}

/** Two faults by their numbers, and why they cannot be on at the same time. */
export type Conflict = { readonly first: number; readonly second: number }

/**
 * Pairs of faults that overlap in time, may hit the same pod, and cannot be combined. Told from the file alone: a pick
 * at random counts as every pod that it may be.
 */
export function conflicts(faults: readonly AnyFault[]): readonly Conflict[] {
  const schedule = scheduleOf(faults)
  return faults.flatMap((fault, second) =>
    faults.slice(0, second).flatMap((other, first) => {
      const isConflict =
        overlap(schedule[first], schedule[second]) && mayMeet(other, fault) && !canCombine(other, fault)
      return isConflict ? [{ first, second }] : []
    }),
  )
}

function overlap(one: Interval | undefined, other: Interval | undefined): boolean {
  if (one === undefined || other === undefined) return false
  const end = ({ beginSeconds, endSeconds }: Interval) => Math.max(endSeconds, beginSeconds + BEGIN_SECONDS)
  return one.beginSeconds < end(other) && other.beginSeconds < end(one)
}

function canCombine(one: AnyFault, other: AnyFault): boolean {
  return one.kind !== other.kind && !EXCLUSIVE.includes(one.kind) && !EXCLUSIVE.includes(other.kind)
}

/** Pods that a fault may hit; null when it hits none in particular. */
type Reach = {
  readonly services: readonly string[]
  readonly zone: string | undefined
  readonly role: string | undefined
}

function mayMeet(one: AnyFault, other: AnyFault): boolean {
  const [reach, others] = [reachOf(one), reachOf(other)]
  // The cluster and the load are there once.
  if (reach === null || others === null) return one.kind === other.kind
  return (
    reach.services.some(service => others.services.includes(service)) &&
    // Where the primary is turns out only when the fault begins.
    may(reach.zone, others.zone, ['primary']) &&
    may(reach.role, others.role, [])
  )
}

function may(one: string | undefined, other: string | undefined, unknown: readonly string[]): boolean {
  if (one === undefined || other === undefined || one === other) return true
  return unknown.includes(one) || unknown.includes(other)
}

function reachOf({ kind, select }: AnyFault): Reach | null {
  const { services, zone, role } = select as Partial<Reach>
  switch (kind) {
    case 'surge':
    case 'oversubscribe':
      return null
    case 'power-off':
    case 'zone-outage':
    case 'zone-partition':
    case 'drain':
      return { services: ATTACKABLE, zone, role: undefined }
    case 'kill-primary':
      return { services: ['database'], zone: undefined, role: 'primary' }
    case 'slow-database':
    case 'connection-exhaustion':
      return { services: ['database'], zone, role }
    default:
      return { services: services ?? ATTACKABLE, zone, role }
  }
}
