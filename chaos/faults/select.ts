import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import { ZONES, type Zone } from '../../platform/topology.ts'
import { type LabView, type NodeView, primaryZone } from '../lab/view.ts'

/** `primary` is the zone in which the group's Postgres primary is when the fault begins. */
export const ZONE_CHOICES = [...ZONES, 'primary'] as const

/** The control group is not an allowed value anywhere. */
export const experimentGroup = z.literal('experiment')
export const zoneChoice = z.enum(ZONE_CHOICES)

/** Later than this after the start of the attack no fault can begin, seconds. */
const LONGEST_SECONDS = 3600
export const offsetSeconds = z.number().min(0).max(LONGEST_SECONDS)
export const durationSeconds = z.number().positive().max(LONGEST_SECONDS)

/**
 * Resolves a zone choice.
 *
 * @throws UserError NOTHING_SELECTED when there is no primary to find the zone of
 */
export function resolveZone(choice: (typeof ZONE_CHOICES)[number], view: LabView): Zone {
  if (choice !== 'primary') return choice
  const zone = primaryZone('experiment', view)
  if (zone !== null) return zone
  throw nothingSelected('zone primary', 'the experiment group has no Postgres primary')
}

/**
 * Nodes of the experimental group in one zone.
 *
 * @throws UserError NOTHING_SELECTED
 */
export function nodesOfZone(zone: Zone, view: LabView): readonly NodeView[] {
  const nodes = view.nodes.filter(node => node.group === 'experiment' && node.zone === zone)
  if (nodes.length === 0)
    throw nothingSelected(`zone ${zone}`, 'no node is labelled with it and group=experiment')
  return nodes
}

export function nothingSelected(what: string, why: string): UserError {
  return new UserError(
    'NOTHING_SELECTED',
    `Cannot select ${what} of the experiment group: ${why}`,
    "See what is there with 'divergence status'.",
  )
}
