import { isReached } from './attack-window.ts'
import { type BadMoment, hasSharedCause, heavyOf, IMPACT_GAP_MS, type Impact, impactsOf } from './impact.ts'
import { INDICATOR } from './policy.ts'
import type { AttackWindow, Detection, Sev, SevLevel } from './report.ts'

/*
 * From alerts to incidents. Pure.
 *
 *   alerts with a level -> incidents, one at a time of each service in each group
 *   incident + bad moments -> impact -> detection, recovery, restoration
 *   incident + attacks -> induced or not
 */

/** What opens again within this time after its end is the same incident, milliseconds. */
export const REOPEN_MS = 900_000

/**
 * Rules of a budget of thirty days look back for hours or days, and go on firing long after the last bad event. Where a rule
 * of the present fires as well, the incident has its bounds from that one: else all outages of a day were one.
 */
const LONG_PROFILE = '30d'

const STEP_MS = INDICATOR.stepSeconds * 1000

/** One alert event of a service, as far as incidents need it. */
export type ServiceAlert = {
  readonly name: string
  readonly group: string
  readonly service: string
  /** null: it opens no incident. */
  readonly sev: SevLevel | null
  readonly slo: string | null
  /** Label `slo_profile`. */
  readonly profile: string | null
  readonly firedMs: number
  /** null: it fires. */
  readonly endedMs: number | null
  readonly notifiedMs: number | null
}

/** An incident as its alerts tell it. */
export type Incident = {
  readonly group: string
  readonly service: string
  readonly level: SevLevel
  readonly openedMs: number
  /** null: it goes on. */
  readonly endedMs: number | null
  /** With a level, oldest first. */
  readonly alerts: readonly ServiceAlert[]
}

export type IncidentFacts = {
  /** All of the services that have incidents, with and without a level. */
  readonly alerts: readonly ServiceAlert[]
  /** Of the same services. */
  readonly moments: readonly (BadMoment & { readonly group: string; readonly service: string })[]
  readonly attacks: readonly AttackWindow[]
  /** How long the condition of a rule holds before it fires, seconds, by its name. */
  readonly forSeconds: ReadonlyMap<string, number>
  /** Until when bad moments are known; null: none are. */
  readonly takenUntilMs: number | null
}

/** Incidents with all that is known of them, oldest first. */
export function foldSevs(facts: IncidentFacts): readonly Sev[] {
  const byOwner = Map.groupBy(openIncidents(facts.alerts), ownerOf)
  const sevs = [...byOwner].flatMap(([owner, incidents]) => {
    const own: IncidentFacts = {
      ...facts,
      alerts: facts.alerts.filter(alert => ownerOf(alert) === owner).sort(byFired),
      moments: facts.moments.filter(moment => ownerOf(moment) === owner),
    }
    return describeAll(incidents, own)
  })
  return sevs.sort((one, other) => startOf(one) - startOf(other) || (one.id < other.id ? -1 : 1))
}

/** The instant that decides to which week an incident belongs: users felt it before it was opened. */
export function startOf({ impact, openedMs }: Pick<Sev, 'impact' | 'openedMs'>): number {
  return impact?.fromMs ?? openedMs
}

/**
 * Incidents of all services, oldest first of each. At any time at most one is open of a service in a group: overlapping ones
 * and those that open again within `REOPEN_MS` are one, with the worst level of all its alerts.
 */
export function openIncidents(alerts: readonly ServiceAlert[]): readonly Incident[] {
  const byOwner = Map.groupBy(alerts.filter(isLevelled).sort(byFired), ownerOf)
  return [...byOwner.values()].flatMap(own => {
    const present = stretchesOf(own.filter(({ profile }) => profile !== LONG_PROFILE))
    const alone: Levelled[] = []
    for (const alert of own.filter(({ profile }) => profile === LONG_PROFILE)) {
      const home = present.find(
        ({ alerts: [first], endMs }) =>
          first !== undefined &&
          alert.firedMs >= first.firedMs - REOPEN_MS &&
          alert.firedMs <= endMs + REOPEN_MS,
      )
      if (home === undefined) alone.push(alert)
      else home.alerts.push(alert)
    }
    // What goes on once the next outage has opened belongs to that one.
    const long = stretchesOf(alone, alert => {
      const next = present.find(({ openedMs }) => openedMs > alert.firedMs)
      return Math.min(endOf(alert), next?.openedMs ?? Number.POSITIVE_INFINITY)
    })
    return [...present, ...long].sort((one, other) => one.openedMs - other.openedMs).map(incidentOf)
  })
}

type Levelled = ServiceAlert & { readonly sev: SevLevel }
type Stretch = { readonly alerts: Levelled[]; readonly openedMs: number; endMs: number }

function isLevelled(alert: ServiceAlert): alert is Levelled {
  return alert.sev !== null
}

function endOf({ endedMs }: ServiceAlert): number {
  return endedMs ?? Number.POSITIVE_INFINITY
}

/** @param alerts oldest first */
function stretchesOf(
  alerts: readonly Levelled[],
  until: (alert: ServiceAlert) => number = endOf,
): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (const alert of alerts) {
    const endMs = until(alert)
    const current = stretches.at(-1)
    if (current !== undefined && alert.firedMs - current.endMs <= REOPEN_MS) {
      current.alerts.push(alert)
      current.endMs = Math.max(current.endMs, endMs)
    } else stretches.push({ alerts: [alert], openedMs: alert.firedMs, endMs })
  }
  return stretches
}

function incidentOf({ alerts, openedMs, endMs }: Stretch): Incident {
  const [first] = alerts
  if (first === undefined) throw new RangeError('Cannot describe an incident of no alerts')
  return {
    group: first.group,
    service: first.service,
    level: Math.min(...alerts.map(({ sev }) => sev)) as SevLevel,
    openedMs,
    endedMs: Number.isFinite(endMs) ? endMs : null,
    alerts: [...alerts].sort(byFired),
  }
}

/** @param incidents of one service in one group, oldest first */
function describeAll(incidents: readonly Incident[], facts: IncidentFacts): readonly Sev[] {
  const impacts = impactsOf(facts.moments)
  let takenMs = Number.NEGATIVE_INFINITY
  return incidents.map(incident => {
    const free = impacts.filter(({ fromMs }) => fromMs >= takenMs)
    const own = impactsIn(incident, heavyOf(impactsIn(incident, free)))
    // An impact belongs to the first incident that it touches.
    takenMs = own.at(-1)?.toMs ?? takenMs
    return describe(incident, own, facts)
  })
}

/**
 * Stretches of impact that belong to an incident: all until its end, and those before it opened that lie as close to each
 * other, and to its opening, as two incidents that are one. A rule that fires later than that speaks of a budget.
 */
function impactsIn({ openedMs, endedMs }: Incident, impacts: readonly Impact[]): readonly Impact[] {
  const later = impacts.filter(
    ({ fromMs }) => fromMs > openedMs && fromMs <= (endedMs ?? Number.POSITIVE_INFINITY),
  )
  const earlier: Impact[] = []
  let untilMs = openedMs
  for (const impact of impacts.filter(({ fromMs }) => fromMs <= openedMs).reverse()) {
    if (untilMs - impact.toMs > REOPEN_MS) break
    earlier.unshift(impact)
    untilMs = impact.fromMs
  }
  return [...earlier, ...later]
}

function describe(incident: Incident, impacts: readonly Impact[], facts: IncidentFacts): Sev {
  const { group, service, level, openedMs, endedMs, alerts } = incident
  const impact = wholeImpact(impacts, facts.takenUntilMs)
  const near = alertsNear(incident, impact, facts.alerts)
  const detection = detectionOf(impact, near)
  const overMs = impact?.isOver ? impact.toMs : null
  const startMs = impact?.fromMs ?? openedMs
  // Within a step nobody knows whether the attack or the impact was first.
  const attack = attackOn(facts.attacks, incident, startMs, impact === null ? 0 : STEP_MS)
  return {
    id: `SEV${level}-${group}-${service}-${stamp(openedMs)}`,
    group,
    service,
    level,
    openedMs,
    endedMs,
    induced: attack !== null,
    runId: attack?.runId ?? null,
    alerts: [...new Set(alerts.map(({ name }) => name))],
    slos: [
      ...new Set([...alerts.flatMap(({ slo }) => slo ?? []), ...impacts.flatMap(({ slos }) => slos)]),
    ].sort(),
    impact,
    sharedCause: hasSharedCause(momentsOf(incident, impact, facts)),
    detection,
    recoverMs: overMs !== null && detection.outcome === 'detected' ? overMs - detection.atMs : null,
    restoreMs: overMs !== null && impact !== null ? overMs - impact.fromMs : null,
    chain: chainOf(incident, impact, detection, attack, { alerts: near, forSeconds: facts.forSeconds }),
  }
}

function wholeImpact(impacts: readonly Impact[], takenUntilMs: number | null): Sev['impact'] {
  const [first] = impacts
  const last = impacts.at(-1)
  if (first === undefined || last === undefined) return null
  const toMs = Math.max(...impacts.map(one => one.toMs))
  return {
    fromMs: first.fromMs,
    toMs,
    isOver: takenUntilMs !== null && takenUntilMs - last.lastMs >= IMPACT_GAP_MS,
  }
}

/** Bad moments of an incident, the control's share not taken off. */
function momentsOf(
  { openedMs, endedMs }: Incident,
  impact: Sev['impact'],
  { moments }: IncidentFacts,
): readonly BadMoment[] {
  const fromMs = impact?.fromMs ?? openedMs - REOPEN_MS
  const toMs = impact?.toMs ?? endedMs ?? Number.POSITIVE_INFINITY
  return moments.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
}

/** Those that were on at some time from the begin of the impact to its end, and to the opening of the incident. */
function alertsNear(
  { openedMs }: Incident,
  impact: Sev['impact'],
  alerts: readonly ServiceAlert[],
): readonly ServiceAlert[] {
  const fromMs = impact?.fromMs ?? openedMs
  const toMs =
    impact?.isOver === false ? Number.POSITIVE_INFINITY : Math.max(openedMs, impact?.toMs ?? openedMs)
  return alerts.filter(alert => alert.firedMs <= toMs && endOf(alert) >= fromMs)
}

/** @param alerts of the service in its group, oldest first */
function detectionOf(impact: Sev['impact'], alerts: readonly ServiceAlert[]): Detection {
  if (impact === null) return { outcome: 'no_impact' }
  const { fromMs, toMs, isOver } = impact
  const before = alerts.find(
    ({ firedMs, endedMs, profile }) =>
      // That the budget of a month is nearly spent says nothing of what begins now.
      profile !== LONG_PROFILE && firedMs < fromMs && (endedMs === null || endedMs > fromMs),
  )
  if (before !== undefined) return { outcome: 'pre_existing', alert: before.name }
  const first = alerts.find(({ firedMs }) => firedMs >= fromMs && (!isOver || firedMs <= toMs))
  if (first === undefined) return { outcome: 'missed' }
  return { outcome: 'detected', atMs: first.firedMs, afterMs: first.firedMs - fromMs, alert: first.name }
}

/** Instants from the attack to a person; where an alert found it out that one, else the one that opened the incident. */
function chainOf(
  { alerts, openedMs }: Incident,
  impact: Sev['impact'],
  detection: Detection,
  attack: AttackWindow | null,
  facts: Pick<IncidentFacts, 'alerts' | 'forSeconds'>,
): Sev['chain'] {
  const firing =
    detection.outcome === 'detected'
      ? { name: detection.alert, firedMs: detection.atMs }
      : { name: alerts[0]?.name ?? '', firedMs: openedMs }
  const forSeconds = facts.forSeconds.get(firing.name)
  const isFiring = ({ name, firedMs }: ServiceAlert) => name === firing.name && firedMs === firing.firedMs
  const told = [...alerts, ...facts.alerts.filter(isFiring)].flatMap(({ notifiedMs }) => notifiedMs ?? [])
  return {
    injectedMs: attack?.beginMs ?? null,
    // It began within the step after `fromMs`, and not before what caused it.
    impactMs: impact === null ? null : Math.max(impact.fromMs, attack?.beginMs ?? impact.fromMs),
    pendingMs: forSeconds === undefined ? null : firing.firedMs - forSeconds * 1000,
    firingMs: firing.firedMs,
    notifiedMs: told.length === 0 ? null : Math.min(...told),
  }
}

/** The latest attack in whose blast radius something began; null: none. */
function attackOn(
  attacks: readonly AttackWindow[],
  { group, service }: Pick<Incident, 'group' | 'service'>,
  startMs: number,
  toleranceMs: number,
): AttackWindow | null {
  const reaching = attacks.filter(
    attack =>
      attack.group === group &&
      isReached(attack.service, service) &&
      attack.beginMs - toleranceMs <= startMs &&
      startMs < (attack.untilMs ?? Number.POSITIVE_INFINITY),
  )
  return reaching.reduce<AttackWindow | null>(
    (latest, attack) => (latest === null || attack.beginMs > latest.beginMs ? attack : latest),
    null,
  )
}

function byFired(one: ServiceAlert, other: ServiceAlert): number {
  return one.firedMs - other.firedMs || (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)
}

function ownerOf({ group, service }: { readonly group: string; readonly service: string }): string {
  return `${group}/${service}`
}

/** `20261121T103144Z`. */
function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}
