import type { Cluster } from '../../platform/cluster/cluster.ts'
import { MachineryError, UserError } from '../../platform/errors.ts'
import { DEFAULT_LEASE_SECONDS, type FaultRequest, type FaultStatus } from '../../services/agent/protocol.ts'
import { AgentRefusal, toldRefusal } from '../lab/agent-refusal.ts'
import type { Agents, ApiFaults, Clock, LabReader, PodKiller } from '../lab/roles.ts'
import type { Action } from './fault.ts'
import { guard } from './guard.ts'

/** Actions that belong together: of one fault's begin, or of its end. */
export type Work = {
  readonly runId: string
  readonly actions: readonly Action[]
  /** What can only be ended from outside ends itself after this time, whatever happens; seconds, > 0. */
  readonly atMostSeconds: number
}

export type Performed = {
  /** When the first action was set about, after all reading, Unix milliseconds of the runner's clock. */
  readonly actedAtMs: number
  /**
   * Resolves when evictions that a PodDisruptionBudget put off have been let through, or the signal was aborted.
   * Nothing to wait for where there are none.
   */
  readonly pending: Promise<void>
}

/** Does what a fault's plan says, and nothing else. */
export interface Executor {
  /**
   * Reads the targets of all actions again, refuses all when one is not of the experimental group, has the agents
   * prepare theirs, and begins only when every one of them can; then does them at once.
   *
   * @throws UserError TARGET_NOT_EXPERIMENTAL, CAPABILITY_MISSING, HALTED with nothing done
   * @throws MachineryError when an action failed; the others may have been done
   */
  perform(work: Work, signal: AbortSignal): Promise<Performed>
}

export type ExecutorPowers = {
  readonly cluster: Pick<Cluster, 'powerOff' | 'powerOn'>
  readonly lab: LabReader
  readonly pods: PodKiller
  readonly api: Omit<ApiFaults, 'forbidden'>
  readonly agents: Pick<Agents, 'ask'>
  readonly clock: Clock
}

/** Between two tries of an eviction that was put off; Kubernetes' own drain waits as long. */
const EVICT_AGAIN_AFTER_MS = 2_000
/** How long a fault may take to end once it was told to, and how often it is looked at. */
const END_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 250

/** Acts on the real cluster. */
export function clusterExecutor(powers: ExecutorPowers): Executor {
  return {
    async perform(work, signal) {
      const { actions } = work
      for (const action of actions) await guard(action, powers.lab)
      signal.throwIfAborted()
      await prepareAll(work, powers)
      const actedAtMs = powers.clock.nowMs()
      const putOff: Eviction[] = []
      const results = await Promise.allSettled(actions.map(action => act(action, work, powers, putOff)))
      const failures = results.filter(result => result.status === 'rejected').map(result => result.reason)
      if (failures.length > 0) throw failed(failures, actions.length)
      return { actedAtMs, pending: evictAgain(putOff, powers, signal) }
    },
  }
}

type Eviction = Extract<Action, { readonly action: 'evict-pod' }>
type AgentBegin = Extract<Action, { readonly action: 'agent-begin' }>

async function act(
  action: Action,
  { atMostSeconds }: Work,
  powers: ExecutorPowers,
  putOff: Eviction[],
): Promise<void> {
  const { cluster, pods, api } = powers
  switch (action.action) {
    case 'power-off':
      return await cluster.powerOff('experiment', action.zone, atMostSeconds)
    case 'power-on':
      return await cluster.powerOn('experiment', action.zone)
    case 'delete-pod':
      return await pods.deletePod(action)
    case 'evict-pod':
      if (!(await api.evict(action))) putOff.push(action)
      return
    case 'agent-begin':
      return await beginAtAgent(action, powers)
    case 'agent-end':
      return await endAtAgent(action, powers)
    case 'cordon':
      return await api.cordon(action.node)
    case 'scale':
      return await api.scale(action)
    case 'occupy':
      return await api.occupy(action)
    case 'api-undo':
      return await api.undo(action.undo)
    // The load generator has known since its start; what it did is read from its samples.
    case 'surge':
      return
  }
}

/** Nothing begins unless everything can: what was prepared is given up when one agent refuses. */
async function prepareAll({ runId, actions }: Work, { agents }: ExecutorPowers): Promise<void> {
  const begins = actions.filter(action => action.action === 'agent-begin')
  const results = await Promise.allSettled(
    begins.map(action => agents.ask(action.node, { op: 'prepare', fault: requestOf(action, runId) })),
  )
  const refusals = results.filter(result => result.status === 'rejected').map(result => result.reason)
  if (refusals.length === 0) return
  // One that was only prepared has changed nothing; an agent that cannot be told forgets it with its lease.
  await Promise.allSettled(begins.map(({ node, id }) => agents.ask(node, { op: 'end', id })))
  const told = refusals.map(toldRefusal)
  throw told.find(error => error instanceof UserError) ?? failed(told, begins.length)
}

function requestOf({ id, kind, target, actions, durationSeconds }: AgentBegin, runId: string): FaultRequest {
  return { id, runId, kind, target, actions, durationSeconds, leaseSeconds: DEFAULT_LEASE_SECONDS }
}

async function beginAtAgent({ node, id }: AgentBegin, { agents }: ExecutorPowers): Promise<void> {
  const status = await agents.ask(node, { op: 'begin', id }).catch(error => {
    throw toldRefusal(error)
  })
  if (status.endedBy === 'begin-failed' || status.state === 'stuck') {
    throw new MachineryError(
      `The agent on ${node} could not begin ${status.kind}: ${status.problem ?? 'no reason given'}`,
      "See the agent's log: 'kubectl -n chaos logs -l service=agent'.",
    )
  }
}

async function endAtAgent(
  { node, id }: { readonly node: string; readonly id: string },
  { agents, clock }: ExecutorPowers,
): Promise<void> {
  const untilMs = clock.nowMs() + END_WITHIN_MS
  let status: FaultStatus | undefined = await agents.ask(node, { op: 'end', id }).catch(error => {
    // Never prepared, or forgotten because it ended long ago: there is nothing to end.
    if (error instanceof AgentRefusal && error.code === 'UNKNOWN_FAULT') return undefined
    throw error
  })
  while (status !== undefined && status.state !== 'ended') {
    if (clock.nowMs() >= untilMs) {
      throw new MachineryError(
        `The agent on ${node} has not ended ${status.kind}, it is ${status.state}: ${status.problem ?? 'no reason given'}`,
        `It goes on trying; see 'kubectl -n chaos logs -l service=agent' and 'divergence audit'.`,
      )
    }
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
    const statuses = await agents.ask(node, { op: 'status' })
    status = statuses.find(candidate => candidate.id === id)
  }
}

/** Asks again until every budget lets its pod go, or the fault is over. */
async function evictAgain(
  putOff: readonly Eviction[],
  powers: ExecutorPowers,
  signal: AbortSignal,
): Promise<void> {
  let left = putOff
  while (left.length > 0) {
    await powers.clock.sleep(EVICT_AGAIN_AFTER_MS, signal).catch(() => undefined)
    if (signal.aborted) return
    const refused = await Promise.all(left.map(async each => ((await isLetGo(each, powers)) ? [] : [each])))
    left = refused.flat()
  }
}

/** Whether there is nothing left to ask for. */
async function isLetGo(eviction: Eviction, { api, lab }: ExecutorPowers): Promise<boolean> {
  try {
    const pod = await lab.pod(eviction.namespace, eviction.name)
    // It went by itself, or another has its name by now.
    if (pod?.uid !== eviction.uid) return true
    await guard(eviction, lab)
    return await api.evict(eviction)
  } catch (error) {
    // What was given to another group is left alone; an API server that does not answer is asked again.
    return error instanceof UserError
  }
}

function failed(failures: readonly unknown[], count: number): MachineryError {
  return new MachineryError(
    `Cannot carry out ${failures.length} of ${count} actions: ${failures.map(messageOf).join('; ')}`,
    "Check the cluster with 'divergence doctor'.",
    { cause: failures.length === 1 ? failures[0] : new AggregateError(failures) },
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
