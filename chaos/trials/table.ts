import { setTimeout as sleep } from 'node:timers/promises'
import type { Zone } from '../../platform/topology.ts'
import type { Snapshot } from '../audit.ts'
import type { FaultPlan } from '../faults/fault.ts'
import type { JournalEntry } from '../journal-entry.ts'
import { nameOf } from './batches.ts'
import { type Batch, Runner, remember, residueOf, spreadPods, type TrialFault, untilUndone } from './trial.ts'
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

/**
 * Seconds from the event to the undo; `n/a` where there is nothing to undo, `dark` where there is no agent alive that the
 * event could befall; null: not undone.
 */
export type Undone = number | 'n/a' | 'dark' | null

export type Row = {
  readonly name: string
  proven: { readonly proven: boolean; readonly detail: string } | null
  readonly undone: Partial<Record<EventName, Undone>>
  readonly residue: string[]
}

const DARK = 'n/a*'
/** Of a batch whose runner gave up before it could be killed. */
const MOST_REPEATS = 2
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
  const runner = await underWay(lab, batch, event, before, tell)
  const plans = await runner.begun()
  const moments = await befall(event, runner, plans)
  const ends = await meantEnds(runner)
  const undone = await untilUndone(lab, plans, UNDO_WITHIN_SECONDS)
  if (event === "agent's network cut") await mendNetwork(ALL_ZONES)
  const code = await runner.exited
  const residue = await residueOf(lab, before, SETTLE_WITHIN_SECONDS)
  await spreadPods(lab, before)
  const effects = await runner.effects()
  const told = endsTold(await runner.entries())
  for (const [index, plan] of plans) {
    const row = rowOf(rows, batch.faults[index])
    const effect = effects.get(index)
    if (effect !== undefined && row.proven?.proven !== true) row.proven = effect
    const atMs = firstOf(undone.get(index) ?? null, told.get(index))
    row.undone[event] =
      plan.end.length === 0 ? 'n/a' : secondsUntil(atMs, momentOf(plan, moments), ends.get(index))
    row.residue.push(...residue)
  }
  tell(`${batch.name}, ${event}: exit ${code}, residue ${residue.length === 0 ? 'none' : residue.join('; ')}`)
}

/** Nothing more can befall an agent that has no power. */
export function leaveDark(batch: Batch, event: EventName, rows: Map<string, Row>): void {
  for (const fault of batch.faults) rowOf(rows, fault).undone[event] = 'dark'
}

function rowOf(rows: Map<string, Row>, fault: TrialFault | undefined): Row {
  const name = fault === undefined ? 'unknown' : nameOf(fault)
  const row = rows.get(name) ?? { name, proven: null, undone: {}, residue: [] }
  rows.set(name, row)
  return row
}

/**
 * A runner whose faults are all on. One that the trial's own load starves gives its faults up by itself, as it should;
 * where it is to be killed, there is nobody left to kill, and it is begun again.
 *
 * @throws Error when they did not begin, were over before the event, or one that gave up left something behind
 */
async function underWay(
  lab: TrialLab,
  batch: Batch,
  event: EventName,
  before: Snapshot,
  tell: (message: string) => void,
): Promise<Runner> {
  for (let attempt = 1; ; attempt++) {
    const runner = await Runner.start(batch)
    const problem = await whyNotUnderWay(runner, batch, event)
    if (problem === null) return runner
    const failed = (why: string) =>
      new Error(`${batch.name}, ${event}: ${why}; see ${runner.folder}/runner.log`)
    if (event !== 'kill -9 of the runner' || attempt > MOST_REPEATS) throw failed(problem)
    await runner.exited
    const starved = starvation(await runner.entries())
    if (starved === null) throw failed(problem)
    const residue = await residueOf(lab, before, SETTLE_WITHIN_SECONDS)
    if (residue.length > 0) throw failed(`${starved}, and it left behind: ${residue.join('; ')}`)
    await spreadPods(lab, before)
    tell(`${batch.name}, ${event}: begun again, the runner gave up before it was killed: ${starved}`)
  }
}

/** @returns null once all faults are on, and the event may come */
async function whyNotUnderWay(runner: Runner, batch: Batch, event: EventName): Promise<string | null> {
  const isAllBegun = async () => (await runner.begun()).size === batch.faults.length
  if (!(await runner.until(isAllBegun, BEGIN_WITHIN_SECONDS))) {
    // What has begun must not go on beside the next trial.
    runner.child.kill('SIGINT')
    return 'not all faults began'
  }
  const isAllProven = async () => (await runner.effects()).size === batch.faults.length
  await runner.until(isAllProven, PROVE_WITHIN_SECONDS)
  const hasEnded = (await runner.entries()).some(({ entry }) => entry === 'fault-ended')
  return event !== 'end' && (!runner.isAlive || hasEnded) ? 'it was over before the event' : null
}

/**
 * Why a runner gave its faults up, where it was that an agent did not answer it for a lease and nothing was left behind;
 * null for every other end. Pure.
 */
export function starvation(entries: readonly JournalEntry[]): string | null {
  const failed = entries.findLast(entry => entry.entry === 'failed')
  const found = /^The agent on \S+ has not answered for \d+ s/.exec(failed?.reason ?? '')
  const audit = entries.findLast(entry => entry.entry === 'audit')
  return found !== null && audit?.residue.length === 0 ? found[0] : null
}

/** When the runner wrote that it had undone a fault, by its number. */
function endsTold(entries: readonly JournalEntry[]): ReadonlyMap<number, number> {
  return new Map(entries.flatMap(entry => (entry.entry === 'fault-ended' ? [[entry.fault, entry.atMs]] : [])))
}

/** Looking takes long while agents cannot be asked: what was seen undone was so since the runner told it. Pure. */
export function firstOf(seenMs: number | null, toldMs: number | undefined): number | null {
  return seenMs === null || toldMs === undefined ? seenMs : Math.min(seenMs, toldMs)
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
  const isDark = rows.some(row => events.some(name => row.undone[name] === 'dark'))
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(row =>
      line([
        `\`${row.name}\``,
        row.proven?.proven === true
          ? row.proven.detail.replaceAll('|', '/')
          : `NO: ${row.proven?.detail ?? '-'}`,
        ...events.map(name => cell(row.undone[name])),
        row.residue.length === 0 ? 'none' : [...new Set(row.residue)].join('; '),
      ]),
    ),
    ...(isDark ? ['', `\\* The node has no power: no agent is alive there.`] : []),
  ].join('\n')
}

function cell(undone: Undone | undefined): string {
  if (undone === undefined) return '-'
  if (undone === null) return 'NOT UNDONE'
  if (undone === 'dark') return DARK
  return undone === 'n/a' ? 'nothing to undo' : undone.toFixed(1)
}
