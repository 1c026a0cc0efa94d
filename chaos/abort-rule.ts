import { FailureEvidence, type Tally } from './judgement/e-process.ts'
import { quantile } from './judgement/quantile.ts'
import { bySecond } from './judgement/seconds.ts'
import type { Clock } from './lab/roles.ts'
import type { Phase, Sample } from './measurement/sample.ts'

/**
 * When an attack has shown enough and is ended early: it is sure that the experimental group fails more than the
 * untouched one, or where that is asked for answers slower, and it is bad.
 */
export type AbortRule = {
  /** Chance to end an attack that makes no difference, however often one looks; (0, 1). The limit of e is 1 / alpha. */
  readonly alpha: number
  /** By so much the share of the experiment's requests that failed is above that of the control's, [0, 1]. */
  readonly failedShare: number
  /**
   * By so much the share of the experiment's requests that were slow is above that of the control's, [0, 1]; slow is what
   * took longer than 99 of 100 of the control's in the baseline. Absent: latency ends no attack.
   */
  readonly slowShare?: number | undefined
  /** Over the last so many seconds; > 0. */
  readonly windowSeconds: number
}

/** How far the rule is from being met. */
export type AbortEvidence = {
  /** Runner's clock, Unix milliseconds. */
  readonly atMs: number
  /** @see FailureEvidence.eValue; where latency counts too, the mean of both */
  readonly eValue: number
  readonly limit: number
  /** The counts behind it, in words. */
  readonly detail: string
}

const LOOK_EVERY_MS = 500

/** Slow is a request that takes longer than this share of the control's in the baseline. */
const SLOW_QUANTILE = 0.99
/** Fewest answers of the control for that: ten of them are beyond it. */
const FEWEST_ANSWERS = 1_000

/** From which duration on a request counts as slow. */
export type SlowLimit = {
  /** Milliseconds; null: the control answered too few requests to tell, or it took until its patience ended. */
  readonly limitMs: number | null
  /** Requests of the control from which it was taken. */
  readonly answers: number
}

/** Fixes what is slow before the attack begins, so that nothing the attack does can move it. */
export function slowLimit(samples: readonly Sample[], baseline: Phase): SlowLimit {
  const { latency } = bySecond(samples, 'control', baseline)
  const answers = latency.durationMs.length
  const found = quantile(latency, SLOW_QUANTILE)
  const isKnown = found !== null && !found.censored && answers >= FEWEST_ANSWERS
  return { limitMs: isKnown ? found.valueMs : null, answers }
}

/** What a rule has seen of an attack. */
export class AbortWatch {
  readonly #rule: AbortRule
  readonly #attackMs: number
  /** null: latency ends no attack. */
  readonly #slow: { readonly share: number; readonly limitMs: number } | null
  readonly #evidence = new FailureEvidence()
  /** The same of slow requests instead of failed ones. */
  readonly #slowEvidence = new FailureEvidence()
  /** Answered within the window, in the order in which they came. */
  #recent: Sample[] = []
  #taken = 0

  /**
   * @param attackMs requests that started before it say nothing of the attack; generator's clock
   * @param slowMs from this duration on a request is slow, milliseconds; null: not known, so latency cannot end the attack
   */
  constructor(rule: AbortRule, attackMs: number, slowMs: number | null) {
    this.#rule = rule
    this.#attackMs = attackMs
    this.#slow =
      rule.slowShare === undefined || slowMs === null ? null : { share: rule.slowShare, limitMs: slowMs }
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

    const experiment = shareOf(tally(this.#recent, 'experiment'))
    const control = shareOf(tally(this.#recent, 'control'))
    const eValue = this.#evidence.eValue
    const limit = 1 / alpha
    const seen = {
      isMet: eValue >= limit && experiment - control >= failedShare,
      eValue,
      limit,
      detail: `${countsOf(this.#evidence, 'failed')} Within ${windowSeconds} s ${percent(experiment)} of its requests failed, ${percent(control)} of the control's; less than ${percent(failedShare)} more is allowed.`,
    }
    return this.#slow === null ? seen : this.#withLatency(seen, attacked, this.#slow)
  }

  /**
   * The mean of two e-values is one again, so `alpha` holds for both ways to be called off together. The harm must be of
   * the kind of which there is evidence.
   */
  #withLatency(
    failing: Look,
    attacked: readonly Sample[],
    { share, limitMs }: { readonly share: number; readonly limitMs: number },
  ): Look {
    const { limit } = failing
    const slow = (samples: readonly Sample[], group: Sample['group']) => slowTally(samples, group, limitMs)
    this.#slowEvidence.add(slow(attacked, 'experiment'), slow(attacked, 'control'))
    const experiment = shareOf(slow(this.#recent, 'experiment'))
    const control = shareOf(slow(this.#recent, 'control'))
    const slowValue = this.#slowEvidence.eValue
    const isSlow = slowValue >= limit && experiment - control >= share
    const eValue = (failing.eValue + slowValue) / 2
    return {
      isMet: eValue >= limit && (failing.isMet || isSlow),
      eValue,
      limit,
      detail: `${failing.detail} ${countsOf(this.#slowEvidence, 'slow')} ${percent(experiment)} of its requests took longer than ${limitMs.toPrecision(3)} ms, ${percent(control)} of the control's; less than ${percent(share)} more is allowed.`,
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
 * @param slowMs see AbortWatch
 * @returns Unix milliseconds of the generator's clock; null: never
 */
export function whenMet(
  rule: AbortRule,
  samples: readonly Sample[],
  attack: Phase,
  slowMs: number | null,
): number | null {
  const coming = [...samples].sort((one, other) => answeredMs(one) - answeredMs(other))
  const watch = new AbortWatch(rule, attack.startMs, slowMs)
  for (let nowMs = attack.startMs; nowMs < attack.endMs; nowMs += LOOK_EVERY_MS) {
    const known = coming.filter(sample => answeredMs(sample) <= nowMs)
    if (watch.look(known, nowMs).isMet) return nowMs
  }
  return null
}

function countsOf(
  { failures: { experiment, control }, expected }: FailureEvidence,
  what: 'failed' | 'slow',
): string {
  const all = experiment + control
  if (all === 0) return `No request of the attack ${what === 'failed' ? 'failed' : 'was slow'}.`
  return `${experiment} of ${all} ${what} requests of the attack are the experiment's, ${expected.toFixed(1)} if the groups were alike.`
}

function tally(samples: readonly Sample[], group: Sample['group']): Tally {
  const own = samples.filter(sample => sample.group === group)
  return { requests: own.length, failed: own.filter(({ outcome }) => outcome !== 'ok').length }
}

/** Slow ones instead of failed ones; a quick error page is no quick answer, and a request nobody answered was slow. */
function slowTally(samples: readonly Sample[], group: Sample['group'], limitMs: number): Tally {
  const own = samples.filter(sample => sample.group === group && sample.outcome !== 'error')
  return { requests: own.length, failed: own.filter(({ durationMs }) => durationMs > limitMs).length }
}

function shareOf({ requests, failed }: Tally): number {
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
  /** Duration from which on a request is slow, milliseconds; null: not known, or not asked for. */
  readonly slowMs: number | null
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
  { samples, clock, generatorMs, slowMs, tell }: Watched,
  until: AbortSignal,
): AbortSignal {
  const met = new AbortController()
  const watch = new AbortWatch(rule, generatorMs(), slowMs)
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
