import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../platform/cluster/cluster.ts'
import { MachineryError } from '../platform/errors.ts'
import { GROUP_SERVICES, GROUPS, nodeName, ZONES } from '../platform/topology.ts'
import type { FaultStatus, NodeSnapshot } from '../services/agent/protocol.ts'
import { agentResidue } from './agent-residue.ts'
import { describeTarget } from './faults/describe-action.ts'
import type { Executor } from './faults/executor.ts'
import type { Action } from './faults/fault.ts'
import type { Agents, ApiLeases, LabReader, RunLock } from './lab/roles.ts'
import { type LabView, type NodeView, primaryZone } from './lab/view.ts'
import { messageOf } from './message-of.ts'
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
  /** Wanted replicas by `namespace/resource/name`. */
  readonly replicas: Readonly<Record<string, number>>
  /** Promises to undo something in the API, by name. */
  readonly leases: readonly string[]
  /** What agents hold on or cannot undo, in words. */
  readonly faults: readonly string[]
  /** What a fault could leave behind on each node; null where nobody looked. */
  readonly agents: Readonly<Record<string, NodeSnapshot>> | null
}

export type SnapshotSources = {
  readonly lab: Pick<LabReader, 'view'>
  readonly cluster: Pick<Cluster, 'poweredOff'>
  readonly agents: Pick<Agents, 'list' | 'ask'>
  readonly leases: Pick<ApiLeases, 'list'>
}

/** Reduces the lab to what must not be different after a run. Pure. */
export function snapshotOf(
  view: LabView,
  poweredOff: readonly string[],
  held: Pick<Snapshot, 'leases' | 'faults' | 'agents'> = { leases: [], faults: [], agents: null },
): Snapshot {
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
    replicas: Object.fromEntries(
      view.workloads.map(({ namespace, resource, name, replicas }) => [
        `${namespace}/${resource}/${name}`,
        replicas,
      ]),
    ),
    ...held,
  }
}

/** @param depth `lab`: what the API and the agents say at once; `all`: each agent looks at its whole node as well */
export async function takeSnapshot(
  { lab, cluster, agents, leases }: SnapshotSources,
  depth: 'lab' | 'all',
): Promise<Snapshot> {
  const [view, poweredOff, promised, ready] = await Promise.all([
    lab.view(),
    cluster.poweredOff(),
    leases.list(),
    agents.list(),
  ])
  const nodes = ready.filter(agent => agent.ready).map(({ node }) => node)
  const statuses = await Promise.all(nodes.map(node => agents.ask(node, { op: 'status' })))
  const snapshots =
    depth === 'lab'
      ? null
      : await Promise.all(
          nodes.map(
            async (node): Promise<[string, NodeSnapshot]> => [
              node,
              await agents.ask(node, { op: 'snapshot' }),
            ],
          ),
        )
  return snapshotOf(view, poweredOff, {
    leases: promised.map(({ name }) => name).sort(),
    faults: statuses.flatMap((each, index) => unended(nodes[index] ?? '', each)),
    agents: snapshots === null ? null : Object.fromEntries(snapshots),
  })
}

/** Faults of one agent that are not over, in words. Pure. */
export function unended(node: string, statuses: readonly FaultStatus[]): string[] {
  return statuses
    .filter(({ state }) => state !== 'ended' && state !== 'prepared')
    .map(
      ({ kind, target, state, runId, problem }) =>
        `the agent on ${node} has ${kind} of ${describeTarget(target)} ${state} (run ${runId})${problem === null ? '' : `: ${problem}`}`,
    )
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
    ...after.leases
      .filter(name => !before.leases.includes(name))
      .map(name => `lease ${name} in the API is still there`),
    ...after.faults.filter(fault => !before.faults.includes(fault)),
    ...replicaResidue(before.replicas, after.replicas),
    ...(before.agents === null || after.agents === null ? [] : agentResidue(before.agents, after.agents)),
  ]
}

function replicaResidue(before: Snapshot['replicas'], after: Snapshot['replicas']): string[] {
  return [
    ...Object.entries(before).flatMap(([name, count]) => {
      const now = after[name]
      if (now === undefined) return [`${name} is gone`]
      return now === count ? [] : [`${name} wants ${now} replicas, before the run it wanted ${count}`]
    }),
    ...Object.keys(after)
      .filter(name => before[name] === undefined)
      .map(name => `${name} was not there before the run`),
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
  /** What a run's folder tells of it, to be struck out there; null when no run tells of it. */
  readonly told: { readonly folder: string; readonly recipe: UndoRecipe } | null
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
  const found: Leftover[] = recipes.map(({ runId, folder, recipe }) => ({
    description: `run ${runId} did not undo ${recipe.kind} of ${recipe.targets.join(', ')}`,
    actions: recipe.actions,
    told: { folder, recipe },
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
      told: null,
    })
  }
  return found
}

/** Longest that one undo may take; only what begins something would ask for it. */
const HEAL_SECONDS = 60

/**
 * Undoes what ended runs left behind. Each is tried, whatever becomes of the others, and struck out in its run's folder
 * as soon as it is undone.
 *
 * @returns what was undone
 * @throws MachineryError naming all that could not be undone; it will be found again
 */
export async function undoLeftovers(
  found: readonly Leftover[],
  executor: Executor,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const failures: { readonly description: string; readonly error: unknown }[] = []
  const undone = new Set<Leftover>()
  for (const leftover of found) {
    const { description, actions, told } = leftover
    try {
      await executor.perform({ runId: 'healing', actions, atMostSeconds: HEAL_SECONDS }, signal)
      undone.add(leftover)
      if (told !== null) await writeUndoFile(told.folder, recipesLeft(told.folder, found, undone))
    } catch (error) {
      signal.throwIfAborted()
      failures.push({ description, error })
    }
  }
  if (failures.length > 0) throw notHealed(failures, found.length)
  return found.map(({ description }) => description)
}

/** Recipes of one run that are still to be done. */
function recipesLeft(
  folder: string,
  found: readonly Leftover[],
  undone: ReadonlySet<Leftover>,
): readonly UndoRecipe[] {
  return found.flatMap(leftover =>
    leftover.told?.folder === folder && !undone.has(leftover) ? [leftover.told.recipe] : [],
  )
}

function notHealed(
  failures: readonly { readonly description: string; readonly error: unknown }[],
  count: number,
): MachineryError {
  const each = failures.map(({ description, error }) => `${description}: ${messageOf(error)}`)
  const causes = failures.map(({ error }) => error)
  return new MachineryError(
    `Cannot undo ${failures.length} of ${count} faults that were left behind: ${each.join('; ')}`,
    "They are tried again by the next 'divergence up' or 'divergence run'; 'divergence audit' lists what there is.",
    { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) },
  )
}

async function unfinishedRecipes(
  runsFolder: string,
): Promise<{ runId: string; folder: string; recipe: UndoRecipe }[]> {
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
      return recipes.map(recipe => ({ runId, folder, recipe }))
    }),
  )
  return found.flat()
}
