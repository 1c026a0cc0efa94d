import { z } from 'zod'
import type { LabView } from '../lab/view.ts'
import { bandwidth } from './bandwidth.ts'
import { blackhole } from './blackhole.ts'
import { clockSkew } from './clock-skew.ts'
import { connectionExhaustion } from './connection-exhaustion.ts'
import { cpu } from './cpu.ts'
import { diskFill } from './disk-fill.ts'
import { dns } from './dns.ts'
import { drain } from './drain.ts'
import { evict } from './evict.ts'
import type { FaultDefinition, FaultPlan, FaultSpec, PlanContext } from './fault.ts'
import { io } from './io.ts'
import { killContainer } from './kill-container.ts'
import { killPod } from './kill-pod.ts'
import { killPrimary } from './kill-primary.ts'
import { killProcess } from './kill-process.ts'
import { latency } from './latency.ts'
import { loss } from './loss.ts'
import { memory } from './memory.ts'
import { oversubscribe } from './oversubscribe.ts'
import { partition } from './partition.ts'
import { pause } from './pause.ts'
import { powerOff } from './power-off.ts'
import { scaleDown } from './scale-down.ts'
import { slowDatabase } from './slow-database.ts'
import { surge } from './surge.ts'
import { zoneOutage } from './zone-outage.ts'
import { zonePartition } from './zone-partition.ts'

/** Every kind of fault there is, by what it is done to. */
export const FAULTS = [
  cpu,
  memory,
  io,
  diskFill,
  killContainer,
  killProcess,
  pause,
  latency,
  loss,
  bandwidth,
  blackhole,
  dns,
  partition,
  clockSkew,
  killPod,
  killPrimary,
  evict,
  powerOff,
  zoneOutage,
  zonePartition,
  drain,
  oversubscribe,
  scaleDown,
  slowDatabase,
  connectionExhaustion,
  surge,
] as const

export const FAULT_KINDS: readonly string[] = FAULTS.map(fault => fault.kind)

type SchemasOf<Definitions extends readonly { readonly schema: unknown }[]> = {
  -readonly [Index in keyof Definitions]: Definitions[Index]['schema']
}

/** A fault as it stands in an experiment file, of any kind. */
export const faultSchema = z.discriminatedUnion(
  'kind',
  FAULTS.map(fault => fault.schema) as unknown as SchemasOf<typeof FAULTS>,
)
export type AnyFault = z.infer<typeof faultSchema> & FaultSpec

const DEFINITIONS: ReadonlyMap<string, FaultDefinition> = new Map(
  // Each takes its own kind of spec only, and is only ever given that.
  FAULTS.map(fault => [fault.kind, fault as unknown as FaultDefinition]),
)

/** What is known of a kind of fault. @throws RangeError when there is none of that name */
export function definitionOf(kind: string): FaultDefinition {
  const definition = DEFINITIONS.get(kind)
  if (definition !== undefined) return definition
  throw new RangeError(`Cannot find fault '${kind}': there are ${FAULT_KINDS.join(', ')}`)
}

/**
 * Resolves a fault of any kind against the lab as it is now. Pure.
 *
 * @throws UserError NOTHING_SELECTED when nothing matches; CAPABILITY_MISSING when a node cannot do it
 */
export function planFault(spec: AnyFault, view: LabView, context: PlanContext): FaultPlan {
  return definitionOf(spec.kind).plan(spec, view, context)
}
