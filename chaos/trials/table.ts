import { setTimeout as sleep } from 'node:timers/promises'
import type { Zone } from '../../platform/topology.ts'
import type { FaultPlan } from '../faults/fault.ts'
import { type Batch, Runner, remember, residueOf, spreadPods, untilUndone } from './trial.ts'
import { ALL_ZONES, cutNetwork, killAgents, type Moments, mendNetwork, type TrialLab } from './trial-lab.ts'

/** What befalls a fault that is on. */
export const EVENTS = [
  'end',
  'Ctrl-C',
  'kill -9 of the runner',
  'kill -9 of the agent',
  "agent's network cut",
] as const
export type EventName = (typeof EVENTS)[number]

/** Seconds from the event to the undo; `n/a` where the event cannot befall the fault; null: not undone. */
export type Undone = number | 'n/a' | null

export type Row = {
  readonly kind: string
  proven: { readonly proven: boolean; readonly detail: string } | null
  readonly undone: Partial<Record<EventName, Undone>>
  readonly residue: string[]
}

const BEGIN_WITHIN_SECONDS = 90
const PROVE_WITHIN_SECONDS = 25
const UNDO_WITHIN_SECONDS = 60
/** Of a fault that nothing befalls: its length and what is slow around it. */
const END_WITHIN_SECONDS = 120
const SETTLE_WITHIN_SECONDS = 150
/** Longer than a lease, and over before Kubernetes gives the node up. */
const CUT_SECONDS = 14

/** Lets one event befall a batch of faults, and writes down what became of each. */
export async function trial(
  lab: TrialLab,
  batch: Batch,
  event: EventName,
  rows: Map<string, Row>,
  tell: (message: string) => void,
): Promise<void> {
  const before = await remember(lab)
  const runner = await Runner.start(batch)
  const failed = (why: string) =>
    new Error(`${batch.name}, ${event}: ${why}; see ${runner.folder}/runner.log`)
  const isAllBegun = async () => (await runner.begun()).size === batch.faults.length
  if (!(await runner.until(isAllBegun, BEGIN_WITHIN_SECONDS))) throw failed('not all faults began')
  const isAllProven = async () => (await runner.effects()).size === batch.faults.length
  await runner.until(isAllProven, PROVE_WITHIN_SECONDS)
  const plans = await runner.begun()
  const hasEnded = (await runner.entries()).some(({ entry }) => entry === 'fault-ended')
  if (event !== 'end' && (!runner.isAlive || hasEnded)) throw failed('it was over before the event')
  const moments = await befall(event, runner, plans)
  const ends = await meantEnds(runner)
  const undone = await untilUndone(lab, plans, UNDO_WITHIN_SECONDS)
  if (event === "agent's network cut") await mendNetwork(ALL_ZONES)
  const code = await runner.exited
  const residue = await residueOf(lab, before, SETTLE_WITHIN_SECONDS)
  await spreadPods(lab, before)
  const effects = await runner.effects()
  for (const [index, plan] of plans) {
    const row = rows.get(plan.kind) ?? { kind: plan.kind, proven: null, undone: {}, residue: [] }
    rows.set(plan.kind, row)
    const effect = effects.get(index)
    if (effect !== undefined && row.proven?.proven !== true) row.proven = effect
    const atMs = undone.get(index) ?? null
    row.undone[event] =
      plan.end.length === 0 ? 'n/a' : secondsUntil(atMs, momentOf(plan, moments), ends.get(index))
    row.residue.push(...residue)
  }
  tell(`${batch.name}, ${event}: exit ${code}, residue ${residue.length === 0 ? 'none' : residue.join('; ')}`)
}

/** What the event does not touch goes on and ends at its own time: then that is what counts. */
export function secondsUntil(atMs: number | null, eventMs: number, meantEndMs = eventMs): number | null {
  if (atMs === null) return null
  const isInTime = atMs >= meantEndMs - 500
  return Math.max(0, (atMs - (isInTime ? meantEndMs : eventMs)) / 1000)
}

/** When an event befell a fault: the first of its nodes counts, or of all nodes where it has none of its own. */
export function momentOf({ end }: Pick<FaultPlan, 'end'>, moments: Moments | number): number {
  if (typeof moments === 'number') return moments
  const own = end.flatMap(action => ('node' in action ? (moments.get(action.node) ?? []) : []))
  return Math.min(...(own.length > 0 ? own : moments.values()))
}

/** @returns the instant of the event, Unix milliseconds; by node where it befalls nodes */
async function befall(
  event: EventName,
  runner: Runner,
  plans: ReadonlyMap<number, FaultPlan>,
): Promise<Moments | number> {
  const zones = zonesWithAgents(plans)
  switch (event) {
    case 'end':
      return await endOf(runner, plans)
    case 'Ctrl-C': {
      const atMs = Date.now()
      runner.child.kill('SIGINT')
      return atMs
    }
    case 'kill -9 of the runner': {
      const atMs = Date.now()
      runner.child.kill('SIGKILL')
      return atMs
    }
    case 'kill -9 of the agent':
      return await killAgents(zones)
    case "agent's network cut": {
      const moments = await cutNetwork(ALL_ZONES)
      await sleep(CUT_SECONDS * 1000)
      await mendNetwork(ALL_ZONES)
      return moments
    }
  }
}

/** Waits until every fault has ended by itself. */
async function endOf(runner: Runner, plans: ReadonlyMap<number, FaultPlan>): Promise<number> {
  const withEnd = [...plans].filter(([, plan]) => plan.end.length > 0).map(([index]) => index)
  await runner.until(async () => {
    const ended = (await runner.entries()).filter(entry => entry.entry === 'fault-ended')
    return withEnd.every(index => ended.some(({ fault }) => fault === index))
  }, END_WITHIN_SECONDS)
  return Date.now()
}

/** When each fault was meant to end, by its number. */
async function meantEnds(runner: Runner): Promise<ReadonlyMap<number, number>> {
  const entries = await runner.entries()
  const opened = entries.find(entry => entry.entry === 'opened')?.experiment as {
    readonly faults: readonly { readonly durationSeconds?: number }[]
  }
  return new Map(
    entries.flatMap(entry =>
      entry.entry === 'fault-begun'
        ? [[entry.fault, entry.atMs + (opened.faults[entry.fault]?.durationSeconds ?? 0) * 1000]]
        : [],
    ),
  )
}

function zonesWithAgents(plans: ReadonlyMap<number, FaultPlan>): readonly Zone[] {
  const dark = new Set(
    [...plans.values()].flatMap(({ begin }) =>
      begin.flatMap(action => (action.action === 'power-off' ? [action.zone] : [])),
    ),
  )
  return ALL_ZONES.filter(zone => !dark.has(zone))
}

/** The table as Markdown. */
export function tableText(rows: readonly Row[], events: readonly EventName[]): string {
  const head = ['fault', 'effect proven', ...events.map(name => `undone: ${name} (s)`), 'residue']
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(row =>
      line([
        `\`${row.kind}\``,
        row.proven?.proven === true
          ? row.proven.detail.replaceAll('|', '/')
          : `NO: ${row.proven?.detail ?? '-'}`,
        ...events.map(name => cell(row.undone[name])),
        row.residue.length === 0 ? 'none' : [...new Set(row.residue)].join('; '),
      ]),
    ),
  ].join('\n')
}

function cell(undone: Undone | undefined): string {
  if (undone === undefined) return '-'
  if (undone === null) return 'NOT UNDONE'
  return undone === 'n/a' ? 'nothing to undo' : undone.toFixed(1)
}
