import type { Clock } from './lab/roles.ts'
import type { Sample } from './measurement/sample.ts'

/** When an attack has shown enough and is ended early. */
export type AbortRule = {
  /** Share of the experimental group's requests that failed, (0, 1]. */
  readonly failedShare: number
  /** Over so many seconds; > 0. */
  readonly windowSeconds: number
  /** Fewer requests than this in the window say nothing. */
  readonly fewestRequests: number
}

const LOOK_EVERY_MS = 500

/** No request takes longer than its time-out; what started earlier has long been told. */
const LONGEST_REQUEST_MS = 30_000

/**
 * Whether the rule is met by what has been told so far. Pure.
 *
 * @param samples in the order in which they came
 * @param nowMs generator's clock
 * @returns the measurement in words, or null
 */
export function isMet(rule: AbortRule, samples: readonly Sample[], nowMs: number): string | null {
  const fromMs = nowMs - rule.windowSeconds * 1000
  let requests = 0
  let failed = 0
  for (let index = samples.length - 1; index >= 0; index--) {
    const sample = samples[index]
    if (sample === undefined || sample.startMs < fromMs - LONGEST_REQUEST_MS) break
    // A request counts when its answer came, or its patience ended.
    if (sample.group !== 'experiment' || sample.startMs + sample.durationMs < fromMs) continue
    requests++
    if (sample.outcome !== 'ok') failed++
  }
  if (requests < rule.fewestRequests || failed / requests < rule.failedShare) return null
  return `${failed} of ${requests} requests of the experiment group failed within ${rule.windowSeconds} s, allowed is less than ${rule.failedShare * 100} %`
}

/**
 * Watches the samples while they come.
 *
 * @param generatorMs instant of the generator's clock
 * @returns a signal that is aborted once the rule is met, with the measurement as the reason's message
 */
export function watchAbortRule(
  rule: AbortRule,
  samples: () => readonly Sample[],
  clock: Clock,
  generatorMs: () => number,
  until: AbortSignal,
): AbortSignal {
  const met = new AbortController()
  const watching = async () => {
    while (!until.aborted) {
      const reason = isMet(rule, samples(), generatorMs())
      if (reason !== null) return met.abort(new Error(reason))
      await clock.sleep(LOOK_EVERY_MS, until)
    }
  }
  // The only thing that ends the sleep early is the end of the attack.
  watching().catch(() => undefined)
  return met.signal
}
