/**
 * How soon the abort rule ends an attack, and how often it ends one that makes no difference: simulated with 50 requests
 * a second and group, looked at twice a second, as the runner does.
 *
 *   node bench/abort.ts          400 attacks of each kind
 *   node bench/abort.ts 2000
 */
import { quantileSorted } from 'simple-statistics'
import { type AbortRule, AbortWatch, slowLimit } from '../chaos/abort-rule.ts'
import { DEFAULT_ABORT } from '../chaos/experiment.ts'
import { wilson } from '../chaos/judgement/proportion.ts'
import { gaussian, wandering } from '../chaos/judgement/simulation.ts'
import type { Sample } from '../chaos/measurement/sample.ts'
import { type Random, seededRandom } from '../platform/random.ts'
import { GROUPS, type Group } from '../platform/topology.ts'

const RATE = 50
const LOOK_MS = 500
const BEFORE_MS = 10_000
/** A baseline, long enough to fix what is slow. */
const BASELINE_MS = 36_000
const LONGEST_MS = 60_000

/** @returns seconds until the attack was called off; Infinity: it went on to its end */
function callOffSeconds(seed: number, experiment: number, control: number): number {
  const random = seededRandom(seed)
  const watch = new AbortWatch(DEFAULT_ABORT, 0, null)
  const samples: Sample[] = []
  const failed = { experiment, control }
  for (let atMs = -BEFORE_MS; atMs < LONGEST_MS; atMs += 1000 / RATE) {
    if (atMs > 0 && atMs % LOOK_MS === 0 && watch.look(samples, atMs).isMet) return atMs / 1000
    for (const group of GROUPS) {
      const isFailed = random() < (atMs < 0 ? control : failed[group])
      const base = { group, route: 'song', kind: 'read', startMs: atMs, durationMs: 10 } as const
      samples.push({ ...base, status: isFailed ? 503 : 200, outcome: isFailed ? 'error' : 'ok' })
    }
  }
  return Number.POSITIVE_INFINITY
}

/** Log-normal latencies around a median that wanders from second to second in each group by itself. */
type Latency = {
  /** Of the experiment in the attack, times the control's. */
  readonly factor: number
  /** Standard deviation of the logarithm of the median of a second, which remembers 0.6 of the one before. */
  readonly wander: number
  /** Chance that a burst of 1 to 3 s begins in a second of a group, in which a fifth of the requests hang for 1.5 s. */
  readonly bursts: number
}

const WITH_LATENCY: AbortRule = { ...DEFAULT_ABORT, slowShare: 0.2 }

/** @returns seconds until the attack was called off for latency; Infinity: it went on to its end */
function callOffForLatency(seed: number, { factor, wander, bursts }: Latency): number {
  const random = seededRandom(seed)
  const seconds = (BASELINE_MS + LONGEST_MS) / 1000
  const courses = Object.fromEntries(
    GROUPS.map(group => [group, courseOf(seconds, wander, bursts, random)]),
  ) as Record<Group, Course>
  const samples: Sample[] = []
  let watch: AbortWatch | null = null
  for (let atMs = -BASELINE_MS; atMs < LONGEST_MS; atMs += 1000 / RATE) {
    if (atMs >= 0 && watch === null) {
      const { limitMs } = slowLimit(samples, { startMs: -BASELINE_MS, endMs: 0 })
      watch = new AbortWatch(WITH_LATENCY, 0, limitMs)
    }
    if (atMs > 0 && atMs % LOOK_MS === 0 && watch?.look(samples, atMs).isMet) return atMs / 1000
    for (const group of GROUPS) {
      const { shift, hangs } = courses[group]
      const second = Math.floor((atMs + BASELINE_MS) / 1000)
      const median = 20 * Math.exp(shift[second] ?? 0) * (group === 'experiment' && atMs >= 0 ? factor : 1)
      const isHung = hangs[second] === true && random() < 0.2
      const durationMs = isHung ? 1_500 : median * Math.exp(0.4 * gaussian(random))
      const base = { group, route: 'song', kind: 'read', startMs: atMs, durationMs } as const
      samples.push({ ...base, status: 200, outcome: 'ok' })
    }
  }
  return Number.POSITIVE_INFINITY
}

type Course = { readonly shift: readonly number[]; readonly hangs: readonly boolean[] }

function courseOf(seconds: number, wander: number, bursts: number, random: Random): Course {
  let left = 0
  const hangs = Array.from({ length: seconds }, () => {
    if (left === 0 && random() < bursts) left = 1 + Math.floor(random() * 3)
    return left > 0 && left-- > 0
  })
  return { shift: wandering(seconds, wander, 0.6, random), hangs }
}

const attacks = Number(process.argv[2] ?? 400)
const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`

/** One line about attacks of a kind. */
function tell(kind: string, callOff: (seed: number) => number): void {
  const seconds = Array.from({ length: attacks }, (_, seed) => callOff(seed)).sort(
    (one, other) => one - other,
  )
  const called = seconds.filter(Number.isFinite).length
  const { low, high } = wilson(called, attacks, 0.025)
  const when =
    called < attacks / 2
      ? ''
      : `, median ${quantileSorted(seconds, 0.5)} s, nine in ten within ${quantileSorted(seconds, 0.9)} s`
  console.log(`${kind}: ${called} (95 % interval ${percent(low)} to ${percent(high)})${when}`)
}

console.log(`Called off, of ${attacks} attacks of ${LONGEST_MS / 1000} s each, alpha ${DEFAULT_ABORT.alpha}:`)
for (const [experiment, control] of [
  [1, 0.001],
  [0.2, 0.001],
  [0.1, 0.001],
  [0.05, 0.001],
  [0.001, 0.001],
  [0.01, 0.01],
  [0.1, 0.1],
  [0.3, 0.3],
] as const) {
  tell(`${percent(experiment)} of the experiment fail, ${percent(control)} of the control`, seed =>
    callOffSeconds(seed, experiment, control),
  )
}
console.log(`Called off for latency, slowShare ${WITH_LATENCY.slowShare}:`)
for (const [kind, latency] of [
  ['five times as slow', { factor: 5, wander: 0.05, bursts: 0 }],
  ['twice as slow', { factor: 2, wander: 0.05, bursts: 0 }],
  ['alike, independent', { factor: 1, wander: 0, bursts: 0 }],
  ['alike, AR(1) 0.6', { factor: 1, wander: 0.2, bursts: 0 }],
  ['alike, bursts in one group', { factor: 1, wander: 0.05, bursts: 0.02 }],
] as const) {
  tell(kind, seed => callOffForLatency(seed, latency))
}
