import { GROUPS, type Group } from '../platform/topology.ts'
import type { LoadPlan } from './plan.ts'

/** Shapes of load over time, by the name an experiment uses. */
export const PROFILE_NAMES = ['steady'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

export const KINDS = ['read', 'write'] as const
export type Kind = (typeof KINDS)[number]

/** What k6 is told about one (group, kind): an open model, so a slow target never slows the arrivals down. */
export type Scenario = {
  readonly executor: 'constant-arrival-rate'
  /** Arrivals in `timeUnit`, a whole number. */
  readonly rate: number
  readonly timeUnit: string
  readonly duration: string
  readonly startTime: string
  readonly gracefulStop: string
  readonly preAllocatedVUs: number
  readonly maxVUs: number
  /** Exported function of the script. */
  readonly exec: Kind
  readonly env: { readonly LOAD_GROUP: Group }
  readonly tags: { readonly group: Group; readonly kind: Kind }
}

/** k6 takes whole arrivals per time unit only; with 10 s a rate can be given to 0.1/s. */
const TIME_UNIT_SECONDS = 10

/** Beyond the stall itself: what is on its way when the stall ends, and k6's own scheduling. */
const VU_HEADROOM_SECONDS = 1

/**
 * The schedule of both groups: same rates, same start, side by side in one k6 process.
 * A kind whose rate is 0 has no scenario.
 */
export function scenarios(plan: LoadPlan): Record<string, Scenario> {
  const entries = GROUPS.flatMap(group =>
    KINDS.filter(kind => arrivalsPerSecond(plan, kind) > 0).map(
      kind => [`${group}_${kind}s`, scenario(plan, group, kind)] as const,
    ),
  )
  return Object.fromEntries(entries)
}

function scenario(plan: LoadPlan, group: Group, kind: Kind): Scenario {
  const perSecond = arrivalsPerSecond(plan, kind)
  const timeoutSeconds = (kind === 'read' ? plan.readTimeoutMs : plan.writeTimeoutMs) / 1000
  // Every arrival of a total stall holds a virtual user until its time-out. With fewer, k6 would drop arrivals
  // exactly while the target is at its worst, and the run would be invalid.
  const virtualUsers = Math.ceil(perSecond * (timeoutSeconds + VU_HEADROOM_SECONDS)) + 1
  return {
    executor: 'constant-arrival-rate',
    rate: Math.round(perSecond * TIME_UNIT_SECONDS),
    timeUnit: `${TIME_UNIT_SECONDS}s`,
    duration: `${plan.durationSeconds}s`,
    startTime: '0s',
    gracefulStop: `${Math.ceil(timeoutSeconds + VU_HEADROOM_SECONDS)}s`,
    preAllocatedVUs: virtualUsers,
    maxVUs: virtualUsers,
    exec: kind,
    env: { LOAD_GROUP: group },
    tags: { group, kind },
  }
}

/** Arrivals per second of one kind in one group; rounded to what k6 can be told. */
export function arrivalsPerSecond(
  plan: Pick<LoadPlan, 'requestsPerSecond' | 'writeShare'>,
  kind: Kind,
): number {
  const round = (perSecond: number) => Math.round(perSecond * TIME_UNIT_SECONDS) / TIME_UNIT_SECONDS
  const writes = round(plan.requestsPerSecond * plan.writeShare)
  return kind === 'write' ? writes : round(plan.requestsPerSecond - writes)
}
