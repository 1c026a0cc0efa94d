import type { FaultStatus } from '../../services/agent/protocol.ts'
import type { Agents, Clock, LabReader } from '../lab/roles.ts'
import { type LabView, primaryPod, zoneOf } from '../lab/view.ts'
import type { FaultPlan, Proof } from './fault.ts'

/** Whether a fault happened, and the measurement that shows it. */
export type Effect = { readonly proven: boolean; readonly detail: string }

/** Small against the seconds that Kubernetes takes to notice, large against the cost of a read. */
const LOOK_EVERY_MS = 500

/** What is looked at: the API, and what the agents measured, by the fault's id. */
export type Sight = {
  readonly view: LabView
  readonly statuses: ReadonlyMap<string, FaultStatus>
}

export type Witnesses = {
  readonly lab: Pick<LabReader, 'view'>
  readonly agents: Pick<Agents, 'ask'>
  readonly clock: Clock
}

/**
 * Watches until every proof of the fault has been seen, or the time for it is over. What only the load generator can
 * tell is left to `proveLoadFactor`.
 *
 * @param beganAtMs when the fault began, on the runner's clock
 * @param untilMs no effect by then means that there was none
 */
export async function proveEffect(
  plan: FaultPlan,
  { lab, agents, clock }: Witnesses,
  beganAtMs: number,
  untilMs: number,
  signal: AbortSignal,
): Promise<Effect> {
  const proofs = plan.proofs.filter(({ proof }) => proof !== 'load-factor')
  if (proofs.length === 0) return { proven: true, detail: 'the load generator will tell' }
  const seen = new Map<Proof, string>()
  for (;;) {
    const sight = await see(proofs, seen, lab, agents)
    const afterSeconds = ((clock.nowMs() - beganAtMs) / 1000).toFixed(1)
    for (const proof of proofs) {
      const finding = seen.has(proof) ? null : look(proof, sight)
      if (finding !== null) seen.set(proof, `${finding} after ${afterSeconds} s`)
    }
    const isProven = seen.size === proofs.length
    if (isProven || clock.nowMs() >= untilMs) {
      const within = `within ${((untilMs - beganAtMs) / 1000).toFixed(1)} s`
      const details = proofs.map(proof => seen.get(proof) ?? `${missing(proof, sight)} ${within}`)
      return { proven: isProven, detail: details.join('; ') }
    }
    await clock.sleep(Math.min(LOOK_EVERY_MS, untilMs - clock.nowMs()), signal)
  }
}

/** Asks only those who can still tell something new. */
async function see(
  proofs: readonly Proof[],
  seen: ReadonlyMap<Proof, string>,
  lab: Witnesses['lab'],
  agents: Witnesses['agents'],
): Promise<Sight> {
  const open = proofs.filter(proof => !seen.has(proof))
  const nodes = new Set(open.flatMap(proof => (proof.proof === 'agent-measured' ? [proof.node] : [])))
  const [view, ...answers] = await Promise.all([
    lab.view(),
    // An agent that does not answer now may answer the next time; its lease is the heartbeat's business.
    ...[...nodes].map(node => agents.ask(node, { op: 'status' }).catch(() => [])),
  ])
  return { view, statuses: new Map(answers.flat().map(status => [status.id, status])) }
}

/** What is to be seen of one proof, or null when it does not show yet. Pure. */
export function look(proof: Proof, { view, statuses }: Sight): string | null {
  switch (proof.proof) {
    case 'node-not-ready': {
      const node = view.nodes.find(candidate => candidate.name === proof.node)
      if (node === undefined) return `node ${proof.node} gone`
      return node.ready ? null : `node ${proof.node} NotReady`
    }
    case 'pod-replaced':
      return lookReplaced(proof, view)
    case 'pod-gone':
      return view.pods.some(pod => pod.uid === proof.uid) ? null : `pod ${proof.name} gone`
    case 'agent-measured': {
      const status = statuses.get(proof.id)
      if (status?.proof?.proven !== true) return null
      return `${proof.what}: ${status.proof.detail} (${status.means.join(', ') || status.kind})`
    }
    case 'container-ended':
      return lookEnded(proof, view)
    case 'primary-moved': {
      const primary = primaryPod('experiment', view)
      if (primary === null || !primary.ready || primary.uid === proof.uidBefore) return null
      return `${primary.name} is the Postgres primary`
    }
    case 'node-cordoned': {
      const isCordoned = view.nodes.some(node => node.name === proof.node && node.cordoned)
      return isCordoned ? `node ${proof.node} cordoned` : null
    }
    case 'pods-pending': {
      const pending = view.pods.filter(
        pod => pod.group === 'experiment' && pod.unschedulable && !pod.terminating && !pod.finished,
      )
      return pending.length === 0 ? null : `${pending.length} pods pending: ${namesOf(pending)}`
    }
    case 'replicas-at-most': {
      const count = readyPods(proof.service, view)
      return count > proof.replicas ? null : `${proof.service} has ${count} ready pods`
    }
    case 'load-factor':
      return null
  }
}

function lookReplaced(proof: Extract<Proof, { readonly proof: 'pod-replaced' }>, view: LabView) {
  if (view.pods.some(pod => pod.uid === proof.uid)) return null
  const successor = view.pods.find(
    pod =>
      pod.namespace === proof.namespace &&
      pod.service === proof.service &&
      !proof.before.includes(pod.uid) &&
      !pod.terminating &&
      zoneOf(pod, view.nodes) === proof.zone,
  )
  return successor === undefined
    ? null
    : `pod ${proof.name} gone, ${successor.name} (${successor.uid}) in its place`
}

function lookEnded(proof: Extract<Proof, { readonly proof: 'container-ended' }>, view: LabView) {
  const pod = view.pods.find(candidate => candidate.uid === proof.uid)
  const container = pod?.containers.find(({ name }) => name === proof.container)
  if (container === undefined || container.runningId === proof.runningIdBefore) return null
  const since = container.runningId === null ? 'is not started again yet' : 'was started again'
  return `${proof.pod}/${proof.container} ended and ${since}`
}

function readyPods(service: string, view: LabView): number {
  return view.pods.filter(
    pod => pod.group === 'experiment' && pod.service === service && pod.ready && !pod.terminating,
  ).length
}

function namesOf(pods: readonly { readonly name: string }[]): string {
  const names = pods.slice(0, 3).map(({ name }) => name)
  return pods.length > names.length ? `${names.join(', ')}, ...` : names.join(', ')
}

function missing(proof: Proof, { view, statuses }: Sight): string {
  switch (proof.proof) {
    case 'node-not-ready':
      return `node ${proof.node} did not become NotReady`
    case 'pod-replaced':
      return `pod ${proof.name} was not replaced`
    case 'pod-gone':
      return `pod ${proof.name} is still there`
    case 'agent-measured': {
      const status = statuses.get(proof.id)
      const detail = status?.proof?.detail ?? status?.problem ?? 'no measurement'
      return `${proof.what} on ${proof.node} did not show (${detail})`
    }
    case 'container-ended':
      return `${proof.pod}/${proof.container} did not end`
    case 'primary-moved':
      return 'no other pod became the Postgres primary'
    case 'node-cordoned':
      return `node ${proof.node} was not cordoned`
    case 'pods-pending':
      return 'every pod found room'
    case 'replicas-at-most':
      return `${proof.service} has ${readyPods(proof.service, view)} ready pods, not ${proof.replicas},`
    case 'load-factor':
      return `the load did not rise to ${proof.factor} times`
  }
}
