import type { ActionDefinition } from './action.ts'
import { type ClockSpec, clock } from './clock.ts'
import { type DelaySpec, delay } from './delay.ts'
import { type DropSpec, drop } from './drop.ts'
import { type FillSpec, fill } from './fill.ts'
import { type FreezeSpec, freeze } from './freeze.ts'
import { type MemorySpec, memory } from './memory.ts'
import { type ShapeSpec, shape } from './shape.ts'
import { type SignalSpec, signal } from './signal.ts'
import { type SqlSpec, sql } from './sql.ts'
import { type StressSpec, stress } from './stress.ts'

/** Everything an agent can do. */
export const ACTIONS = { drop, delay, shape, stress, memory, fill, signal, freeze, clock, sql } as const

export type ActionSpec =
  | DropSpec
  | DelaySpec
  | ShapeSpec
  | StressSpec
  | MemorySpec
  | FillSpec
  | SignalSpec
  | FreezeSpec
  | ClockSpec
  | SqlSpec

/** The definition of one action, whatever its kind. */
export function definitionOf(spec: ActionSpec): ActionDefinition<ActionSpec> {
  return ACTIONS[spec.action] as unknown as ActionDefinition<ActionSpec>
}
