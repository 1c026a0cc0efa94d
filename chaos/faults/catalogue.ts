import { z } from 'zod'
import type { LabView } from '../lab/view.ts'
import type { FaultPlan } from './fault.ts'
import { killPod } from './kill-pod.ts'
import { zoneOutage } from './zone-outage.ts'

/** Every kind of fault there is. */
export const FAULTS = [zoneOutage, killPod] as const

export const FAULT_KINDS: readonly string[] = FAULTS.map(fault => fault.kind)

/** A fault as it stands in an experiment file, of any kind. */
export const faultSchema = z.discriminatedUnion('kind', [zoneOutage.schema, killPod.schema])
export type AnyFault = z.infer<typeof faultSchema>

/** Resolves a fault of any kind against the lab. @throws UserError NOTHING_SELECTED */
export function planFault(spec: AnyFault, view: LabView): FaultPlan {
  switch (spec.kind) {
    case 'zone-outage':
      return zoneOutage.plan(spec, view)
    case 'kill-pod':
      return killPod.plan(spec, view)
  }
}
