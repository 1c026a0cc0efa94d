import { GROUP_SERVICES } from '../../platform/topology.ts'
import type { AbortState, AttackState, RunDetail, RunState, TimelineEntry } from './contract.ts'
import type { KeptEntry, Understood } from './run-entry.ts'

/** When the runner is gone its leases run out, and the agents undo within this time, milliseconds. */
const UNDONE_WITHIN_MS = 10_000

/** Where a run stands that has begun and announced no phase. */
const BEFORE_PHASES = 'preflight'

export type MirroredRun = {
  readonly runId: string
  readonly openedMs: number
  /** oncall's clock. */
  readonly heardMs: number
  readonly abort: AbortState | null
  readonly hasReport: boolean
  /** Its runner said that there will be no more entries. */
  readonly isClosed: boolean
  /** In the order of their numbers; some may not have come (yet). */
  readonly entries: readonly KeptEntry[]
}

/**
 * What a run's entries say of it. Pure.
 *
 * @param nowMs oncall's clock
 * @param abandonedMs a run that has not ended and was not heard of for longer is abandoned, milliseconds
 */
export function foldRun(run: MirroredRun, nowMs: number, abandonedMs: number): RunDetail {
  const { runId, openedMs, heardMs, abort, hasReport, isClosed, entries } = run
  const opened = entries.find(({ says }) => says?.entry === 'opened')?.says
  const end =
    endOf(entries) ?? (isClosed ? { state: 'ended' as const, atMs: entries.at(-1)?.atMs ?? heardMs } : null)
  const isSilent = end === null && nowMs - heardMs > abandonedMs
  const state: RunState = end?.state ?? (isSilent ? 'abandoned' : 'running')
  const verdict = entries.findLast(({ says }) => says?.entry === 'verdict')?.says
  const phase = entries.findLast(({ says }) => says?.entry === 'phase')?.says
  const overMs = end?.atMs ?? (isSilent ? heardMs + UNDONE_WITHIN_MS : null)
  return {
    runId,
    name: (opened?.entry === 'opened' ? opened.experiment.name : undefined) ?? nameIn(runId),
    level: opened?.entry === 'opened' ? opened.experiment.level : '',
    hypothesis: opened?.entry === 'opened' ? opened.experiment.hypothesis : '',
    state,
    openedMs,
    endedMs: overMs,
    heardMs,
    phase: phase?.entry === 'phase' ? phase.phase : BEFORE_PHASES,
    verdict: verdict?.entry === 'verdict' ? verdict.verdict.verdict : null,
    aborted: entries.some(({ says }) => says?.entry === 'aborted'),
    abort,
    hasReport,
    reasons: verdict?.entry === 'verdict' ? verdict.verdict.reasons : [],
    attacks: attacksOf(runId, entries, overMs),
    timeline: entries.flatMap(timelineOf),
  }
}

/** Whether the journal has come to its end. */
export function isOver(entries: readonly KeptEntry[]): boolean {
  return endOf(entries) !== null
}

function endOf(entries: readonly KeptEntry[]): { readonly state: RunState; readonly atMs: number } | null {
  const last = entries.findLast(({ says }) => says !== null && says.entry in END_STATES)
  if (last?.says == null) return null
  return { state: END_STATES[last.says.entry as keyof typeof END_STATES], atMs: last.atMs }
}

const END_STATES = { verdict: 'judged', interrupted: 'interrupted', failed: 'failed' } as const

/** @param overMs when nothing of the run can be on any more; null: it goes on */
function attacksOf(
  runId: string,
  entries: readonly KeptEntry[],
  overMs: number | null,
): readonly AttackState[] {
  const attacks = new Map<number, AttackState & { readonly endsByItself: boolean }>()
  for (const { atMs, says } of entries) {
    if (says?.entry === 'fault-begun') {
      const { kind, targets, zone, end } = says.plan
      attacks.set(says.fault, {
        ...{ runId, fault: says.fault, kind, targets, zone },
        // There is no way to attack another one.
        group: 'experiment',
        service: serviceOf(targets),
        beginMs: atMs,
        endMs: null,
        effect: null,
        endsByItself: end.length === 0,
      })
    }
    const attack = says !== null && 'fault' in says ? attacks.get(says.fault) : undefined
    if (attack === undefined) continue
    if (says?.entry === 'fault-effect') {
      const effect = { proven: says.proven, detail: says.detail }
      // What has no end of its own has done its work once the effect shows.
      attacks.set(attack.fault, { ...attack, effect, endMs: attack.endsByItself ? atMs : attack.endMs })
    }
    if (says?.entry === 'fault-ended') attacks.set(attack.fault, { ...attack, endMs: atMs })
  }
  return [...attacks.values()].map(({ endsByItself: _, ...attack }) => ({
    ...attack,
    endMs: attack.endMs ?? overMs,
  }))
}

/** The one service that all targets belong to: pods are called after theirs. null: nodes, or several services. */
export function serviceOf(targets: readonly string[]): string | null {
  const services = targets.map(
    target =>
      [...GROUP_SERVICES, 'ingest'].find(service => target === service || target.startsWith(`${service}-`)) ??
      null,
  )
  const [first = null] = services
  return services.every(service => service === first) ? first : null
}

/** `20261121T114942Z-inject` -> `inject`. */
function nameIn(runId: string): string {
  return runId.replace(/^\d{8}T\d{6}Z-/, '')
}

type Line = Pick<TimelineEntry, 'source' | 'text'> & Partial<TimelineEntry>

function timelineOf({ seq, atMs, says }: KeptEntry): readonly TimelineEntry[] {
  const line = says === null ? null : lineOf(says)
  if (line === null) return []
  return [{ seq, atMs, tone: 'plain', group: null, zone: null, service: null, ...line }]
}

function lineOf(says: Understood): Line | null {
  switch (says.entry) {
    case 'opened':
      return { source: 'run', text: `${says.experiment.name ?? 'attack'} opened` }
    case 'healed':
      return { source: 'run', tone: 'bad', text: `healed what was left over: ${says.leftovers.join('; ')}` }
    case 'preflight': {
      const failed = says.checks.filter(({ ok }) => !ok)
      if (failed.length === 0)
        return { source: 'run', text: `preflight: all ${says.checks.length} checks hold` }
      const what = failed.map(({ check, detail }) => `${check} (${detail})`).join('; ')
      return { source: 'run', tone: 'bad', text: `preflight: ${what}` }
    }
    case 'planned':
      return {
        source: 'run',
        text: `planned: ${says.faults.map(({ kind, targets }) => `${kind} of ${targets.join(', ')}`).join('; ')}`,
      }
    case 'phase':
      return { source: 'phase', text: says.phase }
    case 'fault-begun':
      return {
        source: 'fault',
        tone: 'bad',
        group: 'experiment',
        zone: says.plan.zone,
        service: serviceOf(says.plan.targets),
        text: `${says.plan.kind} of ${says.plan.targets.join(', ')} begun`,
      }
    case 'fault-effect':
      return {
        source: 'fault',
        tone: says.proven ? 'plain' : 'bad',
        group: 'experiment',
        text: `effect ${says.proven ? 'proven' : 'not proven'}: ${says.detail}`,
      }
    case 'fault-ended':
      return { source: 'fault', tone: 'good', group: 'experiment', text: `fault ${says.fault + 1} ended` }
    case 'aborted':
      return { source: 'run', tone: 'bad', text: `called off: ${says.reason}` }
    case 'undo-failed':
      return { source: 'fault', tone: 'bad', group: 'experiment', text: says.reason }
    case 'event': {
      const { source, text, group = null, zone = null, service = null, atMs } = says.event
      return { source, text, group, zone, service, atMs }
    }
    case 'collected':
      return {
        source: 'load',
        tone: says.load.droppedIterations > 0 ? 'bad' : 'plain',
        text: `${says.samples} samples, ${says.load.droppedIterations} requests dropped`,
      }
    case 'audit':
      return says.residue.length === 0
        ? { source: 'audit', tone: 'good', text: 'nothing left behind' }
        : { source: 'audit', tone: 'bad', text: `left behind: ${says.residue.join('; ')}` }
    case 'verdict': {
      const { verdict } = says.verdict
      return { source: 'verdict', tone: verdict === 'resilient' ? 'good' : 'bad', text: verdict }
    }
    case 'interrupted':
      return { source: 'run', tone: 'bad', text: `interrupted: ${says.reason}` }
    case 'failed':
      return { source: 'run', tone: 'bad', text: `failed: ${says.reason}` }
  }
}
