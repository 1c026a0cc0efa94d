import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../platform/cluster/cluster.ts'
import { GROUP_SERVICES, GROUPS, nodeName, ZONES } from '../platform/topology.ts'
import type { Executor } from './faults/executor.ts'
import type { Action } from './faults/fault.ts'
import type { LabReader, RunLock } from './lab/roles.ts'
import { type LabView, type NodeView, primaryZone } from './lab/view.ts'
import { UNDO_FILE, type UndoRecipe, writeUndoFile } from './undo-file.ts'

/** The lab as it was before a run touched it: what it has to be like again afterwards. */
export type Snapshot = {
  readonly poweredOff: readonly string[]
  readonly nodes: readonly NodeView[]
  /** Ready pods of the long-running services, by `group/service`. */
  readonly readyPods: Readonly<Record<string, number>>
  readonly disruptionBudgets: readonly string[]
  /** Groups with a Postgres primary. */
  readonly primaries: readonly string[]
  readonly loadJobs: readonly string[]
}

/** Reduces the lab to what must not be different after a run. Pure. */
export function snapshotOf(view: LabView, poweredOff: readonly string[]): Snapshot {
  const readyPods: Record<string, number> = {}
  for (const pod of view.pods) {
    // A batch that happens to run ends by itself; only what runs for good has to be there again.
    if (!GROUP_SERVICES.some(service => service === pod.service)) continue
    if (!pod.ready || pod.terminating || pod.finished) continue
    const key = `${pod.group}/${pod.service}`
    readyPods[key] = (readyPods[key] ?? 0) + 1
  }
  return {
    poweredOff: [...poweredOff].sort(),
    nodes: [...view.nodes].sort((one, other) => one.name.localeCompare(other.name)),
    readyPods,
    disruptionBudgets: [...view.disruptionBudgets].sort(),
    primaries: GROUPS.filter(group => primaryZone(group, view) !== null),
    loadJobs: view.loadJobs,
  }
}

export async function takeSnapshot(
  lab: Pick<LabReader, 'view'>,
  cluster: Pick<Cluster, 'poweredOff'>,
): Promise<Snapshot> {
  const [view, poweredOff] = await Promise.all([lab.view(), cluster.poweredOff()])
  return snapshotOf(view, poweredOff)
}

/** What a run left behind, one sentence each; empty when the lab is as it was. Pure. */
export function residue(before: Snapshot, after: Snapshot): string[] {
  return [
    ...after.poweredOff
      .filter(name => !before.poweredOff.includes(name))
      .map(name => `node ${name} is powered off`),
    ...before.nodes.flatMap(node =>
      nodeResidue(
        node,
        after.nodes.find(other => other.name === node.name),
      ),
    ),
    ...Object.entries(before.readyPods).flatMap(([service, count]) => {
      const now = after.readyPods[service] ?? 0
      return now < count ? [`${service} has ${now} ready pods, before the run it had ${count}`] : []
    }),
    ...before.primaries
      .filter(group => !after.primaries.includes(group))
      .map(group => `${group}/database has no primary`),
    ...before.disruptionBudgets
      .filter(name => !after.disruptionBudgets.includes(name))
      .map(name => `PodDisruptionBudget ${name} is gone`),
    ...after.loadJobs
      .filter(name => !before.loadJobs.includes(name))
      .map(name => `load job ${name} is still there`),
  ]
}

function nodeResidue(before: NodeView, after: NodeView | undefined): string[] {
  if (after === undefined) return [`node ${before.name} is gone`]
  return [
    ...(before.ready && !after.ready ? [`node ${after.name} is NotReady`] : []),
    ...(!before.cordoned && after.cordoned ? [`node ${after.name} is cordoned`] : []),
    ...after.taints
      .filter(taint => !before.taints.includes(taint))
      .map(taint => `node ${after.name} has the taint ${taint}`),
  ]
}

/** Something an ended run should have undone and did not. */
export type Leftover = {
  readonly description: string
  readonly actions: readonly Action[]
  /** Run folder to mark as healed; null when no run tells of it. */
  readonly folder: string | null
}

export type LeftoverSources = {
  readonly cluster: Pick<Cluster, 'poweredOff'>
  readonly lock: Pick<RunLock, 'holder'>
  readonly runsFolder: string
}

/**
 * Finds what runs left behind that ended without undoing: their undo recipes on disk, and experiment nodes without
 * power that no recipe tells of. A run that is alive is left alone.
 */
export async function leftovers(sources: LeftoverSources): Promise<Leftover[]> {
  const holder = await sources.lock.holder()
  const recipes = (await unfinishedRecipes(sources.runsFolder)).filter(({ runId }) => runId !== holder)
  const found: Leftover[] = recipes.map(recipe => ({
    description: `run ${recipe.runId} did not undo ${recipe.kind} of ${recipe.targets.join(', ')}`,
    actions: recipe.actions,
    folder: recipe.folder,
  }))
  // While a run is alive its zone outage is meant.
  if (holder !== null) return found
  const told = new Set(
    found.flatMap(({ actions }) => actions.flatMap(action => ('nodes' in action ? action.nodes : []))),
  )
  const dark = (await sources.cluster.poweredOff()).filter(name => !told.has(name))
  for (const zone of ZONES) {
    const nodes = dark.filter(name => name === nodeName('experiment', zone))
    if (nodes.length === 0) continue
    found.push({
      description: `node ${nodes.join(', ')} has no power and no run tells why`,
      actions: [{ action: 'power-on', zone, nodes }],
      folder: null,
    })
  }
  return found
}

/**
 * Undoes what ended runs left behind.
 *
 * @returns what was undone
 * @throws MachineryError when something could not be undone; it will be found again
 */
export async function undoLeftovers(
  found: readonly Leftover[],
  executor: Executor,
  signal: AbortSignal,
): Promise<readonly string[]> {
  for (const { actions, folder } of found) {
    await executor.perform(actions, signal)
    if (folder !== null) await writeUndoFile(folder, [])
  }
  return found.map(({ description }) => description)
}

async function unfinishedRecipes(
  runsFolder: string,
): Promise<(UndoRecipe & { runId: string; folder: string })[]> {
  const runs = await readdir(runsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found = await Promise.all(
    runs.sort().map(async runId => {
      const folder = join(runsFolder, runId)
      const text = await readFile(join(folder, UNDO_FILE), 'utf8').catch(() => null)
      if (text === null) return []
      const recipes = JSON.parse(text) as UndoRecipe[]
      return recipes.map(recipe => ({ ...recipe, runId, folder }))
    }),
  )
  return found.flat()
}
