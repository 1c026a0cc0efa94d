import type { z } from 'zod'
import type { Zone } from '../../platform/topology.ts'
import type { LabView } from '../lab/view.ts'

/** One thing the executor can do. `end` actions may be done again at any time without harm. */
export type Action =
  | { readonly action: 'power-off'; readonly zone: Zone; readonly nodes: readonly string[] }
  | { readonly action: 'power-on'; readonly zone: Zone; readonly nodes: readonly string[] }
  | {
      readonly action: 'delete-pod'
      readonly namespace: string
      readonly name: string
      readonly uid: string
      readonly graceSeconds: number
    }

/** What must be seen for the fault to count as having happened. */
export type Proof =
  | { readonly proof: 'node-not-ready'; readonly node: string }
  | {
      readonly proof: 'pod-replaced'
      readonly namespace: string
      readonly name: string
      readonly uid: string
      readonly service: string
      readonly zone: Zone
      /** Pods of the service in the zone before the fault: none of them is the replacement. */
      readonly before: readonly string[]
    }

/** A fault resolved against the lab: who is hit, how it begins, how it ends, how it shows. Plain data. */
export type FaultPlan = {
  readonly kind: string
  /** Names a person knows: nodes, pods. Never empty. */
  readonly targets: readonly string[]
  readonly zone: Zone
  readonly begin: readonly Action[]
  /** Empty for a fault from which the system heals by itself. */
  readonly end: readonly Action[]
  readonly proofs: readonly Proof[]
}

/** What every fault in an experiment file has. */
export type FaultSpec = {
  readonly kind: string
  readonly select: { readonly group: 'experiment' }
  /** From the start of the attack phase to the begin of this fault, seconds; >= 0. */
  readonly offsetSeconds: number
  /** How long it stays on, seconds; absent for a fault that is over once it has begun. */
  readonly durationSeconds?: number | undefined
}

/** One kind of fault: a file of its own in this folder, listed in `catalogue.ts`. */
export type FaultDefinition<Schema extends z.ZodType<FaultSpec> = z.ZodType<FaultSpec>> = {
  readonly kind: string
  /** One line for a person. */
  readonly summary: string
  /** What may stand in an experiment file. */
  readonly schema: Schema
  /**
   * Resolves the fault against the lab as it is now. Pure.
   *
   * @throws UserError NOTHING_SELECTED when nothing matches
   */
  plan(spec: z.infer<Schema>, view: LabView): FaultPlan
}
