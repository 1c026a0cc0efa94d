import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, seededRandom } from '../../platform/random.ts'
import { ZONES, type Zone } from '../../platform/topology.ts'
import { type Batch, Runner, remember, residueOf, spreadPods, type TrialFault, untilUndone } from './trial.ts'
import { killAgents, type TrialLab } from './trial-lab.ts'

/** Who is killed with -9, and when: milliseconds after the round's zero. */
export type Kill = { readonly victim: 'runner' | Zone; readonly afterMs: number }

/** Faults, and who dies under them. */
export type Round = {
  readonly batch: Batch
  readonly kills: readonly Kill[]
  /** Zero is the start of the attack, or the start of the runner: it may die before it has begun anything. */
  readonly from: 'attack' | 'start'
}

export type RoundResult = {
  readonly kinds: readonly string[]
  readonly kills: readonly string[]
  /** From the last kill to the last undo, seconds; null when nothing had begun. */
  readonly undoneSeconds: number | null
  readonly residue: readonly string[]
}

const MOST_FAULTS = 4
const MOST_KILLS = 6
const KILL_WITHIN_MS = 9_000
/** Share of the rounds whose runner may die before the attack. */
const FROM_START_SHARE = 0.2
const DURATION_SECONDS = 40
const BEGIN_WITHIN_SECONDS = 60
const UNDO_WITHIN_SECONDS = 60
const SETTLE_WITHIN_SECONDS = 120

const SERVICES = ['gateway', 'recommender'] as const

/** What can be done to one pod of a service, side by side with others elsewhere. */
const ON_PODS: readonly ((select: object) => TrialFault)[] = [
  select => ({ kind: 'cpu', select }),
  select => ({ kind: 'memory', select, percentOfLimit: 60 }),
  select => ({ kind: 'latency', select, delayMs: 80, jitterMs: 10 }),
  select => ({ kind: 'loss', select, lossPercent: 30 }),
  select => ({ kind: 'bandwidth', select, kbitPerSecond: 256 }),
  select => ({ kind: 'blackhole', select }),
  select => ({ kind: 'dns', select, mode: 'fail' }),
  select => ({ kind: 'pause', select }),
  select => ({ kind: 'clock-skew', select, skewMs: -600_000 }),
]

/** What there can be once at a time. */
const ONCE: readonly TrialFault[] = [
  { kind: 'slow-database', select: { group: 'experiment' }, mode: 'slow-queries', sessions: 2 },
  { kind: 'connection-exhaustion', select: { group: 'experiment' }, sessions: 10 },
  { kind: 'drain', select: { group: 'experiment', zone: 'c' } },
  { kind: 'scale-down', select: { group: 'experiment', services: ['recommender'] }, replicas: 2 },
  { kind: 'oversubscribe', select: { group: 'experiment' }, requestedPercent: 300 },
]

/** Rounds with as many kills together as were asked for. Pure: the same seed gives the same rounds. */
export function roundsOf(kills: number, seed: number): readonly Round[] {
  const random = seededRandom(seed)
  const rounds: Round[] = []
  for (let left = kills; left > 0; ) {
    const round = roundOf(random, left)
    rounds.push(round)
    left -= round.kills.length
  }
  return rounds
}

function roundOf(random: Random, most: number): Round {
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1))
  const places = SERVICES.flatMap(service => ZONES.map(zone => ({ service, zone })))
  const once = random() < 0.4 ? [ONCE[between(0, ONCE.length - 1)] as TrialFault] : []
  const count = between(1, MOST_FAULTS - once.length)
  const onPods = Array.from({ length: count }, () => {
    const [place] = places.splice(between(0, places.length - 1), 1)
    const make = ON_PODS[between(0, ON_PODS.length - 1)] as (typeof ON_PODS)[number]
    return make({ group: 'experiment', services: [place?.service], zone: place?.zone })
  })
  const faults = [...onPods, ...once].map(fault => ({
    ...fault,
    durationSeconds: DURATION_SECONDS,
    offsetSeconds: between(0, 20) / 10,
  }))
  // Zone c is emptied: nothing else may be on there.
  const isDrained = faults.some(({ kind }) => kind === 'drain')
  const scaled = faults.some(({ kind }) => kind === 'scale-down')
  const apart = faults.filter(fault => {
    const select = (fault as { select?: { zone?: string; services?: readonly string[] } }).select
    const isOnce = once.some(({ kind }) => kind === fault.kind)
    if (isOnce) return true
    if (isDrained && select?.zone === 'c') return false
    return !(scaled && select?.services?.includes('recommender'))
  })
  const victims = Array.from({ length: Math.min(most, between(2, MOST_KILLS)) }, (_, index) =>
    // The runner dies once in most rounds.
    index === 0 && random() < 0.8 ? ('runner' as const) : (ZONES[between(0, ZONES.length - 1)] ?? 'a'),
  )
  const kills = victims
    .map(victim => ({ victim, afterMs: between(0, KILL_WITHIN_MS) }))
    .sort((one, other) => one.afterMs - other.afterMs)
  const from = random() < FROM_START_SHARE ? 'start' : 'attack'
  return { batch: { name: 'soak', faults: apart }, kills, from }
}

/** Lets a round happen. @throws Error when the runner did not get to its attack */
export async function play(lab: TrialLab, round: Round): Promise<RoundResult> {
  const before = await remember(lab)
  const runner = await Runner.start(round.batch)
  const inAttack = async () =>
    (await runner.entries()).some(entry => entry.entry === 'phase' && entry.phase === 'attack')
  if (round.from === 'attack' && !(await runner.until(inAttack, BEGIN_WITHIN_SECONDS))) {
    throw new Error(`Cannot play the round: the attack did not begin; see ${runner.folder}/runner.log`)
  }
  const zeroMs = Date.now()
  for (const { victim, afterMs } of round.kills) {
    await sleep(Math.max(0, zeroMs + afterMs - Date.now()))
    if (victim === 'runner') runner.child.kill('SIGKILL')
    else await killAgents([victim])
  }
  const lastKillMs = Date.now()
  await runner.exited
  const plans = await runner.begun()
  const undone = await untilUndone(lab, plans, UNDO_WITHIN_SECONDS)
  const residue = await residueOf(lab, before, SETTLE_WITHIN_SECONDS)
  await spreadPods(lab, before)
  const late = [...undone].filter(([, atMs]) => atMs === null).map(([index]) => plans.get(index)?.kind)
  const lastMs = Math.max(0, ...[...undone.values()].map(atMs => atMs ?? 0))
  return {
    kinds: round.batch.faults.map(({ kind }) => kind),
    kills: round.kills.map(({ victim }) => (victim === 'runner' ? 'runner' : `agent ${victim}`)),
    undoneSeconds: plans.size === 0 ? null : Math.max(0, (lastMs - lastKillMs) / 1000),
    residue: [...residue, ...late.map(kind => `${kind} was not undone within ${UNDO_WITHIN_SECONDS} s`)],
  }
}
