import jStat from 'jstat'

/** Requests of one group that were answered, or ran out of time, between two looks. */
export type Tally = { readonly requests: number; readonly failed: number }

/** Jeffreys' prior of a proportion. Of 1/2, 1, 2 and 5 it was the quickest at 50 requests a second and group. */
const PRIOR = 1 / 2

/** Beyond it is as good as certain, and still a number in JSON. */
const LARGEST_LOG = Math.log(1e300)

/**
 * Evidence that failures fall on the experiment more often than its share of the requests: a conditional binomial
 * e-process. Of m failures in both groups, were they alike, each would be the experiment's with the probability that a
 * request was, r = requests of the experiment / requests of both. The e-value is how much better the failures are told
 * by a share that is not known, Beta(a, a), than by r:
 *
 *   E = B(a + x, a + m - x) / B(a, a) / product over the looks of r^x (1 - r)^(m - x)
 *
 * with x of the m the experiment's; for r = 1/2 the divisor is 2^-m. While the groups are alike E is a martingale that
 * starts at 1, so it reaches 1/alpha at any time with a probability of at most alpha, however often one looks. It needs
 * no failure before the attack, and failures that hit both groups are none of its business. It takes failures for
 * independent of each other; many from one cause make it bolder than it says.
 *
 * @see Ville 1939, Etude critique de la notion de collectif; Ramdas et al. 2023, Statistical Science 38(4), 576-601
 */
export class FailureEvidence {
  #experiment = 0
  #control = 0
  #logNull = 0
  #expected = 0

  /** Takes what came since the last look. */
  add(experiment: Tally, control: Tally): void {
    const share = experiment.requests / (experiment.requests + control.requests)
    if (experiment.failed > 0) this.#logNull += experiment.failed * Math.log(share)
    if (control.failed > 0) this.#logNull += control.failed * Math.log1p(-share)
    const failed = experiment.failed + control.failed
    if (failed > 0) this.#expected += failed * share
    this.#experiment += experiment.failed
    this.#control += control.failed
  }

  /** Failures so far. */
  get failures(): { readonly experiment: number; readonly control: number } {
    return { experiment: this.#experiment, control: this.#control }
  }

  /** How many of the failures would be the experiment's if the groups were alike. */
  get expected(): number {
    return this.#expected
  }

  /** In [0, 1e300]; 1 says nothing either way. Above 1 only when the experiment has more failures than its share. */
  get eValue(): number {
    const { betaln } = jStat
    const told = betaln(PRIOR + this.#experiment, PRIOR + this.#control) - betaln(PRIOR, PRIOR)
    const largest = this.#experiment > this.#expected ? LARGEST_LOG : 0
    return Math.exp(Math.min(largest, told - this.#logNull))
  }
}
