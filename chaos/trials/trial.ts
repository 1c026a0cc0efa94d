import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { type Snapshot, takeSnapshot } from '../audit.ts'
import type { BlastRadius } from '../faults/blast-radius.ts'
import type { Action, FaultPlan } from '../faults/fault.ts'
import { readJournal } from '../journal.ts'
import type { JournalEntry } from '../journal-entry.ts'
import { untilAsBefore } from '../way-out.ts'
import { CLI, type TrialLab } from './trial-lab.ts'

/** Faults that go on side by side; each hits something else. */
export type Batch = {
  readonly name: string
  readonly faults: readonly object[]
}

/** Everything of a group may be hit in a trial: what is on trial is the undo. */
const BLAST_RADIUS: BlastRadius = { maxTargets: 100, keepHealthy: 0 }

const LOOK_EVERY_MS = 400

/** A runner in a process of its own, that can be killed. */
export class Runner {
  readonly process: ChildProcess
  readonly folder: string
  readonly #exited: Promise<number | null>

  private constructor(process: ChildProcess, folder: string) {
    this.process = process
    this.folder = folder
    this.#exited = once(process, 'exit').then(([code]) => code as number | null)
  }

  /** Starts `divergence inject` with these faults. */
  static async start({ faults }: Batch): Promise<Runner> {
    const folder = await mkdtemp(join(tmpdir(), 'trial-'))
    const file = join(folder, 'faults.yaml')
    await writeFile(file, stringify({ faults, blastRadius: BLAST_RADIUS }))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, 'inject', file], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(join(folder, 'runner.log'))
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    return new Runner(child, folder)
  }

  get exited(): Promise<number | null> {
    return this.#exited
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** What it has written down so far; the last line may be half-way. */
  async entries(): Promise<readonly JournalEntry[]> {
    const runs = await readdir(join(this.folder, 'runs')).catch(() => [])
    if (runs[0] === undefined) return []
    return await readJournal(join(this.folder, 'runs', runs[0])).catch(() => [])
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
  const nowMs = Date.now()
  const [view, dark, ready] = await Promise.all([
    lab.view().catch(() => null),
    cluster.poweredOff(),
    agents.list().catch(() => []),
  ])
  const answers = await Promise.all(
    ready.map(({ node }) => agents.ask(node, { op: 'status' }).catch(() => [])),
  )
  return { nowMs, view, dark, statuses: answers.flat() }
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
