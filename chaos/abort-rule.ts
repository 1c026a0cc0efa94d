import { FailureEvidence, type Tally } from './judgement/e-process.ts'
import type { Clock } from './lab/roles.ts'
import type { Phase, Sample } from './measurement/sample.ts'

/**
 * When an attack has shown enough and is ended early: it is sure that the experimental group fails more than the
 * untouched one, and it is bad.
 */
export type AbortRule = {
  /** Chance to end an attack that makes no difference, however often one looks; (0, 1). The limit of e is 1 / alpha. */
  readonly alpha: number
  /** By so much the share of the experiment's requests that failed is above that of the control's, [0, 1]. */
  readonly failedShare: number
  /** Over the last so many seconds; > 0. */
  readonly windowSeconds: number
}

/** How far the rule is from being met. */
export type AbortEvidence = {
  /** Runner's clock, Unix milliseconds. */
  readonly atMs: number
  /** @see FailureEvidence.eValue */
  readonly eValue: number
  readonly limit: number
  /** The counts behind it, in words. */
  readonly detail: string
}

const LOOK_EVERY_MS = 500

/** What a rule has seen of an attack. */
export class AbortWatch {
  readonly #rule: AbortRule
  readonly #attackMs: number
  readonly #evidence = new FailureEvidence()
  /** Answered within the window, in the order in which they came. */
  #recent: Sample[] = []
  #taken = 0

  /** @param attackMs requests that started before it say nothing of the attack; generator's clock */
  constructor(rule: AbortRule, attackMs: number) {
    this.#rule = rule
    this.#attackMs = attackMs
  }

  /**
   * @param samples all that came, in the order in which they came: those of last time, and more
   * @param nowMs generator's clock
   */
  look(samples: readonly Sample[], nowMs: number): Look {
    const { alpha, failedShare, windowSeconds } = this.#rule
    const news = samples.slice(this.#taken)
    this.#taken = samples.length
    const attacked = news.filter(({ startMs }) => startMs >= this.#attackMs)
    this.#evidence.add(tally(attacked, 'experiment'), tally(attacked, 'control'))
    // A request counts when its answer came, or its patience ended.
    const fromMs = nowMs - windowSeconds * 1000
    this.#recent = [...this.#recent, ...news].filter(sample => answeredMs(sample) >= fromMs)

    const experiment = failedShareOf(this.#recent, 'experiment')
    const control = failedShareOf(this.#recent, 'control')
    const eValue = this.#evidence.eValue
    const limit = 1 / alpha
    return {
      isMet: eValue >= limit && experiment - control >= failedShare,
      eValue,
      limit,
      detail: `${countsOf(this.#evidence)} Within ${windowSeconds} s ${percent(experiment)} of its requests failed, ${percent(control)} of the control's; less than ${percent(failedShare)} more is allowed.`,
    }
  }
}

type Look = Omit<AbortEvidence, 'atMs'> & { readonly isMet: boolean }

/** When its answer came, or its patience ended. */
const answeredMs = ({ startMs, durationMs }: Sample) => startMs + durationMs

/**
 * When the rule would have put an end to an attack of which everything is known, looking as often as the runner does.
 *
 * @param samples in whatever order
 * @param attack generator's clock
 * @returns Unix milliseconds of the generator's clock; null: never
 */
export function whenMet(rule: AbortRule, samples: readonly Sample[], attack: Phase): number | null {
  const coming = [...samples].sort((one, other) => answeredMs(one) - answeredMs(other))
  const watch = new AbortWatch(rule, attack.startMs)
  for (let nowMs = attack.startMs; nowMs < attack.endMs; nowMs += LOOK_EVERY_MS) {
    const known = coming.filter(sample => answeredMs(sample) <= nowMs)
    if (watch.look(known, nowMs).isMet) return nowMs
  }
  return null
}

function countsOf({ failures: { experiment, control }, expected }: FailureEvidence): string {
  const all = experiment + control
  if (all === 0) return 'No request of the attack failed.'
  return `${experiment} of ${all} failed requests of the attack are the experiment's, ${expected.toFixed(1)} if the groups were alike.`
}

function tally(samples: readonly Sample[], group: Sample['group']): Tally {
  const own = samples.filter(sample => sample.group === group)
  return { requests: own.length, failed: own.filter(({ outcome }) => outcome !== 'ok').length }
}

function failedShareOf(samples: readonly Sample[], group: Sample['group']): number {
  const { requests, failed } = tally(samples, group)
  return requests === 0 ? 0 : failed / requests
}

const percent = (ratio: number) => `${Number((ratio * 100).toFixed(1))} %`

/** An attack that is under way. */
export type Watched = {
  /** What came so far, in the order in which it came. */
  readonly samples: () => readonly Sample[]
  readonly clock: Clock
  /** Instant of the generator's clock. */
  readonly generatorMs: () => number
  /** Told first, and whenever the counts behind it change. */
  readonly tell: (evidence: AbortEvidence) => void
}

/**
 * Watches the samples while they come, from now on.
 *
 * @returns a signal that is aborted once the rule is met, with the measurement as the reason's message
 */
export function watchAbortRule(
  rule: AbortRule,
  { samples, clock, generatorMs, tell }: Watched,
  until: AbortSignal,
): AbortSignal {
  const met = new AbortController()
  const watch = new AbortWatch(rule, generatorMs())
  const watching = async () => {
    let told = ''
    while (!until.aborted) {
      const { isMet, ...look } = watch.look(samples(), generatorMs())
      if (look.detail !== told) tell({ atMs: clock.nowMs(), ...look })
      told = look.detail
      if (isMet) return met.abort(new Error(reasonOf(look)))
      // The only thing that ends the sleep early is the end of the attack.
      await clock.sleep(LOOK_EVERY_MS, until).catch(() => undefined)
    }
  }
  // An attack that nobody can watch is no longer carried on.
  watching().catch(error => met.abort(error))
  return met.signal
}

function reasonOf({ eValue, limit, detail }: Omit<Look, 'isMet'>): string {
  return `evidence e = ${Number(eValue.toPrecision(3))} of ${Number(limit.toPrecision(3))}. ${detail}`
}
