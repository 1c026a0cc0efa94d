import type { Clock, LabReader } from '../lab/roles.ts'
import { type LabView, zoneOf } from '../lab/view.ts'
import type { FaultPlan, Proof } from './fault.ts'

/** Whether a fault happened, and the measurement that shows it. */
export type Effect = { readonly proven: boolean; readonly detail: string }

/** Small against the seconds that Kubernetes takes to notice, large against the cost of a read. */
const LOOK_EVERY_MS = 500

/**
 * Watches the lab until every proof of the fault has been seen, or the time for it is over.
 *
 * @param beganAtMs when the fault began, on the runner's clock
 * @param untilMs no effect by then means that there was none
 */
export async function proveEffect(
  plan: FaultPlan,
  lab: Pick<LabReader, 'view'>,
  clock: Clock,
  beganAtMs: number,
  untilMs: number,
  signal: AbortSignal,
): Promise<Effect> {
  const seen = new Map<Proof, string>()
  for (;;) {
    const view = await lab.view()
    const afterSeconds = ((clock.nowMs() - beganAtMs) / 1000).toFixed(1)
    for (const proof of plan.proofs) {
      const finding = seen.has(proof) ? null : look(proof, view)
      if (finding !== null) seen.set(proof, `${finding} after ${afterSeconds} s`)
    }
    const isProven = seen.size === plan.proofs.length
    if (isProven || clock.nowMs() >= untilMs) {
      const details = plan.proofs.map(
        proof => seen.get(proof) ?? `${missing(proof)} within ${((untilMs - beganAtMs) / 1000).toFixed(1)} s`,
      )
      return { proven: isProven, detail: details.join('; ') }
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

/** What the view shows of one proof, or null when it does not show it yet. Pure. */
export function look(proof: Proof, view: LabView): string | null {
  switch (proof.proof) {
    case 'node-not-ready': {
      const node = view.nodes.find(candidate => candidate.name === proof.node)
      if (node === undefined) return `node ${proof.node} gone`
      return node.ready ? null : `node ${proof.node} NotReady`
    }
    case 'pod-replaced': {
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
  }
}

function missing(proof: Proof): string {
  switch (proof.proof) {
    case 'node-not-ready':
      return `node ${proof.node} did not become NotReady`
    case 'pod-replaced':
      return `pod ${proof.name} was not replaced`
  }
}
