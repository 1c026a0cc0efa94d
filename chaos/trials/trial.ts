import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { ZONES } from '../../platform/topology.ts'
import { type Snapshot, takeSnapshot } from '../audit.ts'
import type { BlastRadius } from '../faults/blast-radius.ts'
import type { Action, FaultPlan } from '../faults/fault.ts'
import { deletePod } from '../faults/pods.ts'
import { placedPods } from '../faults/select.ts'
import { untilAsBefore } from '../way-out.ts'
import { CliProcess, spawnCli } from './cli-process.ts'
import type { TrialLab } from './trial-lab.ts'

/** A fault as it stands in a file, checked by the runner that reads it. */
export type TrialFault = {
  readonly kind: string
  readonly mode?: string
  readonly oomKill?: boolean
  readonly [parameter: string]: unknown
}

/** Faults that go on side by side; each hits something else. */
export type Batch = {
  readonly name: string
  readonly faults: readonly TrialFault[]
  /** The agent where it hits is without power as well: nothing more can befall it. */
  readonly isDark?: boolean
}

/** Everything of a group may be hit in a trial: what is on trial is the undo. */
const BLAST_RADIUS: BlastRadius = { maxTargets: 100, keepHealthy: 0 }

const LOOK_EVERY_MS = 400

const FILES = { folderPrefix: 'trial-', input: 'faults.yaml', log: 'runner.log' }

/** A runner in a process of its own, that can be killed. */
export class Runner extends CliProcess {
  /** Starts `divergence inject` with these faults. */
  static async start({ faults }: Batch): Promise<Runner> {
    const text = stringify({ faults, blastRadius: BLAST_RADIUS })
    return new Runner(await spawnCli('inject', text, FILES))
  }

  /** Plans of what has begun, by the fault's number. */
  async begun(): Promise<ReadonlyMap<number, FaultPlan>> {
    const entries = await this.entries()
    return new Map(
      entries.flatMap(entry =>
        entry.entry === 'fault-begun' ? [[entry.fault, entry.plan as FaultPlan]] : [],
      ),
    )
  }

  /** Effects that have been told, by the fault's number. */
  async effects(): Promise<ReadonlyMap<number, { readonly proven: boolean; readonly detail: string }>> {
    const entries = await this.entries()
    return new Map(entries.flatMap(entry => (entry.entry === 'fault-effect' ? [[entry.fault, entry]] : [])))
  }

  /** Waits for a condition while the runner lives. @returns false when the time is over or it ended first */
  async until(condition: () => Promise<boolean>, withinSeconds: number): Promise<boolean> {
    const untilMs = Date.now() + withinSeconds * 1000
    while (Date.now() < untilMs) {
      if (await condition()) return true
      if (!this.isAlive) return await condition()
      await sleep(LOOK_EVERY_MS)
    }
    return false
  }
}

/**
 * Waits until everything that a plan's end stands for is so, and measures when it was.
 *
 * @returns Unix milliseconds, by the fault's number; null where it was not so in time
 */
export async function untilUndone(
  lab: TrialLab,
  plans: ReadonlyMap<number, FaultPlan>,
  withinSeconds: number,
): Promise<ReadonlyMap<number, number | null>> {
  const untilMs = Date.now() + withinSeconds * 1000
  const done = new Map<number, number | null>([...plans.keys()].map(index => [index, null]))
  for (;;) {
    const open = [...plans].filter(([index]) => done.get(index) === null)
    if (open.length === 0 || Date.now() >= untilMs) return done
    const sight = await see(lab)
    for (const [index, { end }] of open) {
      const times = end.map(action => undoneAt(action, sight))
      if (times.every(time => time !== null)) done.set(index, Math.max(...times, 0))
    }
    await sleep(LOOK_EVERY_MS)
  }
}

type Sight = Awaited<ReturnType<typeof see>>

async function see({ lab, cluster, agents }: TrialLab) {
  const [view, dark, ready] = await Promise.all([
    lab.view().catch(() => null),
    cluster.poweredOff(),
    agents.list().catch(() => []),
  ])
  const answers = await Promise.all(
    ready.map(({ node }) => agents.ask(node, { op: 'status' }).catch(() => [])),
  )
  return { nowMs: Date.now(), view, dark, statuses: answers.flat() }
}

/** When an end was so at the latest, or null when it is not so, or nobody can tell. */
function undoneAt(action: Action, { nowMs, view, dark, statuses }: Sight): number | null {
  switch (action.action) {
    case 'agent-end': {
      const status = statuses.find(({ id }) => id === action.id)
      return status?.state === 'ended' ? (status.endedAtMs ?? nowMs) : null
    }
    case 'power-on':
      return action.nodes.some(node => dark.includes(node)) ? null : nowMs
    case 'api-undo': {
      if (view === null) return null
      const { undo } = action
      if (undo.undo === 'uncordon') {
        return view.nodes.some(node => node.name === undo.node && node.cordoned) ? null : nowMs
      }
      if (undo.undo === 'scale') {
        const workload = view.workloads.find(
          ({ namespace, name }) => namespace === 'experiment' && name === undo.name,
        )
        return workload?.replicas === undo.replicas ? nowMs : null
      }
      if (undo.undo === 'delete-deployment') {
        const isThere = view.workloads.some(
          ({ namespace, name }) => namespace === 'experiment' && name === undo.name,
        )
        return isThere ? null : nowMs
      }
      return view.loadJobs.includes(undo.job) ? null : nowMs
    }
    default:
      return nowMs
  }
}

/** The lab as it has to be again. */
export async function remember(lab: TrialLab): Promise<Snapshot> {
  return await takeSnapshot(lab, 'all')
}

/** Waits until the lab is as it was. @returns what is not */
export async function residueOf(lab: TrialLab, before: Snapshot, withinSeconds: number) {
  return await untilAsBefore(lab, before, withinSeconds)
}

/** Services whose pods may be anywhere after they were moved. */
const SPREAD = ['gateway', 'recommender'] as const
const SPREAD_TRIES = 5

/**
 * Brings pods back to zones that a fault emptied: nothing in Kubernetes does, and the next faults want to find them.
 * A pod of a zone with several is deleted until each zone has one.
 */
export async function spreadPods(lab: TrialLab, before: Snapshot): Promise<void> {
  for (let attempt = 0; attempt < SPREAD_TRIES; attempt++) {
    const view = await lab.lab.view()
    const crowded = SPREAD.flatMap(service => {
      const pods = placedPods(service, view)
      const zones = ZONES.filter(zone => !pods.some(pod => pod.node.zone === zone))
      const double = pods.find(pod =>
        pods.some(other => other.uid !== pod.uid && other.node.zone === pod.node.zone),
      )
      return zones.length > 0 && double !== undefined ? [double] : []
    })
    if (crowded.length === 0) return
    const actions = crowded.map(deletePod)
    await lab.executor.perform({ runId: 'trial', actions, atMostSeconds: 60 }, new AbortController().signal)
    await residueOf(lab, before, 60)
  }
}
