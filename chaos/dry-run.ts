import type { Experiment } from './experiment.ts'
import { requireWithinBlastRadius } from './faults/blast-radius.ts'
import { describeAction } from './faults/describe-action.ts'
import type { FaultPlan } from './faults/fault.ts'
import { guard } from './faults/guard.ts'
import { scheduleOf } from './faults/overlap.ts'
import { foreseen } from './foresee.ts'
import { refuseWhenHalted } from './halt.ts'
import { messageOf } from './message-of.ts'
import { planAhead, preflight } from './preflight.ts'
import type { RunDependencies } from './run-dependencies.ts'

/** One line of the time line; seconds from the first request. */
export type TimelineRow = { readonly atSeconds: number; readonly what: string }

export type DryRun = {
  readonly timeline: readonly TimelineRow[]
  readonly faults: readonly {
    readonly kind: string
    readonly targets: readonly string[]
    readonly begin: readonly string[]
    readonly end: readonly string[]
  }[]
  /** By node: what its agent can do, and how that was found out. */
  readonly capabilities: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What the run could see of its primary signals, in sentences. */
  readonly foreseen: readonly string[]
  /** What would keep the run from starting now; empty when it could start. */
  readonly problems: readonly string[]
}

/**
 * Resolves an experiment against the lab as it is, without touching anything.
 *
 * @throws UserError when a fault selects nothing or cannot be done
 */
export async function dryRun(
  experiment: Experiment,
  dependencies: Pick<
    RunDependencies,
    'agents' | 'api' | 'clock' | 'cluster' | 'database' | 'halt' | 'lab' | 'lock' | 'runsFolder' | 'versions'
  >,
  signal: AbortSignal,
): Promise<DryRun> {
  const { api, halt, lab, lock } = dependencies
  const { plans, capabilities } = await planAhead(experiment, dependencies)
  const view = await lab.view()
  const holder = await lock.holder()
  const attempts = await Promise.all([
    problemsOf(() => refuseWhenHalted(halt)),
    problemsOf(() => preflight(dependencies, 0, signal)),
    ...plans.map((plan, index) =>
      problemsOf(() =>
        requireWithinBlastRadius(plan, view, experiment.blastRadius, onBefore(index, experiment, plans)),
      ),
    ),
    ...plans.flatMap(({ begin }) => begin.map(action => problemsOf(() => guard(action, lab)))),
    api.forbidden(plans.flatMap(({ begin, end }) => [...begin, ...end])),
  ])
  return {
    timeline: timelineOf(experiment, plans),
    faults: plans.map(({ kind, targets, begin, end }) => ({
      kind,
      targets,
      begin: begin.map(describeAction),
      end: end.map(describeAction),
    })),
    capabilities,
    foreseen: await foreseen(experiment, dependencies),
    problems: [...attempts.flat(), ...(holder === null ? [] : [`run ${holder} is in progress`])],
  }
}

/** Earlier faults of the file that are on when this one begins. */
function onBefore(
  index: number,
  { faults }: Pick<Experiment, 'faults'>,
  plans: readonly FaultPlan[],
): readonly FaultPlan[] {
  const schedule = scheduleOf(faults)
  const own = schedule[index]
  if (own === undefined) return []
  return plans.slice(0, index).filter((_, other) => {
    const { beginSeconds, endSeconds } = schedule[other] ?? own
    return (
      beginSeconds <= own.beginSeconds && (endSeconds > own.beginSeconds || beginSeconds === own.beginSeconds)
    )
  })
}

async function problemsOf(check: () => unknown): Promise<readonly string[]> {
  try {
    await check()
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}

/** When what happens, if nothing takes longer than it says. Pure. */
export function timelineOf(
  { faults, phases, load }: Pick<Experiment, 'faults' | 'phases' | 'load'>,
  plans: readonly Pick<FaultPlan, 'kind' | 'targets'>[],
): readonly TimelineRow[] {
  const baselineAt = phases.warmupSeconds
  const attackAt = baselineAt + phases.baselineSeconds
  const recoveryAt = attackAt + phases.holdSeconds
  const rows: TimelineRow[] = [
    { atSeconds: 0, what: `warm-up, ${load.requestsPerSecond} requests/s a group` },
    { atSeconds: baselineAt, what: 'baseline' },
    { atSeconds: attackAt, what: 'attack' },
    { atSeconds: recoveryAt, what: 'recovery' },
    { atSeconds: load.durationSeconds, what: 'end of the load' },
  ]
  for (const [index, { beginSeconds, endSeconds }] of scheduleOf(faults).entries()) {
    const plan = plans[index]
    const name = `${plan?.kind} of ${plan?.targets.join(', ')}`
    rows.push({ atSeconds: attackAt + beginSeconds, what: `begin ${name}` })
    if (endSeconds > beginSeconds) rows.push({ atSeconds: attackAt + endSeconds, what: `end ${name}` })
  }
  return rows.sort((one, other) => one.atSeconds - other.atSeconds)
}
