import type { Group } from '../../platform/topology.ts'
import type { Effect } from './effect.ts'

/** Share by which the factor that was seen may differ from the one that was asked for: a window cuts arrivals at its edges. */
const TOLERANCE = 0.1

/**
 * Whether the experimental group received `factor` times the load of the control group while the surge was on. Pure.
 *
 * @param inside requests that the generator started in the window of the surge; null when it tells of none
 */
export function proveLoadFactor(factor: number, inside: Readonly<Record<Group, number>> | null): Effect {
  if (inside === null || inside.control === 0) {
    return { proven: false, detail: 'the load generator tells of no request during the surge' }
  }
  const seen = inside.experiment / inside.control
  return {
    proven: Math.abs(seen / factor - 1) <= TOLERANCE,
    detail: `the experiment group received ${inside.experiment} requests, the control group ${inside.control}: times ${seen.toFixed(2)}, asked for ${factor}`,
  }
}
