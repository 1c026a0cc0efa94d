import { duration } from '../rule.ts'

/** Series as promtool's tests write them, to what is told of each. */
export type Told = Readonly<Record<string, string>>

/** Labels of one alert that its series bring along; those of the rule itself are known. */
export type Carried = Readonly<Record<string, string>>

/** One alert that fires and resolves, and what is close to it and must not set it off. */
export type AlertCase = {
  readonly alert: string
  /** Seconds between two samples and two evaluations; 5 when missing. */
  readonly stepSeconds?: number
  readonly fires: {
    readonly told: Told
    /** Seconds at which it must not fire yet: the guard. */
    readonly notYetSeconds?: number
    readonly atSeconds: number
    readonly labels: Carried | readonly Carried[]
    /** null: it fires always. */
    readonly resolvedSeconds: number | null
  }
  readonly quiet: readonly { readonly why: string; readonly told: Told; readonly atSeconds: number }[]
}

export const STEP_SECONDS = 5

/** Tells `value` for so many seconds, one sample a step. */
export function hold(value: number, seconds: number, stepSeconds: number = STEP_SECONDS): string {
  return `${value}x${samples(seconds, stepSeconds) - 1}`
}

/** Tells nothing for so many seconds. */
export function silent(seconds: number, stepSeconds: number = STEP_SECONDS): string {
  return Array.from({ length: samples(seconds, stepSeconds) }, () => '_').join(' ')
}

/** One stretch after the other. */
export function then(...stretches: readonly string[]): string {
  return stretches.join(' ')
}

/** A counter from 0 on: for each stretch how long it is, seconds, and by how much a second it grows. */
export function counts(
  stretches: readonly (readonly [seconds: number, perSecond: number])[],
  stepSeconds: number = STEP_SECONDS,
): string {
  let value = 0
  return stretches
    .map(([seconds, perSecond]) => {
      const from = value
      const count = samples(seconds, stepSeconds)
      value += perSecond * stepSeconds * count
      return `${from}+${perSecond * stepSeconds}x${count - 1}`
    })
    .join(' ')
}

function samples(seconds: number, stepSeconds: number): number {
  const count = seconds / stepSeconds
  if (Number.isInteger(count) && count >= 1) return count
  throw new RangeError(
    `Cannot tell a series for ${seconds} s: it must be a multiple of ${duration(stepSeconds)}, 1 or more`,
  )
}
