import { leftovers, residue, takeSnapshot, unended } from './audit.ts'
import { readBaseline } from './baseline.ts'
import { describeUndo } from './faults/describe-action.ts'
import { messageOf } from './message-of.ts'
import type { RunDependencies } from './run-dependencies.ts'

export type AuditReport = {
  /** Run that is in progress: what is on because of it is no residue. */
  readonly running: string | null
  /** Halted, and why; new faults are refused until it is released. */
  readonly halted: string | null
  /** What is left behind, in words. */
  readonly residue: readonly string[]
  /** Runs that ended without undoing, in words. What they left was undone by others, or is listed as residue. */
  readonly unfinished: readonly string[]
  /** false: no run has begun on this lab yet, so that only what is never right was looked for. */
  readonly comparedWithBaseline: boolean
}

export type AuditDependencies = Pick<
  RunDependencies,
  'agents' | 'baselineFile' | 'cluster' | 'halt' | 'lab' | 'leases' | 'lock' | 'runsFolder'
>

/**
 * Looks for whatever a run may have left behind, in files, in the API and on the nodes, without changing anything.
 *
 * @throws MachineryError when the API server cannot be asked: then nothing is known
 */
export async function auditEverywhere(dependencies: AuditDependencies): Promise<AuditReport> {
  const { agents, baselineFile, cluster, halt, lab, leases, lock, runsFolder } = dependencies
  const [running, halted, view, dark, promised, baseline, files] = await Promise.all([
    lock.holder(),
    halt.reason(),
    lab.view(),
    cluster.poweredOff(),
    leases.list(),
    readBaseline(baselineFile),
    leftovers({ cluster, lock, runsFolder }),
  ])
  const atAgents = await askAgents(agents, running)
  const inApi = promised
    .filter(({ runId }) => runId !== running)
    .map(({ name, undo }) => `lease ${name}: nobody did ${undo.map(describeUndo).join(', ')}`)
  // While a run is in progress the lab is not meant to be as it was.
  const whole =
    running !== null
      ? []
      : [
          ...dark.map(node => `node ${node} is powered off`),
          ...view.nodes.filter(({ cordoned }) => cordoned).map(({ name }) => `node ${name} is cordoned`),
          ...view.loadJobs.map(name => `load job ${name} is still there`),
          ...(baseline === null ? [] : await againstBaseline(dependencies, baseline)),
        ]
  return {
    running,
    halted,
    residue: [...new Set([...inApi, ...atAgents, ...whole])],
    unfinished: files.filter(({ told }) => told !== null).map(({ description }) => description),
    comparedWithBaseline: baseline !== null,
  }
}

async function askAgents(
  agents: AuditDependencies['agents'],
  running: string | null,
): Promise<readonly string[]> {
  const found = await Promise.all(
    (await agents.list()).map(({ node }) =>
      agents.ask(node, { op: 'status' }).then(
        statuses =>
          unended(
            node,
            statuses.filter(({ runId }) => runId !== running),
          ),
        error => [messageOf(error)],
      ),
    ),
  )
  return found.flat()
}

async function againstBaseline(
  dependencies: AuditDependencies,
  baseline: NonNullable<Awaited<ReturnType<typeof readBaseline>>>,
): Promise<readonly string[]> {
  return await takeSnapshot(dependencies, 'all').then(
    now => residue(baseline, now),
    error => [`the lab cannot be compared with how it was: ${messageOf(error)}`],
  )
}
