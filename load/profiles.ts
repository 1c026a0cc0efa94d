import { GROUPS, type Group } from '../platform/topology.ts'
import type { LoadPlan } from './plan.ts'
import type { Ramp } from './ramp.ts'
import { firstSequence, type Surge } from './surge.ts'

/** Shapes of load over time, by the name an experiment uses. A surge is a fault on top of one. */
export const PROFILE_NAMES = ['steady'] as const
/** With those that are driven without an experiment: `ramp` looks for the rate at which a group breaks, `soak` is steady and long. */
export const ALL_PROFILE_NAMES = [...PROFILE_NAMES, 'ramp', 'soak'] as const
export type ProfileName = (typeof ALL_PROFILE_NAMES)[number]

export const KINDS = ['read', 'write'] as const
export type Kind = (typeof KINDS)[number]

/** What every scenario has: an open model, so a slow target never slows the arrivals down. */
type Common = {
  readonly timeUnit: string
  readonly startTime: string
  readonly gracefulStop: string
  readonly preAllocatedVUs: number
  readonly maxVUs: number
  /** Exported function of the script. */
  readonly exec: Kind
  readonly env: Readonly<Record<string, string>> & {
    readonly LOAD_GROUP: Group
    /** Number of the scenario's first request. */
    readonly LOAD_FIRST_SEQUENCE: string
  }
  readonly tags: { readonly group: Group; readonly kind: Kind }
}

/** What k6 is told about one (group, kind), or about what a surge adds to it. */
export type Scenario =
  | (Common & {
      readonly executor: 'constant-arrival-rate'
      /** Arrivals in `timeUnit`, a whole number. */
      readonly rate: number
      readonly duration: string
    })
  | (Common & {
      readonly executor: 'ramping-arrival-rate'
      readonly startRate: number
      /** A stage of 0 s is a jump. */
      readonly stages: readonly { readonly target: number; readonly duration: string }[]
    })

/** k6 takes whole arrivals per time unit only; with 10 s a rate can be given to 0.1/s. */
const TIME_UNIT_SECONDS = 10

/** Beyond the stall itself: what is on its way when the stall ends, and k6's own scheduling. */
const VU_HEADROOM_SECONDS = 1

type Rates = Pick<LoadPlan, 'requestsPerSecond' | 'writeShare'>

/**
 * The schedule of both groups: same rates, same start, side by side in one k6 process.
 * What a surge adds is a scenario of its own, so that the base stays the same in both groups, request by request.
 * A kind whose rate is 0 has no scenario.
 */
export function scenarios(plan: LoadPlan): Record<string, Scenario> {
  const { ramp } = plan
  if (ramp !== undefined) return Object.fromEntries(ramp.groups.flatMap(group => rampOf(plan, ramp, group)))
  const base = GROUPS.flatMap(group =>
    KINDS.map(kind => [`${group}_${kind}s`, baseOf(plan, group, kind)] as const),
  )
  const surges = (plan.surges ?? []).flatMap((surge, index) =>
    KINDS.map(
      kind => [`${surge.group}_${kind}s_surge_${index + 1}`, surgeOf(plan, surge, index, kind)] as const,
    ),
  )
  return Object.fromEntries([...base, ...surges].filter(([, { rate }]) => rate > 0))
}

function baseOf(plan: LoadPlan, group: Group, kind: Kind) {
  const perSecond = arrivalsPerSecond(plan, kind)
  return {
    executor: 'constant-arrival-rate',
    rate: perTimeUnit(perSecond),
    duration: `${plan.durationSeconds}s`,
    startTime: '0s',
    ...common(plan, group, kind, perSecond, 0),
  } as const
}

function surgeOf(plan: LoadPlan, surge: Surge, index: number, kind: Kind) {
  const perSecond = arrivalsPerSecond(plan, kind) * (surge.factor - 1)
  const shared = common(plan, surge.group, kind, perSecond, firstSequence(index))
  return {
    executor: 'constant-arrival-rate',
    rate: perTimeUnit(perSecond),
    duration: `${surge.durationSeconds}s`,
    startTime: `${surge.startSeconds}s`,
    ...shared,
    env: { ...shared.env, LOAD_SURGE: String(index) },
  } as const
}

function rampOf(plan: LoadPlan, ramp: Ramp, group: Group): (readonly [string, Scenario])[] {
  return KINDS.flatMap(kind => {
    const rates = ramp.ratesPerSecond.map(requestsPerSecond =>
      arrivalsPerSecond({ requestsPerSecond, writeShare: plan.writeShare }, kind),
    )
    const most = Math.max(...rates)
    if (most === 0) return []
    const scenario: Scenario = {
      executor: 'ramping-arrival-rate',
      startRate: perTimeUnit(rates[0] ?? 0),
      stages: rates.flatMap(rate => [
        { target: perTimeUnit(rate), duration: '0s' },
        { target: perTimeUnit(rate), duration: `${ramp.stepSeconds}s` },
      ]),
      startTime: '0s',
      ...common(plan, group, kind, most, 0),
    }
    return [[`${group}_${kind}s`, scenario] as const]
  })
}

function common(plan: LoadPlan, group: Group, kind: Kind, perSecond: number, firstNumber: number) {
  const timeoutSeconds = (kind === 'read' ? plan.readTimeoutMs : plan.writeTimeoutMs) / 1000
  // Every arrival of a total stall holds a virtual user until its time-out. With fewer, k6 would drop arrivals
  // exactly while the target is at its worst, and the run would be invalid.
  const virtualUsers = Math.ceil(perSecond * (timeoutSeconds + VU_HEADROOM_SECONDS)) + 1
  return {
    timeUnit: `${TIME_UNIT_SECONDS}s`,
    gracefulStop: `${Math.ceil(timeoutSeconds + VU_HEADROOM_SECONDS)}s`,
    preAllocatedVUs: virtualUsers,
    maxVUs: virtualUsers,
    exec: kind,
    env: { LOAD_GROUP: group, LOAD_FIRST_SEQUENCE: String(firstNumber) },
    tags: { group, kind },
  } as const
}

/** Arrivals per second of one kind in one group; rounded to what k6 can be told. */
export function arrivalsPerSecond({ requestsPerSecond, writeShare }: Rates, kind: Kind): number {
  const round = (perSecond: number) => Math.round(perSecond * TIME_UNIT_SECONDS) / TIME_UNIT_SECONDS
  const writes = round(requestsPerSecond * writeShare)
  return kind === 'write' ? writes : round(requestsPerSecond - writes)
}

function perTimeUnit(perSecond: number): number {
  return Math.round(perSecond * TIME_UNIT_SECONDS)
}

/** Samples that a soak may leave, about: 60 bytes each, so a soak of any length fits its pod's disk and the runner's memory. */
const MOST_SAMPLES = 1_000_000

/**
 * One request in so many leaves a sample: 1, unless a soak is so long that its samples would fill a disk. Requests are
 * chosen by their number, alike in both groups, so shares and quantiles of the samples are those of the requests.
 */
export function sampleEvery({ profile, requestsPerSecond, durationSeconds }: LoadPlan): number {
  if (profile !== 'soak') return 1
  return Math.ceil((GROUPS.length * requestsPerSecond * durationSeconds) / MOST_SAMPLES)
}
