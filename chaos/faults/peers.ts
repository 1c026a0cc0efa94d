import { z } from 'zod'
import type { LabView } from '../lab/view.ts'
import {
  experimentNodes,
  nodesOfZone,
  nothingSelected,
  type PlacedPod,
  resolveZone,
  zoneChoice,
} from './select.ts'

/** Whoever the targets talk to; the edge is not attacked itself, but may be cut off from what is. */
const PEER_SERVICES = ['edge', 'gateway', 'recommender', 'database'] as const

export const peerServices = z
  .array(z.enum(PEER_SERVICES))
  .min(1)
  .readonly()
  .describe('pods of these services of the experiment group, as they are when the fault begins')

/** The other ends that a network fault is about; without it, all. */
export const peerSelect = z
  .strictObject({
    services: peerServices.optional(),
    zone: zoneChoice.optional().describe('only what is in this zone of the experiment group'),
  })
  .refine(({ services, zone }) => services !== undefined || zone !== undefined, {
    message: 'services, zone or both; to mean everybody, leave it out',
  })
export type PeerSelect = z.infer<typeof peerSelect>

/**
 * Addresses and CIDRs of the other ends, as a pod sees them.
 *
 * @param pod whose own address is not among them
 * @throws UserError NOTHING_SELECTED
 */
export function peersOf(peer: PeerSelect, pod: PlacedPod, view: LabView): readonly string[] {
  const zone = peer.zone === undefined ? null : resolveZone(peer.zone, view)
  const addresses = new Set<string | null>()
  if (peer.services === undefined && zone !== null) {
    // Where nodes have ranges, these are also of what will be started while the fault is on.
    for (const node of nodesOfZone(zone, view)) {
      addresses.add(node.address)
      for (const cidr of node.podCidrs) addresses.add(cidr)
    }
  }
  const wanted: readonly (string | null)[] = peer.services ?? PEER_SERVICES
  const inZone = new Set(
    experimentNodes(view)
      .filter(node => zone === null || node.zone === zone)
      .map(node => node.name),
  )
  for (const other of view.pods) {
    const isOurs = other.group === 'experiment' && other.namespace === 'experiment'
    const isWanted = isOurs && wanted.includes(other.service) && !other.finished
    if (isWanted && (zone === null || inZone.has(other.nodeName ?? ''))) addresses.add(other.address)
  }
  // Where a service has an address of its own, that is what its clients talk to and whom they hear answer.
  if (zone === null) {
    for (const service of view.services) {
      if (service.namespace === 'experiment' && wanted.includes(service.name))
        addresses.add(service.clusterIp)
    }
  }
  addresses.delete(pod.address)
  const found = [...addresses].filter(address => address !== null).sort()
  if (found.length > 0) return found
  const words = [...(peer.services ?? []), ...(zone === null ? [] : [`zone ${zone}`])].join(', ')
  throw nothingSelected(`the peers ${words} of ${pod.name}`, 'none has an address')
}
