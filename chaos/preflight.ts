import type { Cluster } from '../platform/cluster/cluster.ts'
import { MachineryError, UserError } from '../platform/errors.ts'
import { GROUPS, TOPOLOGY } from '../platform/topology.ts'
import type { Hello } from '../services/agent/protocol.ts'
import type { Experiment } from './experiment.ts'
import { planFault } from './faults/catalogue.ts'
import { describeAction } from './faults/describe-action.ts'
import type { FaultPlan } from './faults/fault.ts'
import { requireWholeZone } from './faults/guard.ts'
import { capabilitiesOf } from './lab/capabilities.ts'
import type { Agents, Clock, Database, LabReader } from './lab/roles.ts'
import { type LabView, primaryZone } from './lab/view.ts'
import { messageOf } from './message-of.ts'

export type PreflightCheck = { readonly check: string; readonly ok: boolean; readonly detail: string }

/** Between two looks at a lab that is not ready yet. */
const LOOK_EVERY_MS = 2_000

const SYNC_STANDBYS =
  "SELECT application_name FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
const SONGS = 'SELECT count(*) FROM songs'

export type PreflightSources = {
  readonly lab: Pick<LabReader, 'view'>
  readonly database: Database
  readonly agents: Pick<Agents, 'list' | 'ask'>
  readonly clock: Clock
}

/**
 * Waits until both groups are whole: an experiment on a lab that limps would measure the limp.
 *
 * @param withinMs how long the lab may take
 * @returns the checks, all of them ok
 * @throws MachineryError naming every check that is not
 */
export async function preflight(
  sources: PreflightSources,
  withinMs: number,
  signal: AbortSignal,
): Promise<readonly PreflightCheck[]> {
  const { clock } = sources
  const untilMs = clock.nowMs() + withinMs
  for (;;) {
    const checks = await look(sources)
    const failed = checks.filter(check => !check.ok)
    if (failed.length === 0) return checks
    if (clock.nowMs() >= untilMs) {
      throw new MachineryError(
        `Cannot start the experiment: the lab is not ready after ${withinMs / 1000} s: ${failed.map(({ check, detail }) => `${check} (${detail})`).join('; ')}`,
        "Bring it up with 'divergence up' and look at it with 'divergence status'.",
      )
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

async function look({ lab, database, agents }: PreflightSources): Promise<PreflightCheck[]> {
  const view = await lab.view()
  const atDatabases = await Promise.all(
    GROUPS.map(async (group): Promise<PreflightCheck[]> => {
      // Without a primary there is nobody to ask, and another check says so.
      if (primaryZone(group, view) === null) return []
      const [standbys, songs] = await Promise.all([
        ask(() => database.column(group, SYNC_STANDBYS)),
        ask(() => database.column(group, SONGS)),
      ])
      const songCount = Number(songs.rows[0] ?? 0)
      return [
        {
          check: `${group} database has a synchronous standby`,
          ok: standbys.rows.length > 0,
          detail: standbys.error ?? (standbys.rows.join(', ') || 'none'),
        },
        { check: `${group} has songs`, ok: songCount > 0, detail: songs.error ?? `${songCount} songs` },
      ]
    }),
  )
  return [...viewChecks(view), ...(await agentChecks(view, agents)), ...atDatabases.flat()]
}

/** Every node that may be attacked has an agent that could end what it began there. */
async function agentChecks(
  view: LabView,
  agents: PreflightSources['agents'],
): Promise<readonly PreflightCheck[]> {
  const nodes = view.nodes.filter(node => node.group === 'experiment').map(({ name }) => name)
  const answers = await Promise.all(
    nodes.map(node =>
      agents.ask(node, { op: 'hello' }).then(
        hello => agentCheck(node, hello),
        error => ({ check: `agent on ${node}`, ok: false, detail: messageOf(error) }),
      ),
    ),
  )
  return answers
}

/** Whether an agent is the one of this node, and may begin something. Pure. */
export function agentCheck(node: string, { node: said, group, halted }: Hello): PreflightCheck {
  const check = `agent on ${node}`
  if (said !== node) return { check, ok: false, detail: `it says that it is on ${said}` }
  if (group !== 'experiment') return { check, ok: false, detail: `it says that it is in group ${group}` }
  if (halted) return { check, ok: false, detail: "it is halted: 'divergence halt --release'" }
  return { check, ok: true, detail: 'ready' }
}

export type PlannedAhead = {
  readonly plans: readonly FaultPlan[]
  readonly faults: readonly {
    readonly kind: string
    readonly targets: readonly string[]
    readonly actions: readonly string[]
  }[]
  /** By node and capability that it has: how it was found out. */
  readonly capabilities: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export type PlanSources = Pick<PreflightSources, 'lab' | 'agents'> & {
  readonly cluster: Pick<Cluster, 'powerSwitch'>
}

/**
 * Resolves every fault against the lab as it is now, so that what cannot be done is an error before anything starts.
 * When a fault begins it is resolved again.
 *
 * @throws UserError NOTHING_SELECTED, CAPABILITY_MISSING, NO_POWER_SWITCH, NO_SWITCH_OF_ITS_OWN
 */
export async function planAhead(
  { faults, seed }: Pick<Experiment, 'faults' | 'seed'>,
  { lab, agents, cluster }: PlanSources,
): Promise<PlannedAhead> {
  const [view, { sets, details }] = await Promise.all([lab.view(), capabilitiesOf(agents)])
  const plans = faults.map((fault, index) =>
    planFault(fault, view, { id: `plan${index}`, capabilities: sets, seed }),
  )
  for (const plan of plans) requirePower(plan, view, cluster)
  return {
    plans,
    faults: plans.map(({ kind, targets, begin }) => ({
      kind,
      targets,
      actions: begin.map(describeAction),
    })),
    capabilities: details,
  }
}

/** @throws UserError NO_POWER_SWITCH, NO_SWITCH_OF_ITS_OWN when the power of its targets cannot be taken. Pure. */
function requirePower({ kind, targets, begin }: FaultPlan, view: LabView, cluster: PlanSources['cluster']) {
  const switched = begin.filter(action => action.action === 'power-off')
  if (switched.length > 0 && !cluster.powerSwitch) {
    throw new UserError(
      'NO_POWER_SWITCH',
      `Cannot do ${kind} of ${targets.join(', ')}: this cluster gives no switch for the power of its nodes`,
      "Use 'zone-partition', which cuts a zone off by its network, or the local cluster.",
    )
  }
  for (const action of switched) requireWholeZone(action, view)
}

async function ask(
  query: () => Promise<readonly string[]>,
): Promise<{ rows: readonly string[]; error?: string }> {
  try {
    return { rows: await query() }
  } catch (error) {
    return { rows: [], error: messageOf(error) }
  }
}

/** What the API server alone can tell. Pure. */
export function viewChecks(view: LabView): PreflightCheck[] {
  const notReady = view.nodes.filter(node => !node.ready || node.cordoned).map(node => node.name)
  return [
    {
      check: 'nodes ready',
      ok: view.nodes.length > 0 && notReady.length === 0,
      detail: notReady.length === 0 ? `${view.nodes.length} nodes` : `not ready: ${notReady.join(', ')}`,
    },
    ...GROUPS.flatMap(group =>
      TOPOLOGY.services.map(({ service, replicas }): PreflightCheck => {
        const ready = view.pods.filter(
          pod => pod.group === group && pod.service === service && pod.ready && !pod.terminating,
        ).length
        return {
          check: `${group} ${service} ready`,
          ok: ready >= replicas,
          detail: `${ready} of ${replicas} pods`,
        }
      }),
    ),
    ...GROUPS.map((group): PreflightCheck => {
      const zone = primaryZone(group, view)
      return {
        check: `${group} database has a primary`,
        ok: zone !== null,
        detail: zone === null ? 'none' : `in zone ${zone}`,
      }
    }),
    {
      check: 'no load from another run',
      ok: view.loadJobs.length === 0,
      detail: view.loadJobs.length === 0 ? 'none' : view.loadJobs.join(', '),
    },
  ]
}
