import type { AttackState, RunDetail } from '../contract.ts'
import type { AttackWindow } from './report.ts'

/** Rules wait before they fire, and their windows slide: so long after a run an alert may still be its doing. */
const LATE_MS = 60_000

/**
 * Whom the loss of a service reaches: those that need it, and itself. A database that is away fails its readers, their
 * gateway and the edge; a gateway that is away fails nobody below it.
 */
const REACH: Readonly<Record<string, readonly string[]>> = {
  database: ['database', 'recommender', 'gateway', 'edge', 'ingest'],
  recommender: ['recommender', 'gateway', 'edge'],
  gateway: ['gateway', 'edge'],
  edge: ['edge'],
  ingest: ['ingest'],
}

/** Services in the blast radius of an attack on `service`; null: all of its group. */
export function reachOf(service: string | null): readonly string[] | null {
  return service === null ? null : (REACH[service] ?? null)
}

/** Whether an alert of a service can be the doing of an attack on another; an alert that names none always can. */
export function isReached(attacked: string | null, service: string | null): boolean {
  const reach = reachOf(attacked)
  return reach === null || service === null || reach.includes(service)
}

/** The attacks of a run as alerts are held against them. */
export function attackWindows({ attacks, endedMs }: Pick<RunDetail, 'attacks' | 'endedMs'>): AttackWindow[] {
  return attacks.map(attack => ({ ...pick(attack), untilMs: untilOf(attack, endedMs) }))
}

function pick({ runId, fault, kind, group, service, zone, beginMs, endMs }: AttackState) {
  return { runId, fault, kind, group, service, zone, beginMs, endMs }
}

function untilOf({ endMs }: AttackState, endedMs: number | null): number | null {
  if (endMs === null || endedMs === null) return null
  return Math.max(endMs, endedMs) + LATE_MS
}
