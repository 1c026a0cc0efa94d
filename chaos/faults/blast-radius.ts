import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import { GROUP_SERVICES, type GroupService } from '../../platform/topology.ts'
import type { LabView, PodView } from '../lab/view.ts'
import type { Action, FaultPlan } from './fault.ts'
import { experimentNodes } from './select.ts'

/** How much may be hit at the same time. */
export type BlastRadius = {
  /** Most targets of all faults that are on, >= 1. */
  readonly maxTargets: number
  /** Pods of a service that must stay ready and untouched, >= 0; a number holds for every service. */
  readonly keepHealthy: number | { readonly [Service in GroupService]?: number | undefined }
}

/** A whole zone, or one pod of each service; and always somebody left to answer. */
export const DEFAULT_BLAST_RADIUS = { maxTargets: 3, keepHealthy: 1 } as const satisfies BlastRadius

const healthy = z.number().int().min(0).max(100)
/** As a person writes it, in an experiment or for an injection. */
export const blastRadiusSchema = z
  .strictObject({
    maxTargets: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(DEFAULT_BLAST_RADIUS.maxTargets)
      .describe('most targets of all faults that are on at the same time'),
    keepHealthy: z
      .union(
        [
          healthy,
          z.strictObject({
            gateway: healthy.optional(),
            recommender: healthy.optional(),
            database: healthy.optional(),
          }),
        ],
        { error: 'a whole number of pods, or one for each of gateway, recommender, database' },
      )
      .default(DEFAULT_BLAST_RADIUS.keepHealthy)
      .describe('pods that must stay ready and untouched: of every service, or by service'),
  })
  .prefault({})
  .describe('how much may be hit at once; looked at again right before each fault')

/**
 * Refuses a fault that would hit more than the experiment allows, looked at right before it begins: what was enough
 * when it was selected may have died since.
 *
 * @param view the lab now
 * @param active plans of the faults that are on
 * @throws UserError BLAST_RADIUS_EXCEEDED, with nothing done
 */
export function requireWithinBlastRadius(
  plan: FaultPlan,
  view: LabView,
  limits: BlastRadius,
  active: readonly FaultPlan[] = [],
): void {
  const plans = [...active, plan]
  const targets = new Set(plans.flatMap(each => each.targets))
  if (targets.size > limits.maxTargets) {
    throw exceeded(
      plan,
      `${targets.size} targets would be hit at once (${[...targets].join(', ')}), blastRadius.maxTargets is ${limits.maxTargets}`,
    )
  }
  const hitBefore = hitPods(active, view)
  const hit = hitPods(plans, view)
  for (const service of GROUP_SERVICES) {
    const keep = typeof limits.keepHealthy === 'number' ? limits.keepHealthy : limits.keepHealthy[service]
    const pods = view.pods.filter(pod => pod.group === 'experiment' && pod.service === service)
    const isTouched = pods.some(pod => hit.has(pod.uid) && !hitBefore.has(pod.uid))
    const left = pods.filter(pod => isHealthy(pod) && !hit.has(pod.uid)).length
    if (!isTouched || left >= (keep ?? 0)) continue
    throw exceeded(
      plan,
      `${left} healthy ${left === 1 ? 'pod' : 'pods'} of ${service} would be left, blastRadius.keepHealthy is ${keep}`,
    )
  }
}

/** Uids of the pods that the plans touch, whether they die of it or are only slowed down. */
function hitPods(plans: readonly FaultPlan[], view: LabView): ReadonlySet<string> {
  return new Set(plans.flatMap(plan => plan.begin.flatMap(action => podsHitBy(action, view))))
}

function podsHitBy(action: Action, view: LabView): readonly string[] {
  const onNodes = (names: readonly string[]) =>
    view.pods.filter(pod => names.includes(pod.nodeName ?? '')).map(pod => pod.uid)
  switch (action.action) {
    case 'power-off':
      return onNodes(action.nodes)
    case 'delete-pod':
    case 'evict-pod':
      return [action.uid]
    case 'agent-begin':
      return action.target.kind === 'node' ? onNodes([action.target.node]) : [action.target.podUid]
    case 'scale': {
      const pods = view.pods.filter(pod => pod.group === 'experiment' && pod.service === action.name)
      // Which ones go is Kubernetes' choice; those that are not ready go first.
      const inOrder = pods.sort((one, other) => Number(isHealthy(one)) - Number(isHealthy(other)))
      return inOrder.slice(0, Math.max(0, pods.length - action.replicas)).map(pod => pod.uid)
    }
    // What is above the pipeline's own priority drives out as many of its pods as it needs room for.
    case 'occupy':
      return action.priority === 'high' ? onNodes(experimentNodes(view).map(({ name }) => name)) : []
    // Nobody is touched by these as such; what Kubernetes makes of them is what the experiment asks.
    case 'cordon':
    case 'surge':
    case 'power-on':
    case 'agent-end':
    case 'api-undo':
      return []
  }
}

function isHealthy(pod: PodView): boolean {
  return pod.ready && !pod.terminating && !pod.finished
}

function exceeded(plan: FaultPlan, why: string): UserError {
  return new UserError(
    'BLAST_RADIUS_EXCEEDED',
    `Cannot begin ${plan.kind} of ${plan.targets.join(', ')}: ${why}`,
    'Select fewer targets, or allow more under blastRadius in the experiment.',
  )
}
