import type { LabView } from '../lab/view.ts'
import type { Action, Proof } from './fault.ts'
import { nothingSelected, type PlacedPod, placedPods } from './select.ts'

/** No time to say goodbye: the process gets SIGKILL and the object is gone at once. */
const GRACE_SECONDS = 0

export function deletePod({ namespace, name, uid }: PlacedPod): Action {
  return { action: 'delete-pod', namespace, name, uid, graceSeconds: GRACE_SECONDS }
}

/** Another pod of its service is in its zone, one that was not there before. */
export function replaced({ namespace, name, uid, service, node }: PlacedPod, view: LabView): Proof {
  const { zone } = node
  if (zone === null) throw nothingSelected(`pod ${name}`, `its node ${node.name} is in no zone`)
  const before = placedPods(service, view)
    .filter(pod => pod.node.zone === zone)
    .map(pod => pod.uid)
  return { proof: 'pod-replaced', namespace, name, uid, service, zone, before }
}

export function gone({ namespace, name, uid }: PlacedPod): Proof {
  return { proof: 'pod-gone', namespace, name, uid }
}
