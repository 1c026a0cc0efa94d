import type { Cluster } from '../platform/cluster/cluster.ts'
import { UserError } from '../platform/errors.ts'
import { nodeName, ZONES } from '../platform/topology.ts'
import type { ApiUndo } from '../services/agent/protocol.ts'
import { unended } from './audit.ts'
import { describeUndo } from './faults/describe-action.ts'
import { Halted } from './heartbeat.ts'
import type { Agents, Clock, Halt } from './lab/roles.ts'
import { messageOf } from './message-of.ts'
import type { RunDependencies } from './run-dependencies.ts'

const LOOK_EVERY_MS = 1_000

/** How long the faults may take to end once everybody was told. */
const END_WITHIN_MS = 30_000

/** @throws UserError HALTED while the switch is on */
export async function refuseWhenHalted(halt: Pick<Halt, 'reason'>): Promise<void> {
  const reason = await halt.reason()
  if (reason === null) return
  throw new UserError(
    'HALTED',
    `Cannot begin a fault: everything is halted (${reason})`,
    "Allow faults again with 'divergence halt --release'.",
  )
}

/** A signal that is aborted when somebody halts everything, looked for every second. */
export function watchHalt(halt: Pick<Halt, 'reason'>, clock: Clock, until: AbortSignal): AbortSignal {
  const halted = new AbortController()
  const watching = async () => {
    while (!until.aborted) {
      // An API server that does not answer is noticed by others; the agents look for the switch as well.
      const reason = await halt.reason().catch(() => null)
      if (reason !== null) return halted.abort(new Halted(`everything is halted: ${reason}`))
      await clock.sleep(LOOK_EVERY_MS, until)
    }
  }
  // Nothing but the end of the run ends the sleep.
  watching().catch(() => undefined)
  return halted.signal
}

export type HaltDependencies = Pick<RunDependencies, 'agents' | 'api' | 'clock' | 'halt' | 'leases'> & {
  readonly cluster: Pick<Cluster, 'poweredOff' | 'powerOn'>
}

export type HaltReport = {
  /** What was ended or undone, in words. */
  readonly ended: readonly string[]
  /** What could not be, in words. */
  readonly left: readonly string[]
}

/**
 * Ends everything, whoever began it and whether or not its runner lives, and lets nothing begin until `releaseHalt`.
 * What fails does not stop the rest.
 */
export async function haltAll(reason: string, dependencies: HaltDependencies): Promise<HaltReport> {
  const { agents, cluster, clock, halt } = dependencies
  const ended: string[] = []
  const left: string[] = []
  const attempt = async (what: string, work: () => Promise<readonly string[]>) => {
    try {
      ended.push(...(await work()))
    } catch (error) {
      left.push(`${what}: ${messageOf(error)}`)
    }
  }
  // First the switch: what the agents cannot be told by us they read there.
  await attempt('the switch', async () => {
    await halt.set(reason)
    return []
  })
  await Promise.all([
    attempt('agents', () => haltAgents(agents, left)),
    attempt('power', async () => (await powerOnAll(cluster)).map(node => `node ${node} has its power again`)),
    attempt('leases', () => undoLeases(dependencies, left)),
  ])
  left.push(...(await stillOn(agents, clock)))
  return { ended, left }
}

export async function releaseHalt({
  agents,
  halt,
}: Pick<HaltDependencies, 'agents' | 'halt'>): Promise<readonly string[]> {
  await halt.release()
  const left: string[] = []
  await Promise.all(
    (await agents.list()).map(({ node }) =>
      agents
        .ask(node, { op: 'release' })
        .catch(error => left.push(`the agent on ${node} was not told: ${messageOf(error)}`)),
    ),
  )
  return left
}

async function haltAgents(agents: Agents, left: string[]): Promise<readonly string[]> {
  const told = await Promise.all(
    (await agents.list()).map(async ({ node }) => {
      try {
        const on = unended(node, await agents.ask(node, { op: 'status' }))
        await agents.ask(node, { op: 'halt' })
        return on
      } catch (error) {
        left.push(`the agent on ${node} was not told: ${messageOf(error)}`)
        return []
      }
    }),
  )
  return told.flat().map(fault => `ended: ${fault}`)
}

/** Gives power to every node of the experimental group that has none. */
async function powerOnAll(cluster: HaltDependencies['cluster']): Promise<readonly string[]> {
  const dark = await cluster.poweredOff()
  const zones = ZONES.filter(zone => dark.includes(nodeName('experiment', zone)))
  for (const zone of zones) await cluster.powerOn('experiment', zone)
  return zones.map(zone => nodeName('experiment', zone))
}

async function undoLeases({ api, leases }: HaltDependencies, left: string[]): Promise<readonly string[]> {
  const done: string[] = []
  for (const { name, undo } of await leases.list()) {
    const results = await Promise.allSettled(undo.map(one => api.undo(one)))
    const failures = results.filter(result => result.status === 'rejected')
    left.push(...failures.map(({ reason }) => `lease ${name} is not undone: ${messageOf(reason)}`))
    if (failures.length > 0) continue
    done.push(...undo.map((one: ApiUndo) => describeUndo(one)))
    await leases.remove(name)
  }
  return done
}

/** Waits until no agent has a fault on; what an agent that was not told has on is told elsewhere. */
async function stillOn(agents: Agents, clock: Clock): Promise<readonly string[]> {
  const untilMs = clock.nowMs() + END_WITHIN_MS
  for (;;) {
    const nodes = await agents.list().catch(() => [])
    const on = await Promise.all(
      nodes.map(({ node }) =>
        agents.ask(node, { op: 'status' }).then(
          statuses => unended(node, statuses),
          () => [],
        ),
      ),
    )
    const left = on.flat()
    if (left.length === 0 || clock.nowMs() >= untilMs) return left
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal)
  }
}
