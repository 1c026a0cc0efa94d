import { UserError } from '../../platform/errors.ts'
import { ZONES } from '../../platform/topology.ts'
import { CAPABILITIES, type Capabilities } from '../../services/agent/actions/action.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView, PodView } from '../lab/view.ts'
import { faultSchema, planFault } from './catalogue.ts'
import type { FaultPlan, PlanContext } from './fault.ts'

/*
 * One fault of every kind against the whole lab, for tests.
 */

const ALL: Capabilities = new Set(CAPABILITIES)
export const EXPERIMENT_NODES = ZONES.map(zone => `experiment-${zone}`)
/** What a plan depends on besides the fault and the lab: agents that can do everything. */
export const contextOf = (seed = 1): PlanContext => ({
  id: 'run1',
  capabilities: new Map(EXPERIMENT_NODES.map(node => [node, ALL])),
  seed,
})

/** A fault as a person writes it, resolved; `select` without its group. */
export function planOf(
  kind: string,
  select: Readonly<Record<string, unknown>>,
  rest: Readonly<Record<string, unknown>> = {},
  view: LabView = wholeLab(),
  seed = 1,
): FaultPlan {
  const spec = faultSchema.parse({ kind, select: { group: 'experiment', ...select }, ...rest })
  return planFault(spec, view, contextOf(seed))
}

/** The whole lab with pods changed or, for null, gone. */
export function withPods(change: (pod: PodView) => PodView | null): LabView {
  const lab = wholeLab()
  return { ...lab, pods: lab.pods.flatMap(pod => change(pod) ?? []) }
}

/** The lab with the experiment's primary in another zone. */
export const primaryIn = (zone: 'b' | 'c') =>
  withPods(pod =>
    pod.group === 'experiment' && pod.service === 'database'
      ? { ...pod, role: pod.name === `database-${zone}` ? 'primary' : 'replica' }
      : pod,
  )

export const LASTING = { durationSeconds: 20 }
export const GATEWAY_IN_B = { services: ['gateway'], zone: 'b' }
/** Of each kind: a selection, and what it needs besides. */
export const EXAMPLES: Readonly<Record<string, readonly [object, object]>> = {
  cpu: [GATEWAY_IN_B, LASTING],
  memory: [GATEWAY_IN_B, { ...LASTING, percentOfLimit: 90 }],
  io: [GATEWAY_IN_B, LASTING],
  'disk-fill': [GATEWAY_IN_B, LASTING],
  'kill-container': [GATEWAY_IN_B, {}],
  'kill-process': [GATEWAY_IN_B, { process: 'node' }],
  pause: [GATEWAY_IN_B, LASTING],
  latency: [GATEWAY_IN_B, { ...LASTING, delayMs: 100, jitterMs: 10 }],
  loss: [GATEWAY_IN_B, { ...LASTING, lossPercent: 5 }],
  bandwidth: [GATEWAY_IN_B, { ...LASTING, kbitPerSecond: 1000 }],
  blackhole: [GATEWAY_IN_B, LASTING],
  dns: [GATEWAY_IN_B, LASTING],
  partition: [GATEWAY_IN_B, { ...LASTING, from: ['recommender'] }],
  'clock-skew': [GATEWAY_IN_B, { ...LASTING, skewMs: -5000 }],
  'kill-pod': [GATEWAY_IN_B, {}],
  'kill-primary': [{}, {}],
  evict: [GATEWAY_IN_B, LASTING],
  'power-off': [{ zone: 'b' }, LASTING],
  'zone-outage': [{ zone: 'b' }, LASTING],
  'zone-partition': [{ zone: 'b' }, LASTING],
  drain: [{ zone: 'b' }, LASTING],
  oversubscribe: [{}, LASTING],
  'scale-down': [{ services: ['gateway'] }, { ...LASTING, replicas: 1 }],
  'slow-database': [{}, LASTING],
  'connection-exhaustion': [{}, LASTING],
  surge: [{}, { ...LASTING, factor: 3 }],
}
/** The plan of one fault of the kind. */
export const examplePlan = (kind: string, view?: LabView, seed?: number) => {
  const [select, rest] = EXAMPLES[kind] ?? [{}, {}]
  return planOf(kind, { ...select }, { ...rest }, view, seed)
}

/** The actions that one agent is asked for. */
export function agentActions(fault: FaultPlan) {
  return fault.begin.map(action => (action.action === 'agent-begin' ? action.actions : []))
}

/** Code of the error that a person sees; `none` when there is none. */
export function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error.code
    throw error
  }
  return 'none'
}

/** The whole lab with a second node in zone b. */
export function twoNodesInB(): LabView {
  const lab = wholeLab()
  const second = lab.nodes
    .filter(node => node.name === 'experiment-b')
    .map(node => ({ ...node, name: 'experiment-b2', uid: 'node-experiment-b2' }))
  return { ...lab, nodes: [...lab.nodes, ...second] }
}
