import { GROUPS, type Group } from '../platform/topology.ts'
import { ALL_PROFILE_NAMES, type ProfileName } from './profiles.ts'
import { type Ramp, rampProblem } from './ramp.ts'
import { type Surge, surgeProblem } from './surge.ts'

/** One drive of load at both groups, wholly resolved. It reaches k6 as environment variables. */
export type LoadPlan = {
  /** Part of every idempotency key, so that the plays of one run can be found in the database. */
  readonly runId: string
  readonly profile: ProfileName
  /** Arrivals per second and group, reads and writes together; > 0, a multiple of 0.1. The first step of a ramp. */
  readonly requestsPerSecond: number
  /** Share of the arrivals that are writes; 0 <= writeShare < 1. */
  readonly writeShare: number
  /** How long new requests are sent, seconds; > 0. */
  readonly durationSeconds: number
  /** Seed of the sequence of requests, an unsigned 32-bit integer; the same sequence goes to both groups. */
  readonly seed: number
  /** Base URL of each group's edge as the load generator reaches it, without a slash at the end. */
  readonly urls: Readonly<Record<Group, string>>
  /** A request without an answer after this time is a sample censored here, milliseconds. */
  readonly readTimeoutMs: number
  readonly writeTimeoutMs: number
  /** Windows in which one group gets more; none overlap. */
  readonly surges?: readonly Surge[]
  /** Present exactly when `profile` is `ramp`; its steps take `durationSeconds` together. */
  readonly ramp?: Ramp
}

/**
 * Longer than the edge's own patience (reads 4 tries of 1.2 s, writes 7 of 2.5 s, each after at most 0.2 s to connect),
 * so that what gets measured is the edge's answer and not our own impatience.
 *
 * @see platform/manifests/haproxy-config.ts
 */
export const READ_TIMEOUT_MS = 6_000
export const WRITE_TIMEOUT_MS = 19_000

/** The plan as environment variables for k6; `planFromEnvironment` reads it back. */
export function planToEnvironment(plan: LoadPlan): Record<string, string> {
  return {
    LOAD_RUN_ID: plan.runId,
    LOAD_PROFILE: plan.profile,
    LOAD_REQUESTS_PER_SECOND: String(plan.requestsPerSecond),
    LOAD_WRITE_SHARE: String(plan.writeShare),
    LOAD_DURATION_SECONDS: String(plan.durationSeconds),
    LOAD_SEED: String(plan.seed),
    LOAD_READ_TIMEOUT_MS: String(plan.readTimeoutMs),
    LOAD_WRITE_TIMEOUT_MS: String(plan.writeTimeoutMs),
    ...(plan.surges === undefined ? {} : { LOAD_SURGES: JSON.stringify(plan.surges) }),
    ...(plan.ramp === undefined ? {} : { LOAD_RAMP: JSON.stringify(plan.ramp) }),
    ...Object.fromEntries(GROUPS.map(group => [urlVariable(group), plan.urls[group]])),
  }
}

/**
 * Reads the plan inside k6.
 *
 * @throws Error naming the variable, its value and what is allowed
 */
export function planFromEnvironment(environment: Readonly<Record<string, string | undefined>>): LoadPlan {
  const text = (name: string) => {
    const value = environment[name]
    if (value === undefined || value === '') throw new Error(`Cannot drive load: ${name} is not set`)
    return value
  }
  const number = (name: string, isAllowed: (value: number) => boolean, allowed: string) => {
    const value = Number(text(name))
    if (!Number.isFinite(value) || !isAllowed(value)) {
      throw new Error(
        `Cannot drive load: ${name} must be ${allowed}: current value is '${environment[name]}'`,
      )
    }
    return value
  }
  const isPositive = (value: number) => value > 0
  const profile = ALL_PROFILE_NAMES.find(name => name === text('LOAD_PROFILE'))
  if (profile === undefined) {
    throw new Error(
      `Cannot drive load: LOAD_PROFILE must be one of ${ALL_PROFILE_NAMES.join(', ')}: current value is '${text('LOAD_PROFILE')}'`,
    )
  }
  const plan = {
    runId: text('LOAD_RUN_ID'),
    profile,
    requestsPerSecond: number('LOAD_REQUESTS_PER_SECOND', isPositive, 'larger than 0'),
    writeShare: number('LOAD_WRITE_SHARE', value => value >= 0 && value < 1, 'at least 0 and below 1'),
    durationSeconds: number('LOAD_DURATION_SECONDS', isPositive, 'larger than 0'),
    seed: number(
      'LOAD_SEED',
      value => Number.isInteger(value) && value >= 0 && value < 2 ** 32,
      'an unsigned 32-bit integer',
    ),
    urls: { control: text(urlVariable('control')), experiment: text(urlVariable('experiment')) },
    readTimeoutMs: number('LOAD_READ_TIMEOUT_MS', isPositive, 'larger than 0'),
    writeTimeoutMs: number('LOAD_WRITE_TIMEOUT_MS', isPositive, 'larger than 0'),
    ...(environment.LOAD_SURGES === undefined
      ? {}
      : { surges: JSON.parse(environment.LOAD_SURGES) as readonly Surge[] }),
    ...(environment.LOAD_RAMP === undefined ? {} : { ramp: JSON.parse(environment.LOAD_RAMP) as Ramp }),
  }
  const problem = planProblem(plan)
  if (problem !== null) throw new Error(`Cannot drive load: ${problem}`)
  return plan
}

/** Says why a plan cannot be driven, by value and what is allowed, or null. */
export function planProblem({ profile, durationSeconds, surges, ramp }: LoadPlan): string | null {
  if ((ramp === undefined) === (profile === 'ramp'))
    return `the profile is '${profile}' ${ramp === undefined ? 'without' : 'with'} a ramp; allowed: a ramp exactly with the profile 'ramp'`
  if (ramp !== undefined) {
    if (surges !== undefined) return 'there is a ramp with surges; allowed: one of them'
    const seconds = ramp.ratesPerSecond.length * ramp.stepSeconds
    const problem = rampProblem(ramp)
    if (problem !== null) return problem
    if (seconds !== durationSeconds)
      return `the load lasts ${durationSeconds} s, its steps ${seconds} s; allowed: as long as its steps`
  }
  return surgeProblem(surges ?? [], durationSeconds)
}

function urlVariable(group: Group): string {
  return `LOAD_${group.toUpperCase()}_URL`
}

/**
 * Key of one write. The runner derives the same keys to look for acknowledged plays in the database.
 *
 * @param sequence zero-based number of the write in its group
 */
export function idempotencyKey(runId: string, group: Group, sequence: number): string {
  return `${runId}.${group}.${sequence}`
}
